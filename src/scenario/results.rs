//! What a replay found: everything that reports are made of.
//!
//! Times are as measured, not multiplied back by the time scale, which [`Setup::time_scale`] has.
//!
//! Decision: Replays are twelve rooms over one form of report (`docs/decisions.md`).

pub mod account;
pub mod digest;
#[cfg(test)]
pub(in crate::scenario) mod fixture;
pub(in crate::scenario) mod point;
pub mod waits;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scan::TaskCounts;
use crate::scenario::setup::{Clock, Setup};
use crate::scenario::statistics::{Interval, Quantiles};
use account::Account;
use waits::Waits;

/// Name and version of this form.
pub const FORMAT: &str = "skyscan-replay-1";

/// One scenario, replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The question that it answers.
    pub question: String,
    /// What a reader must know before looking at a number, for example that this is a quick form.
    pub remarks: Vec<String>,
    /// Where each number of the scenario comes from, by its path in the file.
    pub sources: BTreeMap<String, String>,
    /// Whose time it took. In virtual time every figure is the model's, and the same on any machine.
    #[serde(default)]
    pub clock: Clock,
    /// What it ran on; absent in virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Whether every point was run to its end.
    pub complete: bool,
    /// Whether this is of a quick form.
    #[serde(default)]
    pub is_quick: bool,
    /// Whether something was set that the scenario's file does not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_changed: bool,
    /// One for each variant and number of workers, in the order of the file.
    pub points: Vec<Point>,
}

/// What a replay ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Version of this program.
    pub skyscan: String,
    /// Cores that the hub, the fleet and the broker share.
    pub cores: usize,
    /// Version of the kernel.
    pub kernel: String,
    /// Load average over the last minute, before the first point.
    pub load_before: f64,
    /// Load average over the last minute, after the last point.
    pub load_after: f64,
}

/// One variant with one number of workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Name of the variant; empty if the scenario has none.
    pub variant: String,
    /// Worker slots, `N` of the formulas.
    pub workers: usize,
    /// Everything that was set, scaled.
    pub setup: Setup,
    /// Every repeat; a [digest] has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// What there is to tell of the repeats together.
    #[serde(default)]
    pub tally: Tally,
    /// Means over the repeats that are not void; over all of them if all are.
    pub mean: Means,
    /// What the formulas say.
    pub theory: Theory,
}

impl Point {
    /// Why no run of it counts, if none does.
    pub fn void(&self) -> Option<&str> {
        let is_void = self.tally.is_void();
        let reason = self.tally.voids.first().filter(|_| is_void);
        reason.map(String::as_str)
    }
}

/// The repeats of a point, told together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Seed of each repeat.
    pub seeds: Vec<u64>,
    /// Why the repeats that do not count are void, each of them.
    pub voids: Vec<String>,
    /// Tasks of a repeat.
    pub tasks: u64,
    /// Tasks that were lost with their worker, over all repeats.
    pub lost: u64,
    /// Repeats that count.
    pub counting: usize,
    /// Of those, how many had their last result within ten minutes of unscaled time.
    pub within_ten_minutes: usize,
    /// Of those that count, how many had 99 % of their results within ten minutes of unscaled time.
    pub within_ten_minutes_99: usize,
    /// What a repeat used: the mean of those that count. Absent where one of them cannot tell.
    pub used: Account,
}

impl Tally {
    /// Tasks that were lost with their worker in a repeat, on average.
    pub fn lost_each(&self) -> usize {
        (self.lost as f64 / self.repeats().max(1) as f64).round() as usize
    }

    /// Repeats, void or not.
    pub fn repeats(&self) -> usize {
        self.seeds.len()
    }

    /// Whether no repeat counts.
    pub fn is_void(&self) -> bool {
        !self.seeds.is_empty() && self.voids.len() == self.seeds.len()
    }
}

/// Means over repeats, with 95 % intervals. Absent where no run had it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Tasks per second, in the steady state.
    pub throughput_per_s: Option<Interval>,
    /// Busy share of the workers' slots, in the steady state.
    pub utilisation: Option<Interval>,
    /// See [`Steady::utilisation_as_drawn`].
    pub utilisation_as_drawn: Option<Interval>,
    /// See [`Run::makespan_s`].
    pub makespan_s: Option<Interval>,
    /// See [`Run::t50_s`].
    pub t50_s: Option<Interval>,
    /// See [`Run::t90_s`].
    pub t90_s: Option<Interval>,
    /// See [`Run::t99_s`].
    pub t99_s: Option<Interval>,
    /// 95th percentile of [`Run::makespan_s`] over the repeats: the nearest one from above.
    #[serde(default)]
    pub makespan_p95_s: Option<f64>,
    /// The same of [`Run::t99_s`].
    #[serde(default)]
    pub t99_p95_s: Option<f64>,
    /// 99th percentile of [`Run::schedule_to_start_s`].
    pub schedule_to_start_p99_s: Option<Interval>,
    /// See [`Run::hub_cpu_us_per_task`].
    pub hub_cpu_us_per_task: Option<Interval>,
    /// See [`BrokerUse::cpu_us_per_task`].
    pub broker_cpu_us_per_task: Option<Interval>,
    /// See [`Run::connection_s`].
    pub connection_s: Option<Interval>,
    /// Bytes over every boundary together, in 1e9.
    #[serde(default)]
    pub gigabytes_moved: Option<Interval>,
    /// See [`CoreHours::billed`](account::CoreHours::billed).
    #[serde(default)]
    pub core_hours_billed: Option<Interval>,
    /// See [`CoreHours::wasted`](account::CoreHours::wasted).
    #[serde(default)]
    pub core_hours_wasted: Option<Interval>,
    /// See [`Dollars::total`](account::Dollars::total).
    #[serde(default)]
    pub dollars: Option<Interval>,
}

