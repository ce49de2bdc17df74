//! One DEALER's life: what is written, what waits, what was asked.

use std::{
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

use bytes::Bytes;
use skyscan_transport::{
    Priority, TaskKey, Version,
    backend::{Counts, random},
};
use tokio::sync::oneshot;

use super::{DEFAULT_LIVENESS, common::Common};
use crate::{
    link::Batch,
    wire::{FRAME_TARGET_BYTES, MAX_FRAME_BYTES, Writer},
};

/// How long a goodbye may linger in the socket, in milliseconds.
const LINGER_MS: i32 = 300;

/// How long libzmq waits before it dials again within a session, at first and at most, in milliseconds.
/// It adds as much again at random, and begins anew with every connection that is taken, if only to be
/// closed: so what it begins with grows with the sessions that came to nothing.
const DIAL_MS: [i32; 2] = [100, 2500];

/// Most messages that libzmq queues each way; its default is 1000, whatever their size.
const QUEUE_MESSAGES: i32 = 64;

/// A hub that is up.
pub(super) struct KnownHub {
    pub(super) protocol: Version,
    pub(super) welcome: Bytes,
    pub(super) priority: Priority,
}

/// One session, from the hello on.
pub(super) struct Session {
    /// Names it in this process.
    pub(super) number: u64,
    pub(super) dealer: zmq::Socket,
    /// Whether the hub has answered.
    pub(super) greeted: bool,
    pub(super) patient_until: Instant,
    pub(super) liveness: Duration,
    pub(super) heard: Instant,
    pub(super) spoke: Instant,
    pub(super) next_in: u32,
    next_out: u32,
    pub(super) writer: Writer,
    /// Leases that were not let in.
    pub(super) n_refused: u32,
    /// Whether the hub has told what became of settlements: work gets done.
    pub(super) was_of_use: bool,
    /// When the hub has answered.
    pub(super) greeted_at: Option<Instant>,
    waiting: VecDeque<Vec<u8>>,
    next_batch: u32,
    asked: VecDeque<Asked>,
}

/// A batch whose answer is due.
struct Asked {
    batch: u32,
    keys: Vec<TaskKey>,
    answer: oneshot::Sender<Vec<TaskKey>>,
}

impl Session {
    pub(super) fn dial(
        common: &mut Common,
        line: usize,
        patient_until: Instant,
        n_failed: u32,
    ) -> zmq::Result<Self> {
        let dealer = common.dealer()?;
        let (now, address) = (common.now, &common.address);
        // An identity of its own: nothing of an earlier session can be mistaken for this one. A letter
        // comes first, since those that begin with a zero are libzmq's.
        let mut identity = [b'S'; 17];
        identity[1..].copy_from_slice(&random::bytes());
        dealer.set_identity(&identity)?;
        // What was not sent when a session is lost, nobody wants to have any more.
        dealer.set_linger(0)?;
        let first_ms = (DIAL_MS[0] << n_failed.min(8)).min(DIAL_MS[1]);
        dealer.set_reconnect_ivl(first_ms)?;
        dealer.set_reconnect_ivl_max(DIAL_MS[1])?;
        dealer.set_sndhwm(QUEUE_MESSAGES)?;
        dealer.set_rcvhwm(QUEUE_MESSAGES)?;
        dealer.set_maxmsgsize(MAX_FRAME_BYTES as i64)?;
        dealer.set_ipv6(address.is_ipv6())?;
        dealer.connect(&address.to_connect())?;
        common.poller.add(&dealer, line)?;
        Ok(Self {
            number: common.number_a_session(),
            dealer,
            greeted: false,
            patient_until,
            liveness: DEFAULT_LIVENESS,
            heard: now,
            spoke: now,
            next_in: 0,
            next_out: 0,
            writer: Writer::default(),
            n_refused: 0,
            was_of_use: false,
            greeted_at: None,
            waiting: VecDeque::new(),
            next_batch: 0,
            asked: VecDeque::new(),
        })
    }

    /// How long a look at the clock may wait: a fraction of the silence that is allowed.
    pub(super) fn tick_pause(&self) -> Duration {
        (self.liveness / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }

    /// Writes a batch and asks what became of it.
    pub(super) fn tell(&mut self, batch: Batch, counts: &Counts, now: Instant) {
        for records in &batch.records {
            self.writer.append(records.records());
            if self.writer.len() >= FRAME_TARGET_BYTES {
                self.flush(counts, now);
            }
        }
        self.writer.ask(self.next_batch);
        let asked = Asked {
            batch: self.next_batch,
            keys: batch.keys,
            answer: batch.answer,
        };
        self.asked.push_back(asked);
        self.next_batch = self.next_batch.wrapping_add(1);
    }

    /// How many batches have no answer yet.
    pub(super) fn n_asked(&self) -> usize {
        self.asked.len()
    }

    /// Passes an answer on; returns false when nobody has asked.
    pub(super) fn answered(&mut self, batch: u32, lost: &[u32]) -> bool {
        self.was_of_use = true;
        let Some(asked) = self.asked.pop_front().filter(|asked| asked.batch == batch) else {
            return false;
        };
        let lost = lost
            .iter()
            .filter_map(|&index| asked.keys.get(index as usize).copied());
        // The receiver may have lost interest.
        let _uninterested = asked.answer.send(lost.collect());
        true
    }

    /// Tells everybody who waits that the leases are lost.
    pub(super) fn give_up(&mut self) {
        for asked in self.asked.drain(..) {
            let _uninterested = asked.answer.send(asked.keys);
        }
    }

    /// Sends what was written and what waited; the rest waits. Returns whether anything was sent.
    pub(super) fn flush(&mut self, counts: &Counts, now: Instant) -> bool {
        let mut n_sent = 0;
        while let Some(frame) = self.waiting.front() {
            match self.dealer.send(frame.as_slice(), zmq::DONTWAIT) {
                Ok(()) => {
                    counts.sent(frame.len());
                    self.waiting.pop_front();
                    n_sent += 1;
                }
                Err(_) => break,
            }
        }
        if self.writer.is_empty() {
            return n_sent > 0;
        }
        self.spoke = now;
        let frame = self.writer.seal(self.next_out);
        self.next_out = self.next_out.wrapping_add(1);
        // Never past what waits: the hub takes frames in the order of their numbers only.
        let sent = self.waiting.is_empty() && self.dealer.send(frame, zmq::DONTWAIT).is_ok();
        match sent {
            true => counts.sent(frame.len()),
            false => self.waiting.push_back(frame.to_vec()),
        }
        self.writer.clear();
        true
    }

    /// Lets what was sent leave before the socket is closed, for a moment.
    pub(super) fn linger(&self) {
        if self.greeted {
            // Without it the goodbye may be lost, and the hub finds out by silence.
            let _unset = self.dealer.set_linger(LINGER_MS);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.give_up();
        mem::take(&mut self.waiting);
    }
}
