//! The stations between hub and links, and what crossed which boundary.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::station::{Station, StationModel};

/// The widest boundary that a message crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// Between two machines of a zone.
    Host,
    /// Between two zones of a region.
    Zone,
    /// Between two regions of a cloud.
    Region,
    /// Between two clouds.
    Cloud,
    /// To somewhere outside of any cloud.
    Internet,
}

impl Boundary {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Zone => "zone",
            Self::Region => "region",
            Self::Cloud => "cloud",
            Self::Internet => "internet",
        }
    }
}

/// All boundaries, the narrowest first.
pub const BOUNDARIES: [Boundary; 5] = [
    Boundary::Host,
    Boundary::Zone,
    Boundary::Region,
    Boundary::Cloud,
    Boundary::Internet,
];

/// What a network is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Model {
    /// The hub's machine.
    pub hub: StationModel,
    /// A broker in the hub's zone that every message goes through.
    pub broker: Option<StationModel>,
    /// How large messages are.
    pub sizes: Sizes,
    /// How long it takes the hub to miss a machine that vanished.
    pub liveness: Duration,
}

/// How large messages are. Tasks and results that are larger anyway count as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Around every message: headers of all layers.
    pub frame: u64,
    /// A task's body.
    pub task: u64,
    /// A result's body.
    pub result: u64,
}

/// The way between a process and the hub, or the broker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// How long a message is under way in one direction, beside its bytes.
    pub one_way: Duration,
    /// Bandwidth of one connection; without a limit if absent.
    pub bits_per_s: Option<f64>,
    /// What it crosses.
    pub boundary: Boundary,
}

/// A message; or the part of one that a link adds to what others of its process say at the same
/// moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// It is such a part.
    pub(crate) joins: bool,
    pub(crate) n_tasks: usize,
    /// With everything around it.
    pub(crate) n_bytes: u64,
}

/// What crossed a boundary, in both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Messages.
    pub messages: u64,
    /// Bytes, headers included.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Count {
    fn add(&self, message: Message) {
        let n_messages = u64::from(!message.joins);
        self.messages.fetch_add(n_messages, Ordering::Relaxed);
        self.bytes.fetch_add(message.n_bytes, Ordering::Relaxed);
    }
}

/// A modelled network.
#[derive(Debug)]
pub struct Network {
    pub(crate) sizes: Sizes,
    pub(crate) liveness: Duration,
    hub: Station,
    broker: Option<Station>,
    moved: [Count; BOUNDARIES.len()],
    sent: AtomicU64,
    received: AtomicU64,
}

impl Network {
    /// A network in which nothing has moved yet.
    pub fn new(model: Model) -> Self {
        Self {
            sizes: model.sizes,
            liveness: model.liveness,
            hub: Station::new(model.hub),
            broker: model.broker.map(Station::new),
            moved: Default::default(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// What crossed a boundary so far. Between hub and broker, that is [`Boundary::Host`].
    pub fn moved(&self, boundary: Boundary) -> Moved {
        let count = &self.moved[boundary as usize];
        Moved {
            messages: count.messages.load(Ordering::Relaxed),
            bytes: count.bytes.load(Ordering::Relaxed),
        }
    }

    /// Bytes that the hub has sent and received so far.
    pub fn hub_bytes(&self) -> (u64, u64) {
        (
            self.sent.load(Ordering::Relaxed),
            self.received.load(Ordering::Relaxed),
        )
    }

    /// How long the hub's processor and network interface were busy so far.
    pub fn hub_busy(&self) -> [Duration; 2] {
        self.hub.busy(Instant::now())
    }

    /// The same for the broker, if there is one.
    pub fn broker_busy(&self) -> Option<[Duration; 2]> {
        let broker = self.broker.as_ref()?;
        Some(broker.busy(Instant::now()))
    }

    /// What links connect to.
    pub(crate) fn front(&self) -> &Station {
        self.broker.as_ref().unwrap_or(&self.hub)
    }

    /// When a message to a process leaves the hub.
    pub(crate) fn leaves_hub(&self, message: Message) -> Instant {
        self.sent.fetch_add(message.n_bytes, Ordering::Relaxed);
        self.hub.send(Instant::now(), message)
    }

    /// When a message that has left the hub leaves the broker; the same time without one.
    pub(crate) fn passes_broker(&self, left: Instant, message: Message) -> Instant {
        match &self.broker {
            Some(broker) => {
                self.count(Boundary::Host, message);
                broker.send(left, message)
            }
            None => left,
        }
    }

    /// Takes in a message that comes from a process at this time, which is now; returns when the
    /// hub has dealt with it.
    pub(crate) async fn take_in(&self, mut at: Instant, message: Message) -> Instant {
        if let Some(broker) = &self.broker {
            at = broker.send(at, message);
            self.count(Boundary::Host, message);
            sleep_until(at).await;
        }
        self.received.fetch_add(message.n_bytes, Ordering::Relaxed);
        at = self.hub.handle(at, message);
        sleep_until(at).await;
        at
    }

    pub(crate) fn count(&self, boundary: Boundary, message: Message) {
        self.moved[boundary as usize].add(message);
    }
}