/// One repeat of one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Number of the repeat, from 0.
    pub repeat: usize,
    /// Seed of its draws.
    pub seed: u64,
    /// Why its figures do not count: the generator was the bottleneck, or it was stopped.
    pub void: Option<String>,
    /// Whether every task has its result.
    pub complete: bool,
    /// What the ledger counted.
    pub tasks: TaskCounts,
    /// Hash over the outcome of every task: the same for the same seed, whatever happened.
    pub map_sha256: String,
    /// From the start of the fleet until every worker was known to the hub.
    pub connection_s: Option<f64>,
    /// The steady state: from when every worker was there and had worked once, on average, until
    /// the Scanner had no task left to hand out. Absent if a run is too short to have one.
    pub steady: Option<Steady>,
    /// Time from the first task handed out to the last result, in seconds.
    pub makespan_s: f64,
    /// Time from the first task handed out until half of the results were in, in seconds.
    pub t50_s: f64,
    /// The same until 90 % of the results were in.
    pub t90_s: f64,
    /// The same until 99 % of the results were in.
    pub t99_s: f64,
    /// From when the Scanner gave a task to its hub until its work began: the round trip less the
    /// measured work, so the way back is in it.
    pub schedule_to_start_s: Quantiles,
    /// The same, as a histogram and as the run went on.
    #[serde(default)]
    pub waits: Waits,
    /// From when the Scanner gave a task to its hub until it had the result.
    pub round_trip_s: Quantiles,
    /// Measured work of a task.
    pub service_s: Quantiles,
    /// Mean time per task of the emulated master, as drawn; 0 without one.
    pub emulated_hub_s: f64,
    /// How late the emulated master's timer let a task through, on average.
    pub emulated_hub_late_s: f64,
    /// CPU time of the hub's process per task. Holds the fleet too if that is in the same process.
    /// In virtual time: of the hub's processor, or of its network interface if that is busier.
    pub hub_cpu_us_per_task: f64,
    /// Most memory that the hub's process had; 0 in virtual time.
    pub hub_memory_mb: f64,
    /// The broker, if this replay started one.
    pub broker: Option<BrokerUse>,
    /// Bytes that the hub put on the wire.
    pub hub_bytes_sent: u64,
    /// Bytes that the hub took from the wire.
    pub hub_bytes_received: u64,
    /// Bytes over each boundary, core hours, money.
    #[serde(default)]
    pub account: Account,
    /// Fleet processes that were killed.
    pub fleet_kills: usize,
    /// The load generator's own state.
    pub generator: Generator,
}

/// The steady state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    /// When it began, in seconds since the first task was handed out.
    pub from_s: f64,
    /// Length of the steady state, in seconds.
    pub window_s: f64,
    /// Tasks per second; one that is partly in the window counts for the part.
    pub throughput_per_s: f64,
    /// Busy time of all slots in the window, as the workers measured it, over slots times window.
    /// Work whose result was lost does not count.
    pub utilisation: f64,
    /// The same with the time that was drawn for each task: what timers are late counts as idle,
    /// and so does what makes a worker slow.
    pub utilisation_as_drawn: f64,
}

/// What a broker used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrokerUse {
    /// CPU time per task.
    pub cpu_us_per_task: f64,
    /// Most memory.
    pub memory_mb: f64,
}

/// The load generator's own state: a point counts only if this was not the bottleneck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Processes of the fleet; 0 if it is in the hub's.
    pub processes: usize,
    /// CPU time of the busiest one, over time. One process has one thread for its workers.
    pub cpu_share: f64,
    /// How late a simulated worker woke up, on average.
    pub lateness_mean_s: f64,
    /// The same, 99th percentile, rounded up to a power of two microseconds.
    pub lateness_p99_s: f64,
    /// Busy share of all cores that neither hub, nor fleet, nor broker had.
    pub foreign_load: f64,
    /// How long the hub's threads waited for a core, all together, over time.
    #[serde(default)]
    pub hub_wait_share: f64,
}

/// What the formulas say of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// Largest `N` that the hub keeps busy, by its time per task; absent without any.
    pub knee_workers: Option<f64>,
    /// Upper bound of the utilisation.
    pub bound: f64,
    /// Utilisation by mean value analysis; absent where that does not hold (credit above 1, or
    /// tasks to spare).
    pub mva: Option<f64>,
    /// Time of the emulated master per task that was put in: the mean of what was drawn.
    pub emulated_hub_s: f64,
    /// Time of our own hub per task that was put in: its CPU time, an upper bound since threads
    /// share the work. The slower of the two sets bound and knee.
    pub own_hub_s: f64,
    /// Mean work of a task in the steady state, which was put in.
    pub service_s: f64,
    /// Delay on the way to a worker that was put in: that of the emulated master's timer.
    pub round_trip_s: f64,
}
