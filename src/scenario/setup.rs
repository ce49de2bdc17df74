//! The tables of a scenario: what is replayed, over what, by whom, and what goes wrong.

pub mod change;
mod check;
mod faults;
pub mod file;
mod fleet;
mod messages;
mod network;
mod price;
mod quick;
mod range;
mod relay;
mod service_time;
mod sources;
mod station;
mod transport;
mod zoom;

use std::num::{NonZeroU16, NonZeroUsize};

use serde::{Deserialize, Serialize};

use crate::scan::StragglerPolicy;
use crate::scan::ledger::Chunking;
use crate::scenario::theory::Load;
pub use check::MOST_VIRTUAL_SLOTS;
pub use faults::{Faults, FleetRestart, Hangs, Outage, PoolLoss, Preemption, Stragglers};
pub use fleet::{Fleet, Ramp, Speed};
pub use messages::{Ballast, EventForm, Messages};
pub use network::{Absence, NetworkSetup, ZoneSetup};
pub use price::{PerBoundary, Prices};
pub use relay::{RegionSetup, RelayNetwork};
pub use service_time::{Law, ParetoTail, ServiceTime};
pub use station::StationSetup;
pub use transport::{Backend, Connections, Delivery, Queue, TransportSetup};
pub use zoom::ZoomSetup;

/// Liveness and lease term are scaled with time, but never below these, in seconds.
const SHORTEST_LIVENESS_S: f64 = 1.0;
const SHORTEST_LEASE_TERM_S: f64 = 3.0;
/// Of those slots that are there on average, so many are there at some time.
const SURELY_THERE: f64 = 0.98;

/// Everything that is set for one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Whether time is the machine's or the model's.
    #[serde(default)]
    pub clock: Clock,
    /// What is evaluated.
    pub workload: Workload,
    /// What tasks and results carry.
    pub messages: Messages,
    /// How hub and workers are joined.
    pub transport: TransportSetup,
    /// A slower master than ours.
    pub hub: HubSetup,
    /// The workers.
    pub fleet: Fleet,
    /// What is done about tasks that hold up the others. Reports that do not tell are of a time when
    /// nothing was.
    #[serde(default = "every_task_is_waited_for")]
    pub policy: StragglerPolicy,
    /// What goes wrong.
    pub faults: Faults,
    /// What lies between hub and workers in virtual time.
    #[serde(default)]
    pub network: NetworkSetup,
    /// What it would cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Prices>,
    /// Every time in here has been multiplied by this, every rate divided.
    pub time_scale: f64,
}

/// Whose time a replay takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The machine's: real transports, real processes.
    #[default]
    Real,
    /// None at all: the same actors in one process, in memory, on a clock that jumps to whatever
    /// happens next; the network is modelled.
    Virtual,
}

/// What is evaluated. How much that is is said in one of five ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Pixels; times variations, that is the number of tasks if each has one pixel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<usize>,
    /// Starts per pixel, each a task of its own.
    #[serde(default = "one")]
    pub variations: usize,
    /// Instead of pixels: number of tasks for each slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<f64>,
    /// Instead of pixels: time in seconds for which there is work at best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Instead of pixels: a zoom scan, which decides on them itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoom: Option<ZoomSetup>,
    /// Instead of pixels: rounds of so many pixels, of which each waits for the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<usize>,
    /// Tasks that come each second, at random times (Poisson), whether workers are free or not. Without it each
    /// task is there from the beginning, and the fleet sets the pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// How long a pixel takes.
    pub service: ServiceTime,
    /// Pixels that go out as one task.
    #[serde(default = "one_pixel")]
    pub pixels_per_task: NonZeroUsize,
    /// Instead of that: tasks as wide as a scan makes them, of about half a second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adaptive_tasks: bool,
}

/// A slower master than ours: one server that every task passes before it is handed out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSetup {
    /// Mean time per task; 0 for our own master as it is.
    pub service_s: f64,
    /// Law of that time.
    #[serde(default)]
    pub law: HubLaw,
}

/// Law of the emulated master's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HubLaw {
    /// Always the same.
    #[default]
    Constant,
    /// Exponential: how long it has taken says nothing of how long it still takes.
    Exponential,
}

fn one() -> usize {
    1
}

fn every_task_is_waited_for() -> StragglerPolicy {
    StragglerPolicy::OFF
}

fn one_pixel() -> NonZeroUsize {
    NonZeroUsize::MIN
}

/// Rounded, and at least 1.
fn divided(n: usize, divisor: f64) -> usize {
    ((n as f64 / divisor).round() as usize).max(1)
}

impl Setup {
    /// Slots of all workers that ever come, `N` of the formulas.
    pub fn n_slots(&self) -> usize {
        // What is out of bounds is refused by its number, not by its overflow.
        (self.fleet.n_coming()).saturating_mul(usize::from(self.fleet.slots.get()))
    }

    /// So many slots have to be there for the fleet to count as connected. Where workers are taken
    /// away while others still come, some are always missing: also where all come at once, since
    /// they do not connect at once.
    pub fn n_slots_connected(&self) -> usize {
        match self.faults.preemption {
            None => self.n_slots(),
            Some(preemption) => {
                let there = preemption.availability(self.fleet.boot_s);
                (SURELY_THERE * there * self.n_slots() as f64) as usize
            }
        }
    }

