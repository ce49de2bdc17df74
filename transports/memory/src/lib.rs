//! The transport contract kept in memory: the embedded default, and the clockwork of simulations.
//!
//! One [`MemoryTransport`] is one process at a place; [`MemoryTransport::process`] makes further
//! ones at the same place. Everything runs on whatever tokio runtime opens a hub, current-thread
//! ones included, and only on `tokio::time`: with a paused clock a virtual hour takes milliseconds.

mod hub;
mod link;
mod place;
mod settler;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
    backend::PayloadCache,
};
use tokio::sync::Notify;

use crate::place::Place;

/// Most bytes of payloads that a process keeps.
const PAYLOAD_BUDGET_BYTES: usize = 512 << 20;

/// One process at a place in memory.
#[derive(Debug)]
pub struct MemoryTransport {
    place: Arc<Place>,
    process: Arc<Process>,
}

impl MemoryTransport {
    /// Makes a new place, with this process at it.
    pub fn new() -> Self {
        Self::at(Place::new())
    }

    /// Makes another process at the same place: with payloads of its own and a wire of its own.
    pub fn process(&self) -> Self {
        Self::at(Arc::clone(&self.place))
    }

    /// Returns the wire of this process, for whoever is to cut and mend it.
    pub fn wire(&self) -> MemoryWire {
        MemoryWire {
            place: Arc::clone(&self.place),
            process: Arc::clone(&self.process),
        }
    }

    /// Cuts this process's wire without a goodbye: what its links say and hear stays on the way.
    pub fn sever(&self) {
        self.wire().sever();
    }

    /// Mends the wire: what stayed on the way arrives, unless the links are lost by now; those
    /// come up anew.
    pub fn heal(&self) {
        self.wire().heal();
    }

    fn at(place: Arc<Place>) -> Self {
        let process = Process {
            number: place.next_number(),
            rewired: Notify::new(),
            cache: Mutex::new(PayloadCache::new(PAYLOAD_BUDGET_BYTES)),
            counts: Counts::default(),
        };
        Self {
            place,
            process: Arc::new(process),
        }
    }
}

/// The wire of one process.
#[derive(Clone, Debug)]
pub struct MemoryWire {
    place: Arc<Place>,
    process: Arc<Process>,
}

impl MemoryWire {
    /// Cuts it, as [`MemoryTransport::sever`] does.
    pub fn sever(&self) {
        self.place.sever(&self.process);
    }

    /// Mends it, as [`MemoryTransport::heal`] does.
    pub fn heal(&self) {
        self.place.heal(&self.process);
    }
}

impl Default for MemoryTransport {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        hub::open(&self.place, config)
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(&self.place, &self.process, config)
    }

    fn traffic(&self) -> Traffic {
        self.process.counts.read()
    }
}

/// What the links of one process share.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) number: u64,
    /// The wire was mended, or links were lost for its being cut.
    pub(crate) rewired: Notify,
    pub(crate) cache: Mutex<PayloadCache>,
    pub(crate) counts: Counts,
}

/// Messages are what would be one on a wire; bytes are those of the bodies.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages_sent: AtomicU64,
    pub(crate) messages_received: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) bytes_received: AtomicU64,
    pub(crate) payloads_received: AtomicU64,
}

impl Counts {
    fn read(&self) -> Traffic {
        Traffic {
            messages_sent: self.messages_sent.load(Ordering::Relaxed),
            messages_received: self.messages_received.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
            payloads_received: self.payloads_received.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn add(messages: &AtomicU64, bytes: &AtomicU64, n_bytes: usize) {
        messages.fetch_add(1, Ordering::Relaxed);
        bytes.fetch_add(n_bytes as u64, Ordering::Relaxed);
    }
}
