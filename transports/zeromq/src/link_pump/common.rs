//! What all lines of the process share.

use std::{
    io, mem,
    os::fd::RawFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use skyscan_transport::backend::{Counts, Meters};

use super::{fetches::Fetches, poller::Poller};
use crate::{address::Address, link::Shared, wire::Malformed};

/// Nobody answers for now: what to think of it.
const SILENCE: &str = "no scanner answers yet, as if its scan has not begun; trying on";

pub(super) struct Common {
    pub(super) address: Address,
    pub(super) shared: Arc<Shared>,
    pub(super) counts: Arc<Counts>,
    pub(super) meters: Meters,
    pub(super) now: Instant,
    /// When something is due on any line.
    pub(super) next_tick: Instant,
    pub(super) fetches: Fetches,
    pub(super) poller: Poller,
    pub(super) n_lines: u32,
    n_sessions: u64,
    /// Whether it was told that nobody answers.
    told_of_silence: bool,
    /// libzmq gives a context 1023 sockets; each has one I/O thread.
    contexts: Vec<zmq::Context>,
}

impl Common {
    pub(super) fn new(
        address: Address,
        bell: RawFd,
        shared: Arc<Shared>,
        counts: Arc<Counts>,
        meters: Meters,
    ) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            address,
            shared,
            counts,
            meters,
            now,
            next_tick: now,
            fetches: Fetches::default(),
            poller: Poller::new(bell)?,
            n_lines: 0,
            n_sessions: 0,
            told_of_silence: false,
            contexts: Vec::new(),
        })
    }

    /// A number that no other session of the process has.
    pub(super) fn number_a_session(&mut self) -> u64 {
        self.n_sessions += 1;
        self.n_sessions
    }

    /// Makes a socket in a context that has room, the latest first.
    pub(super) fn dealer(&mut self) -> zmq::Result<zmq::Socket> {
        for context in self.contexts.iter().rev() {
            match context.socket(zmq::DEALER) {
                Err(zmq::Error::EMFILE) => {}
                made => return made,
            }
        }
        let context = zmq::Context::new();
        let dealer = context.socket(zmq::DEALER)?;
        self.contexts.push(context);
        Ok(dealer)
    }

    /// Counts what was refused of a hub.
    pub(super) fn count(&self, error: Malformed) {
        if let Some(counter) = error.counter(&self.meters) {
            counter.increment(1);
        }
    }

    /// Tells once that no hub answers, and why as far as can be known. Looking a name up may take
    /// long, so that is done elsewhere.
    pub(super) fn tell_of_silence(&mut self) {
        if mem::replace(&mut self.told_of_silence, true) {
            return;
        }
        let address = self.address.clone();
        let told = thread::Builder::new().spawn(move || {
            // A socket in the file system may be one that a tunnel made for itself.
            let place = address.is_tcp().then(|| address.to_connect());
            match address.look_up() {
                Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                    tracing::warn!(place, %error, "the host's name leads nowhere, check it; trying on");
                }
                Ok(_) | Err(_) => tracing::warn!(place, "{SILENCE}"),
            }
        });
        if told.is_err() {
            tracing::warn!("{SILENCE}");
        }
    }

    /// Wakes the thread after this time at the latest.
    pub(super) fn come_again_in(&mut self, pause: Duration) {
        self.next_tick = self.next_tick.min(self.now + pause);
    }

    /// How much later than planned this turn came.
    pub(super) fn overslept(&self) -> Duration {
        self.now.saturating_duration_since(self.next_tick)
    }
}
