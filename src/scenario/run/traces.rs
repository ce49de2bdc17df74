//! What a run leaves behind before anything is made of it.

use crate::actors::scanner::Scanned;
use crate::scenario::around::log::Entries;
use crate::scenario::fleet::FleetReport;
use crate::scenario::results::account::{Spent, Transfer};
use crate::scenario::run::sampler::Sample;
use crate::scenario::setup::{PerBoundary, Setup};
use crate::scenario::stage::watched::Scraped;

/// Which run this is, and what is known of it beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Number of the repeat, from 0.
    pub(super) repeat: usize,
    /// Seed of its draws.
    pub(super) seed: u64,
    /// One for each pixel.
    pub(super) n_tasks: usize,
    /// How long the formulas say that it takes at best, in seconds.
    pub(super) expected_s: f64,
}

/// What a run left behind. Moments are in seconds since its log began.
#[derive(Debug)]
pub(super) struct Traces<'a> {
    pub(super) setup: &'a Setup,
    pub(super) turn: Turn,
    pub(super) scan: ScanTraces,
    pub(super) fleet: FleetTraces,
    pub(super) hub: HubTraces,
    /// Process of the broker, if this replay started it.
    pub(super) broker: Option<u32>,
    /// What became of each task.
    pub(super) log: Entries,
    /// The clocks, again and again, the last time at the end.
    pub(super) samples: Vec<Sample>,
    /// What crossed each boundary.
    pub(super) moved: PerBoundary<Transfer>,
    /// When everything was over.
    pub(super) ended_s: f64,
}

/// What the Scanner left behind.
#[derive(Debug)]
pub(super) struct ScanTraces {
    pub(super) scanned: Scanned,
    /// Why it was stopped, if it was.
    pub(super) stopped: Option<String>,
}

/// What the hub and its decorators left behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct HubTraces {
    /// Mean time of the emulated master per task, as drawn, in seconds; 0 without one.
    pub(super) emulated_s: f64,
    /// How late its timer let a task through, on average, in seconds.
    pub(super) emulated_late_s: f64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// What the fleet left behind.
#[derive(Debug)]
pub(super) struct FleetTraces {
    /// When it was started.
    pub(super) begun_s: f64,
    /// When all of it was known to the hub, if that ever was.
    pub(super) connected_s: Option<f64>,
    /// Processes of it that were killed.
    pub(super) n_kills: usize,
    /// What its processes told; those that were killed or that others started told nothing.
    pub(super) reports: Vec<FleetReport>,
    /// What Prometheus knows of a fleet that others started.
    pub(super) scraped: Option<Scraped>,
}

impl FleetTraces {
    /// The largest figure that any process told; 0 if none did.
    pub(super) fn most(&self, figure: fn(&FleetReport) -> f64) -> f64 {
        self.reports.iter().map(figure).fold(0.0, f64::max)
    }

    fn sum(&self, figure: fn(&FleetReport) -> f64) -> f64 {
        self.reports.iter().map(figure).sum()
    }
}

impl Traces<'_> {
    /// What the run took of the fleet; `None` if a part of the fleet did not tell.
    pub(super) fn spent(&self) -> Option<Spent> {
        let fleet = &self.fleet;
        let all_tell = fleet.n_kills == 0 && fleet.scraped.is_none();
        let first_results = self.log.first_results();
        all_tell.then(|| Spent {
            used_s: first_results.map(|(_, first)| first.used_s()).sum(),
            worked_s: fleet.sum(|report| report.worked_s),
            paid_s: fleet.sum(|report| report.paid_s),
            elapsed_s: self.ended_s,
        })
    }
}
