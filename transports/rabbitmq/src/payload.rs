//! Payloads on their way into this process: asked for in chunks, a window ahead.

use std::collections::HashMap;

use bytes::Bytes;
use skyscan_transport::{
    PayloadId, ScanId, TransportError,
    backend::{Assembled, Assembly},
};
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use crate::{
    outbox::{Outbox, Route},
    wire::{Address, CHUNK_BYTES, Frame, Scan},
};

/// Chunks asked for ahead of the one that arrives next.
const WINDOW: u64 = 8;

/// The transfers of this process: one a payload, however many links wait for it.
#[derive(Debug, Default)]
pub(crate) struct Fetches(HashMap<PayloadId, Fetch>);

#[derive(Debug)]
struct Fetch {
    scan: Scan,
    assembly: Assembly,
    /// Offset that is asked for next.
    asked: u64,
    heard: Instant,
    waiters: Vec<oneshot::Sender<Fetched>>,
}

/// How a transfer ended.
#[derive(Clone, Debug)]
pub(crate) enum Fetched {
    Whole(Bytes),
    /// This hub has not published it, or is gone.
    Absent(ScanId),
    Damaged,
}

/// A transfer that has ended. Those who wait for it hear of it with [`Ended::tell`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Ended {
    fetched: Fetched,
    waiters: Vec<oneshot::Sender<Fetched>>,
}

impl Ended {
    /// The payload, unless it is damaged.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &self.fetched {
            Fetched::Whole(bytes) => Some(bytes),
            Fetched::Absent(_) | Fetched::Damaged => None,
        }
    }

    /// Tells whoever waits. To be called once the payload is in the cache: with the first to hear of it
    /// the next connection has its turn, and would fetch again what it does not find there (C7).
    pub(crate) fn tell(self) {
        for waiter in self.waiters {
            // Who has gone needs no payload.
            let _gone = waiter.send(self.fetched.clone());
        }
    }
}

impl Fetched {
    pub(crate) fn into_error(self, payload: PayloadId) -> Result<Bytes, TransportError> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Absent(_) => Err(TransportError::UnknownPayload(payload)),
            Self::Damaged => Err(TransportError::DamagedPayload(payload)),
        }
    }
}

impl Fetches {
    /// Joins the transfer of a payload, or starts it.
    pub(crate) fn join(
        &mut self,
        scan: Scan,
        payload: PayloadId,
        from: Address,
        now: Instant,
        outbox: &mut Outbox,
    ) -> oneshot::Receiver<Fetched> {
        let (waiter, fetched) = oneshot::channel();
        let fetch = self.0.entry(payload).or_insert_with(|| {
            let mut fetch = Fetch {
                scan,
                assembly: Assembly::new(payload),
                asked: 0,
                heard: now,
                waiters: Vec::new(),
            };
            fetch.ask(payload, from, outbox);
            fetch
        });
        fetch.waiters.push(waiter);
        fetched
    }

    /// Takes the next chunk of a payload; returns the transfer when it has ended.
    pub(crate) fn chunk(
        &mut self,
        (scan, payload): (Scan, PayloadId),
        (offset, total): (u64, u64),
        bytes: &[u8],
        from: Address,
        now: Instant,
        outbox: &mut Outbox,
    ) -> Option<Ended> {
        let fetch = self
            .0
            .get_mut(&payload)
            .filter(|fetch| fetch.scan == scan)?;
        if bytes.len() > CHUNK_BYTES {
            return None;
        }
        let fetched = match fetch.assembly.take(offset, total, bytes) {
            Assembled::Misplaced => return None,
            Assembled::More => {
                fetch.heard = now;
                fetch.ask(payload, from, outbox);
                return None;
            }
            Assembled::Whole(whole) => Fetched::Whole(whole),
            Assembled::Damaged => Fetched::Damaged,
        };
        let fetch = self.0.remove(&payload)?;
        Some(Ended {
            fetched,
            waiters: fetch.waiters,
        })
    }

    /// The hub has no such payload.
    pub(crate) fn absent(&mut self, scan: Scan, payload: PayloadId) {
        if self.0.get(&payload).is_some_and(|fetch| fetch.scan == scan)
            && let Some(fetch) = self.0.remove(&payload)
        {
            for waiter in fetch.waiters {
                let _gone = waiter.send(Fetched::Absent(scan.id));
            }
        }
    }

    /// Asks again where nothing came for long, and gives up where the hub has gone.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        from: Address,
        liveness: impl Fn(Scan) -> Option<Duration>,
        outbox: &mut Outbox,
    ) {
        let mut orphans = Vec::new();
        for (&payload, fetch) in &mut self.0 {
            match liveness(fetch.scan) {
                None => orphans.push((fetch.scan, payload)),
                Some(liveness) if now - fetch.heard > liveness / 2 => {
                    fetch.again(payload, from, now, outbox);
                }
                Some(_) => {}
            }
        }
        for (scan, payload) in orphans {
            self.absent(scan, payload);
        }
    }

    /// The connections are new: what was asked for will not come.
    pub(crate) fn reconnected(&mut self, from: Address, now: Instant, outbox: &mut Outbox) {
        for (&payload, fetch) in &mut self.0 {
            fetch.again(payload, from, now, outbox);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Fetch {
    fn again(&mut self, payload: PayloadId, from: Address, now: Instant, outbox: &mut Outbox) {
        self.asked = self.assembly.n_arrived();
        self.heard = now;
        self.ask(payload, from, outbox);
    }

    /// Asks for the chunks of the window; for the first one alone while the length is unknown.
    fn ask(&mut self, payload: PayloadId, from: Address, outbox: &mut Outbox) {
        let chunk = CHUNK_BYTES as u64;
        let received = self.assembly.n_arrived();
        let end = match self.assembly.total() {
            Some(total) => total.min(received + WINDOW * chunk),
            None => received + 1,
        };
        while self.asked < end {
            let frame = Frame::Fetch {
                from,
                payload,
                offset: self.asked,
            };
            outbox.letter(Route::Requests(self.scan), frame);
            self.asked += chunk;
        }
    }
}

#[cfg(test)]
mod tests;
