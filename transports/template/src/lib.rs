//! A transport to be read and copied: the smallest one that keeps the whole contract.
//!
//! It carries nothing over any wire. One task owns a place (`place`); hubs (`hub`) and links
//! (`link`) send it commands and wait for answers. Whoever writes a transport of their own puts a
//! wire where the channel is: the commands become frames, the place stays beside the hubs, and each
//! process learns by silence what it is told here. docs/transport.md goes through it step by step.
//!
//! Read it in this order: what is asked (`place::Command`), what the place does about it, then the
//! two handles, which only ask.

mod hub;
mod link;
mod place;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
    backend::{Counts, PayloadCache, Side, Totals},
};
use tokio::sync::Mutex;

use crate::place::{Command, Place};

/// Most bytes of payloads that a process keeps.
const PAYLOAD_BUDGET_BYTES: usize = 512 << 20;

/// One process at a place.
#[derive(Debug)]
pub struct TemplateTransport {
    process: Arc<Process>,
}

/// What the hubs and links of one process share: its way to the place, and the payloads it has.
#[derive(Debug)]
struct Process {
    place: place::Door,
    numbers: Arc<AtomicU64>,
    /// Locked over a whole transfer, so that a process transfers one payload once (C7).
    cache: Mutex<PayloadCache>,
    totals: Arc<Totals>,
    counts: Counts,
}

impl TemplateTransport {
    /// Makes a new place, with this process at it. To be called inside a tokio runtime.
    pub fn new() -> Self {
        Self::at(Place::start(), Arc::new(AtomicU64::new(1)))
    }

    /// Makes another process at the same place.
    pub fn process(&self) -> Self {
        Self::at(
            self.process.place.clone(),
            Arc::clone(&self.process.numbers),
        )
    }

    /// Returns how the wire of this process is cut and mended.
    pub fn wire(&self) -> TemplateWire {
        TemplateWire(Arc::clone(&self.process))
    }

    fn at(place: place::Door, numbers: Arc<AtomicU64>) -> Self {
        let totals = Arc::<Totals>::default();
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let process = Process {
            place: place.of(number),
            numbers,
            cache: Mutex::new(PayloadCache::new(PAYLOAD_BUDGET_BYTES)),
            counts: Counts::new("template", Side::Link, Arc::clone(&totals)),
            totals,
        };
        Self {
            process: Arc::new(process),
        }
    }
}

impl Process {
    /// A number that nobody else at the place has.
    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks the place for something.
    fn send(&self, command: Command) {
        self.place.send(command);
    }
}

/// The wire of one process: what it says and hears stays on the way while it is cut.
#[derive(Debug)]
pub struct TemplateWire(Arc<Process>);

impl TemplateWire {
    /// Cuts it without a goodbye.
    pub fn cut(&self) {
        self.0.send(Command::Cut);
    }

    /// Mends it: what stayed on the way arrives, unless the links were lost meanwhile.
    pub fn mend(&self) {
        self.0.send(Command::Mend);
    }
}

impl Default for TemplateTransport {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for TemplateTransport {
    fn name(&self) -> &'static str {
        "template"
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        hub::open(&self.process, config).await
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(&self.process, config)
    }

    fn traffic(&self) -> Traffic {
        self.process.totals.read()
    }
}