    /// Whether the work comes in rounds that wait for each other.
    pub fn has_barriers(&self) -> bool {
        let zoom = self.workload.zoom.as_ref();
        zoom.is_some_and(|zoom| zoom.barriers) || self.workload.waves.len() > 1
    }

    /// Whether the workers are inside of the hub's process.
    pub fn is_in_this_process(&self) -> bool {
        self.clock == Clock::Virtual || self.transport.kind == Backend::Memory
    }

    /// How many pixels there are, each variation counted, unless it is a zoom scan: so many tasks if each
    /// has one. `service_s` is the mean time of one.
    pub fn n_tasks(&self, service_s: f64) -> usize {
        let workload = &self.workload;
        if let Some(pixels) = workload.pixels {
            return pixels.saturating_mul(workload.variations);
        }
        if !workload.waves.is_empty() {
            return workload
                .waves
                .iter()
                .fold(0, |n, wave| n.saturating_add(*wave));
        }
        let n = match (workload.cycles, workload.duration_s) {
            (Some(cycles), _) => cycles * self.n_slots() as f64,
            (None, Some(duration_s)) => {
                let bound = self.load(service_s, self.hub.service_s);
                duration_s * bound.throughput_bound_per_s()
            }
            (None, None) => 0.0,
        };
        (n as usize).max(1)
    }

    /// How the pixels of a wave are cut into tasks.
    pub fn chunking(&self) -> Chunking {
        match self.workload.adaptive_tasks {
            true => Chunking::USUAL,
            false => Chunking::Fixed(self.workload.pixels_per_task),
        }
    }

    /// What the formulas take, with these means of work and of the hub's time.
    pub fn load(&self, service_s: f64, hub_s: f64) -> Load {
        Load {
            workers: self.n_slots() as f64,
            service_s,
            hub_s,
            round_trip_s: self.mean_rtt_s(),
            credit: f64::from(self.transport.credit.get()),
            window: self.transport.window.map(|window| window as f64),
        }
    }

    /// Busy share of the slots if everything that comes is served, where tasks come at a rate; at most 1.
    pub fn offered_utilisation(&self, service_s: f64) -> Option<f64> {
        let rate = self.workload.rate_per_s?;
        Some((rate * service_s / self.n_slots() as f64).min(1.0))
    }

    /// Whether mean value analysis describes it: a worker holds one task, none waits for it, none is
    /// held back by a window that is smaller than the fleet, no round waits for another, and nothing goes wrong.
    pub fn is_closed_loop(&self) -> bool {
        let Self {
            transport, faults, ..
        } = self;
        if self.has_barriers() || self.workload.rate_per_s.is_some() {
            return false;
        }
        let is_wide = transport
            .window
            .is_none_or(|window| window >= self.n_slots());
        transport.credit == NonZeroU16::MIN
            && transport.spare_tasks == 0
            && is_wide
            && self.fleet.speeds.is_empty()
            && *faults == Faults::default()
    }

    /// The same with every time multiplied and every rate divided.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.time_scale *= factor;
        let workload = &mut self.workload;
        workload.service = workload.service.scaled(factor);
        workload.duration_s = workload.duration_s.map(|duration_s| duration_s * factor);
        workload.rate_per_s = workload.rate_per_s.map(|rate| rate / factor);
        self.hub.service_s *= factor;
        let transport = &mut self.transport;
        transport.liveness_s = (transport.liveness_s * factor).max(SHORTEST_LIVENESS_S);
        transport.lease_term_s = (transport.lease_term_s * factor).max(SHORTEST_LEASE_TERM_S);
        self.fleet.ramp = self.fleet.ramp.scaled(factor);
        self.policy.deadline_floor_s *= factor;
        self.fleet.boot_s *= factor;
        self.network.scaled(factor);
        self.faults.preemption = self.faults.preemption.map(|p| p.scaled(factor));
        if let Some(hangs) = &mut self.faults.hangs {
            hangs.seconds *= factor;
        }
        for restart in &mut self.faults.fleet_restarts {
            restart.back_after_s *= factor;
        }
        for outage in &mut self.faults.outages {
            outage.after_s *= factor;
            outage.for_s *= factor;
        }
        self
    }

    /// A smaller fleet with a hub so much slower, a window so much smaller and a ramp so much
    /// flatter that the knee stays where it was, relative to the fleet.
    pub fn shrunk(mut self, divisor: f64) -> Self {
        self.fleet.workers = divided(self.fleet.workers, divisor);
        self.fleet.processes = self.fleet.processes.min(self.fleet.workers);
        let rate = &mut self.workload.rate_per_s;
        *rate = rate.map(|rate| rate / divisor);
        let window = self.transport.window;
        self.transport.window = window.map(|window| divided(window, divisor));
        self.hub.service_s *= divisor;
        self.fleet.ramp = self.fleet.ramp.shrunk(divisor);
        self.network.shrunk(divisor);
        self
    }
}
