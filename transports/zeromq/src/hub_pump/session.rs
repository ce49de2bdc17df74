//! One process as the hub's pump knows it: its links, its sequence numbers, what waits for it.

use std::{
    collections::VecDeque,
    mem,
    os::fd::RawFd,
    time::{Duration, Instant},
};

use skyscan_transport::backend::{Counts, LinkSlot};

use super::{
    budget::{MAX_BYTES_OF_A_PROCESS, MAX_WAITING_BYTES_OF_A_PROCESS},
    payloads::ChunkWanted,
};
use crate::wire::{FRAME_TARGET_BYTES, LinkUp, Writer};

/// How long chunks may be on their way before their process is taken for one that does not read.
const CHUNK_PATIENCE: Duration = Duration::from_secs(10);

/// Notices are dropped for a process for which this much waits.
const NOTICE_LIMIT_BYTES: usize = 1 << 20;

/// One process that has said hello.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Vec<u8>,
    pub(super) process: [u8; 16],
    /// Its connection, as libzmq names it.
    pub(super) fd: Option<RawFd>,
    pub(super) links: Vec<Option<SessionLink>>,
    /// Bytes of all hellos, which are kept for hubs to come.
    pub(super) hello_bytes: usize,
    pub(super) heard: Instant,
    pub(super) spoke: Instant,
    pub(super) next_in: u32,
    next_out: u32,
    pub(super) writer: Writer,
    /// Leases in the writer.
    pub(super) n_leases: usize,
    /// Bytes of leases in the writer.
    pub(super) lease_bytes: usize,
    /// Frames that the socket did not take, with how much of each is leases.
    waiting: VecDeque<(Vec<u8>, usize)>,
    waiting_bytes: usize,
    waiting_lease_bytes: usize,
    gone: bool,
    /// Links that have come and gone of late.
    pub(super) churn: u32,
    /// Parts of payloads that are there and wait for room on the way.
    pub(super) fetches: VecDeque<ChunkWanted>,
    /// Parts of payloads that are being looked for.
    pub(super) n_sought: usize,
    /// What the chunks on their way are known by to whoever has got them.
    pub(super) proofs: VecDeque<u32>,
    /// Since when no chunk was shown to have arrived: from the last one that was, or from the first one
    /// that left when none was on its way.
    pub(super) chunk_progress: Instant,
    /// Settlements since the last ask, and which of them were of lost leases.
    pub(super) n_settled: u32,
    pub(super) lost: Vec<u32>,
}

/// A link that was announced.
#[derive(Debug)]
pub(super) struct SessionLink {
    pub(super) up: LinkUp,
    /// Its place in the table while it serves.
    pub(super) slot: Option<LinkSlot>,
}

impl Session {
    pub(super) fn new(identity: &[u8], process: [u8; 16], fd: Option<RawFd>, now: Instant) -> Self {
        Self {
            identity: identity.to_vec(),
            process,
            fd,
            links: Vec::new(),
            hello_bytes: 0,
            heard: now,
            spoke: now,
            next_in: 0,
            next_out: 0,
            writer: Writer::default(),
            n_leases: 0,
            lease_bytes: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            waiting_lease_bytes: 0,
            gone: false,
            churn: 0,
            fetches: VecDeque::new(),
            n_sought: 0,
            proofs: VecDeque::new(),
            chunk_progress: now,
            n_settled: 0,
            lost: Vec::new(),
        }
    }

    /// Whether the writer holds a frame's worth.
    pub(super) fn is_long(&self) -> bool {
        self.writer.len() >= FRAME_TARGET_BYTES
    }

    /// Whether the socket has no way to this process any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Bytes that wait for the socket, leases not counted.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes - self.waiting_lease_bytes
    }

    /// Whether more waits than one process may have.
    pub(super) fn is_overfull(&self) -> bool {
        self.waiting_bytes() > MAX_WAITING_BYTES_OF_A_PROCESS
            || self.waiting_bytes > MAX_BYTES_OF_A_PROCESS
    }

    /// Whether it has not shown for long to have got what it asked for: what is on its way to it
    /// lies in this process, and others want the room.
    pub(super) fn hoards_chunks(&self, now: Instant, liveness: Duration) -> bool {
        let patience = liveness.max(CHUNK_PATIENCE);
        let waited = now.saturating_duration_since(self.chunk_progress);
        !self.proofs.is_empty() && waited > patience
    }

    pub(super) fn may_lose_a_notice(&self) -> bool {
        self.waiting_bytes + self.writer.len() < NOTICE_LIMIT_BYTES
    }

    /// Sends what waited and what was written; what the socket does not take waits.
    pub(super) fn flush(&mut self, router: &zmq::Socket, counts: &Counts, now: Instant) {
        self.retry(router, counts, now);
        if self.writer.is_empty() {
            return;
        }
        self.n_leases = 0;
        let lease_bytes = mem::take(&mut self.lease_bytes);
        self.spoke = now;
        let frame = self.writer.seal(self.next_out);
        self.next_out = self.next_out.wrapping_add(1);
        let sent = match self.waiting.is_empty() {
            true => send(router, &self.identity, frame, counts),
            false => Sent::Full,
        };
        match sent {
            Sent::Done => {}
            Sent::Gone => self.gone = true,
            Sent::Full => {
                self.waiting_bytes += frame.len();
                self.waiting_lease_bytes += lease_bytes;
                self.waiting.push_back((frame.to_vec(), lease_bytes));
                self.gone |= self.is_overfull();
            }
        }
        self.writer.clear();
    }

    fn retry(&mut self, router: &zmq::Socket, counts: &Counts, now: Instant) {
        while let Some((frame, lease_bytes)) = self.waiting.front() {
            match send(router, &self.identity, frame, counts) {
                Sent::Done => {
                    self.spoke = now;
                    self.waiting_bytes -= frame.len();
                    self.waiting_lease_bytes -= lease_bytes;
                    self.waiting.pop_front();
                }
                Sent::Full => break,
                Sent::Gone => {
                    self.gone = true;
                    break;
                }
            }
        }
    }
}

enum Sent {
    Done,
    Full,
    Gone,
}

fn send(router: &zmq::Socket, identity: &[u8], frame: &[u8], counts: &Counts) -> Sent {
    match router.send(identity, zmq::SNDMORE | zmq::DONTWAIT) {
        Ok(()) => {}
        Err(zmq::Error::EAGAIN) => return Sent::Full,
        Err(_) => return Sent::Gone,
    }
    match router.send(frame, zmq::DONTWAIT) {
        Ok(()) => {
            counts.sent(frame.len());
            Sent::Done
        }
        Err(_) => Sent::Gone,
    }
}
