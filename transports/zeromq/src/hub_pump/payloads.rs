//! Payloads on their way out: a chunk for each question, once the payload is there and a little at
//! a time.
//!
//! A chunk is ten thousand times as long as the question for it, and lies in libzmq's queue until
//! its process reads, if ever. So each chunk carries a number that nobody can know who has not got
//! it; the process says it back, and only so much is on its way as has not been said back.

use bytes::Bytes;
use skyscan_transport::{
    PayloadId, ScanId,
    backend::{Sought, random},
};

use super::{
    HubCommand, HubPump,
    budget::{MAX_CHUNKS, MAX_CHUNKS_OF_A_PROCESS, MAX_FETCHES, MAX_FETCHES_OF_A_PROCESS},
};
use crate::wire::{Budget, CHUNK_BYTES, FRAME_TARGET_BYTES, Malformed, UNKNOWN};

/// A part of a payload that a process has asked for.
#[derive(Debug)]
pub(crate) struct ChunkWanted {
    at: usize,
    /// Of the session at that place: another one may be there by the time of the answer.
    process: [u8; 16],
    scan: ScanId,
    payload: PayloadId,
    offset: u64,
    length: u32,
}

impl HubPump {
    /// A process asks for a part of a payload.
    pub(super) fn wanted(
        &mut self,
        at: usize,
        scan: ScanId,
        payload: PayloadId,
        offset: u64,
        length: u32,
    ) -> Result<(), Malformed> {
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        let n_of_this = session.fetches.len() + session.n_sought;
        if n_of_this >= MAX_FETCHES_OF_A_PROCESS || self.spent.n_fetches >= MAX_FETCHES {
            return Err(Malformed::Greedy(Budget::Fetches));
        }
        self.spent.n_fetches += 1;
        let wanted = ChunkWanted {
            at,
            process: session.process,
            scan,
            payload,
            offset,
            length,
        };
        let Some(hub) = self.hubs.get_mut(&scan) else {
            session.fetches.push_back(wanted);
            self.serve_chunks(at);
            return Ok(());
        };
        match hub.payloads.seek(payload, wanted) {
            Sought::Answer(wanted) => {
                session.fetches.push_back(wanted);
                self.serve_chunks(at);
            }
            Sought::Waits => session.n_sought += 1,
            Sought::Ask(source) => {
                session.n_sought += 1;
                let (post, epoch) = (self.inlet.post(), hub.epoch);
                hub.runtime.spawn(async move {
                    let found = source.find(payload).await.ok();
                    if let Some(post) = post.upgrade() {
                        post.send(HubCommand::Found {
                            scan,
                            epoch,
                            id: payload,
                            payload: found,
                        });
                    }
                });
            }
        }
        Ok(())
    }

    /// The source of payloads has answered: so is everyone who waits.
    pub(super) fn found(&mut self, scan: ScanId, id: PayloadId, payload: Option<Bytes>) {
        let Some(hub) = self.hubs.get_mut(&scan) else {
            return;
        };
        for wanted in hub.payloads.found(id, payload) {
            let (at, process) = (wanted.at, wanted.process);
            let session = self.sessions[at].as_mut();
            if let Some(session) = session.filter(|session| session.process == process) {
                session.n_sought = session.n_sought.saturating_sub(1);
                session.fetches.push_back(wanted);
                self.serve_chunks(at);
            }
        }
    }

    /// A process shows that it has got a chunk, and with it all before.
    pub(super) fn arrived(&mut self, at: usize, proof: u32) -> Result<(), Malformed> {
        let Some(session) = self.sessions[at].as_mut() else {
            return Ok(());
        };
        let place = session.proofs.iter().position(|&known| known == proof);
        let n_arrived = place.ok_or(Malformed::Stranger)? + 1;
        session.proofs.drain(..n_arrived);
        session.chunk_progress = self.now;
        self.spent.n_chunks -= n_arrived;
        self.serve_chunks(at);
        while self.spent.n_chunks < MAX_CHUNKS
            && let Some(other) = self.starved.pop_front()
        {
            self.serve_chunks(other);
        }
        Ok(())
    }

    /// Sends what a process has asked for, as long as there is room on the way.
    pub(super) fn serve_chunks(&mut self, at: usize) {
        loop {
            let Some(session) = self.sessions[at].as_mut() else {
                return;
            };
            if session.fetches.is_empty() || session.proofs.len() >= MAX_CHUNKS_OF_A_PROCESS {
                return;
            }
            if self.spent.n_chunks >= MAX_CHUNKS {
                if !self.starved.contains(&at) {
                    self.starved.push_back(at);
                }
                return;
            }
            let Some(wanted) = session.fetches.pop_front() else {
                return;
            };
            self.spent.n_fetches -= 1;
            self.chunk(at, &wanted);
        }
    }

    fn chunk(&mut self, at: usize, wanted: &ChunkWanted) {
        let (scan, payload, offset) = (wanted.scan, wanted.payload, wanted.offset);
        let found = self
            .hubs
            .get(&scan)
            .and_then(|hub| hub.payloads.get(payload));
        let Some(found) = found.cloned() else {
            return self.write(at, |session| {
                session.writer.chunk(scan, payload, UNKNOWN, offset, 0, &[]);
            });
        };
        let total = found.len() as u64;
        let first = offset.min(total) as usize;
        let last = found
            .len()
            .min(first + (wanted.length as usize).min(CHUNK_BYTES));
        let proof = random::number() as u32;
        let (now, bytes) = (self.now, &found[first..last]);
        self.spent.n_chunks += usize::from(!bytes.is_empty());
        self.write(at, |session| {
            if !bytes.is_empty() {
                if session.proofs.is_empty() {
                    session.chunk_progress = now;
                }
                session.proofs.push_back(proof);
            }
            session
                .writer
                .chunk(scan, payload, total, offset, proof, bytes);
        });
        // A chunk is a frame of its own: leases and beats must not wait behind many of them.
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        if session.writer.len() > FRAME_TARGET_BYTES {
            session.flush(&self.router, &self.counts, self.now);
        }
    }
}
