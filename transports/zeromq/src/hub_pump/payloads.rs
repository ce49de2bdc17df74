//! Payloads on their way out: a chunk for each question, once the payload is there.

use bytes::Bytes;
use skyscan_transport::{PayloadId, ScanId, backend::Sought};

use super::{HubCommand, HubPump};
use crate::wire::{CHUNK_BYTES, FRAME_TARGET_BYTES, UNKNOWN};

/// A part of a payload that a process has asked for.
#[derive(Debug)]
pub(crate) struct ChunkWanted {
    at: usize,
    /// Of the session at that place: another one may be there by the time of the answer.
    identity: Vec<u8>,
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
    ) {
        let Some(session) = &self.sessions[at] else {
            return;
        };
        let wanted = ChunkWanted {
            at,
            identity: session.identity.clone(),
            offset,
            length,
        };
        let Some(hub) = self.hubs.get_mut(&scan) else {
            return self.chunk(scan, payload, &wanted);
        };
        match hub.payloads.seek(payload, wanted) {
            Sought::Answer(wanted) => self.chunk(scan, payload, &wanted),
            Sought::Waits => {}
            Sought::Ask(source) => {
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
    }

    /// The source of payloads has answered: so is everyone who waits.
    pub(super) fn found(&mut self, scan: ScanId, id: PayloadId, payload: Option<Bytes>) {
        let Some(hub) = self.hubs.get_mut(&scan) else {
            return;
        };
        for wanted in hub.payloads.found(id, payload) {
            let session = self.sessions[wanted.at].as_ref();
            if session.is_some_and(|session| session.identity == wanted.identity) {
                self.chunk(scan, id, &wanted);
            }
        }
    }

    fn chunk(&mut self, scan: ScanId, payload: PayloadId, wanted: &ChunkWanted) {
        let (at, offset) = (wanted.at, wanted.offset);
        let found = self
            .hubs
            .get(&scan)
            .and_then(|hub| hub.payloads.get(payload));
        let Some(found) = found.cloned() else {
            return self.write(at, |session| {
                session.writer.chunk(scan, payload, UNKNOWN, offset, &[])
            });
        };
        let total = found.len() as u64;
        let first = offset.min(total) as usize;
        let last = found
            .len()
            .min(first + (wanted.length as usize).min(CHUNK_BYTES));
        self.write(at, |session| {
            session
                .writer
                .chunk(scan, payload, total, offset, &found[first..last]);
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
