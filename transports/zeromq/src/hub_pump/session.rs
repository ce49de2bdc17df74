//! One process as the hub's pump knows it: its links, its sequence numbers, what waits for it.

use std::{collections::VecDeque, time::Instant};

use skyscan_transport::backend::{Counts, LinkSlot};

use crate::wire::{FRAME_TARGET_BYTES, LinkUp, Writer};

/// Most bytes that wait for one process: what a link may hold is bounded by credit, and a process
/// that takes nothing is lost within `liveness`.
const MAX_WAITING_BYTES: usize = 256 << 20;

/// Notices are dropped for a process for which this much waits.
const NOTICE_LIMIT_BYTES: usize = 1 << 20;

/// One process that has said hello.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Vec<u8>,
    pub(super) process: [u8; 16],
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
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    gone: bool,
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
    pub(super) fn new(identity: &[u8], process: [u8; 16], now: Instant) -> Self {
        Self {
            identity: identity.to_vec(),
            process,
            links: Vec::new(),
            hello_bytes: 0,
            heard: now,
            spoke: now,
            next_in: 0,
            next_out: 0,
            writer: Writer::default(),
            n_leases: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            gone: false,
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
                self.waiting.push_back(frame.to_vec());
                self.gone |= self.waiting_bytes > MAX_WAITING_BYTES;
            }
        }
        self.writer.clear();
    }

    fn retry(&mut self, router: &zmq::Socket, counts: &Counts, now: Instant) {
        while let Some(frame) = self.waiting.front() {
            match send(router, &self.identity, frame, counts) {
                Sent::Done => {
                    self.spoke = now;
                    self.waiting_bytes -= frame.len();
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
