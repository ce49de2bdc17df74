//! A process that serves a hub, as the hub sees it.

use std::collections::BTreeMap;

use skyscan_transport::{LinkId, ScanId, WorkerId, backend::LinkSlot};
use tokio::time::{Duration, Instant};

use crate::{
    lane::{Inbound, Outbound},
    outbox::{LaneEnd, Outbox},
    wire::{Address, FromHub},
};

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: u32,
    pub(super) address: Address,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound<()>,
    pub(super) links: BTreeMap<LinkId, PeerLink>,
    pub(super) last_heard: Instant,
    /// When frames were last sent again, or last arrived.
    pub(super) progress: Instant,
}

/// A link of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerLink {
    /// Its place in the table.
    pub(super) slot: LinkSlot,
    /// Whose it is.
    pub(super) worker: WorkerId,
}

impl Peer {
    pub(super) fn new(address: Address, session: u32, now: Instant) -> Self {
        Self {
            session,
            address,
            inbound: Inbound::new(),
            outbound: Outbound::new(),
            links: BTreeMap::new(),
            last_heard: now,
            progress: now,
        }
    }

    pub(super) fn tell(&mut self, entry: &FromHub, scan: ScanId, outbox: &mut Outbox) {
        self.outbound.push(|out| entry.put(out));
        self.queue(scan, outbox);
    }

    /// Makes the lane known to whoever publishes.
    pub(super) fn queue(&mut self, scan: ScanId, outbox: &mut Outbox) {
        if !self.outbound.queued {
            self.outbound.queued = true;
            outbox.lane(LaneEnd::OfHub {
                scan,
                process: self.address.process,
            });
        }
    }

    /// Takes note of what the process has got, and sends again what it misses.
    pub(super) fn heard(&mut self, arrived: u64, missing: bool, patience: Duration, now: Instant) {
        self.last_heard = now;
        let n_open = self.outbound.n_open();
        self.outbound.arrived(arrived);
        if self.outbound.n_open() < n_open || n_open == 0 {
            self.progress = now;
        } else if missing && now - self.progress > patience / 8 {
            self.outbound.rewind();
            self.progress = now;
        }
    }
}
