//! From the log and the samples of a run to its figures.
//!
//! Decision: Utilisation is measured by overlap (`docs/decisions.md`).

use super::sampler::{Sample, between};
use crate::scan::TaskCounts;
use crate::scenario::around::log::{Settled, TaskEntry};
use crate::scenario::results::account::Account;
use crate::scenario::results::{BrokerUse, Generator, Run, Steady};
use crate::scenario::setup::{Clock, Setup};
use crate::scenario::stage::machine;
use crate::scenario::stage::watched::Scraped;
use crate::scenario::statistics::{quantile, quantiles};

/// A fleet process that uses more of its core than this makes its workers wait for each other.
const MOST_CPU_SHARE: f64 = 0.7;
/// Workers that wake up so late, relative to the work, shift the utilisation by as much.
const MOST_LATENESS: f64 = 0.01;
/// Other work on the machine, and a hub that waits for a core, are no matter below these shares.
const SOME_FOREIGN_LOAD: f64 = 0.1;
const SOME_WAITING: f64 = 0.1;
/// A hub that works and waits for a core for more than this share of the time may be the limit only
/// because it waits.
const MOST_STRETCHED: f64 = 0.75;
/// So late is the timer of a machine that does nothing else; it is no sign of anything.
const TIMER_LATENESS_S: f64 = 0.002;

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Traces<'a> {
    pub(super) setup: &'a Setup,
    pub(super) tasks: Vec<TaskEntry>,
    /// When each pixel had its first result.
    pub(super) ends_s: Vec<f64>,
    pub(super) samples: Vec<Sample>,
    pub(super) connected_s: Option<f64>,
    pub(super) repeat: usize,
    pub(super) seed: u64,
    pub(super) stopped: Option<String>,
    pub(super) complete: bool,
    pub(super) counts: TaskCounts,
    pub(super) map_sha256: String,
    pub(super) emulated_hub_s: f64,
    pub(super) emulated_hub_late_s: f64,
    pub(super) broker: Option<u32>,
    pub(super) hub_bytes: (u64, u64),
    pub(super) account: Account,
    pub(super) fleet_kills: usize,
    pub(super) lateness_mean_s: f64,
    pub(super) lateness_p99_s: f64,
    /// What Prometheus knows of a fleet that others started.
    pub(super) scraped: Option<Scraped>,
}

impl Traces<'_> {
    /// The figures.
    pub(super) fn measure(self) -> Run {
        let first_s = self.tasks.iter().map(|task| task.submitted_s);
        let first_s = first_s.fold(f64::INFINITY, f64::min);
        let mut ends_s: Vec<f64> = self.ends_s.iter().map(|end_s| end_s - first_s).collect();
        ends_s.sort_unstable_by(f64::total_cmp);
        let makespan_s = ends_s.last().copied().unwrap_or(0.0);
        let steady = self.steady(&ends_s, first_s);
        let (from_s, to_s) = match steady {
            Some(steady) => (
                first_s + steady.from_s,
                first_s + steady.from_s + steady.window_s,
            ),
            None => (first_s, first_s + makespan_s),
        };
        let inside = |end_s: f64| (from_s..=to_s).contains(&end_s);
        let n_inside = self.settled().filter(|(_, end)| inside(end.at_s)).count();
        let spent = between(&self.samples, from_s, to_s).unwrap_or_default();
        let per_task = |cpu_s: f64| 1e6 * cpu_s / n_inside.max(1) as f64;
        let generator = self.generator(&spent);
        let void = self
            .stopped
            .clone()
            .or_else(|| self.generator_fault(&generator, &spent, n_inside));
        let round_trip = |(task, end): (&TaskEntry, Settled)| end.at_s - task.submitted_s;
        let wait = |(task, end)| (round_trip((task, end)) - end.busy_s).max(0.0);
        Run {
            repeat: self.repeat,
            seed: self.seed,
            void,
            complete: self.complete,
            tasks: self.counts,
            map_sha256: self.map_sha256.clone(),
            connection_s: self.connected_s,
            steady,
            makespan_s,
            t50_s: quantile(&ends_s, 0.5),
            t90_s: quantile(&ends_s, 0.9),
            t99_s: quantile(&ends_s, 0.99),
            schedule_to_start_s: quantiles(self.settled().map(wait).collect()),
            round_trip_s: quantiles(self.settled().map(round_trip).collect()),
            service_s: quantiles(self.settled().map(|(_, end)| end.busy_s).collect()),
            emulated_hub_s: self.emulated_hub_s,
            emulated_hub_late_s: self.emulated_hub_late_s,
            hub_cpu_us_per_task: per_task(spent.hub_busy_s()),
            hub_memory_mb: self.memory_mb(std::process::id()),
            broker: (self.broker.is_some() || self.setup.network.broker.is_some()).then(|| {
                BrokerUse {
                    cpu_us_per_task: per_task(spent.broker_busy_s()),
                    memory_mb: self.broker.map_or(0.0, |pid| self.memory_mb(pid)),
                }
            }),
            hub_bytes_sent: self.hub_bytes.0,
            hub_bytes_received: self.hub_bytes.1,
            account: self.account.clone(),
            fleet_kills: self.fleet_kills,
            generator,
        }
    }

    /// Most memory of a process; in virtual time that says nothing of what is replayed.
    fn memory_mb(&self, pid: u32) -> f64 {
        match self.setup.clock {
            Clock::Real => machine::peak_memory_mb(pid).unwrap_or(0.0),
            Clock::Virtual => 0.0,
        }
    }

    /// Tasks that have a result.
    fn settled(&self) -> impl Iterator<Item = (&TaskEntry, Settled)> {
        let tasks = self.tasks.iter();
        tasks.filter_map(|task| Some((task, task.settled?)))
    }

    /// The span in which every worker is there and has something to do. `ends_s` are sorted.
    fn steady(&self, ends_s: &[f64], first_s: f64) -> Option<Steady> {
        let n_slots = self.setup.n_slots();
        let worked_once_s = *ends_s.get(n_slots - 1)?;
        let from_s = worked_once_s.max(self.connected_s? - first_s);
        let cut = self.tasks.iter().filter(|task| !task.is_copy);
        let last_s = cut.map(|task| task.submitted_s - first_s);
        let to_s = last_s.fold(0.0, f64::max);
        let window_s = to_s - from_s;
        let inside = |end_s: &&f64| (from_s..=to_s).contains(*end_s);
        let n_inside = ends_s.iter().filter(inside).count();
        if window_s <= 0.0 || n_inside < n_slots {
            return None;
        }
        let (mut n_done, mut worked_s, mut drawn_s) = (0.0, 0.0, 0.0);
        for (_, end) in self.settled() {
            let (end_s, busy_s) = (end.at_s - first_s, end.busy_s);
            let within_s = (end_s.min(to_s) - (end_s - busy_s).max(from_s)).max(0.0);
            let share = match busy_s > 0.0 {
                true => within_s / busy_s,
                false => f64::from(u8::from((from_s..=to_s).contains(&end_s))),
            };
            n_done += share;
            worked_s += within_s;
            drawn_s += share * end.drawn_s;
        }
        let slots_s = n_slots as f64 * window_s;
        Some(Steady {
            from_s,
            window_s,
            throughput_per_s: n_done / window_s,
            utilisation: worked_s / slots_s,
            utilisation_as_drawn: drawn_s / slots_s,
        })
    }

    fn generator(&self, spent: &Sample) -> Generator {
        let span_s = spent.at_s.max(f64::MIN_POSITIVE);
        let fleet_s: f64 = spent.fleet_s.iter().sum();
        let foreign_s = spent.all_s - spent.hub_s - spent.broker_s - fleet_s;
        let foreign_load = (foreign_s / span_s / machine::cores() as f64).max(0.0);
        let hub_wait_share = spent.hub_waited_s / span_s;
        if let Some(scraped) = self.scraped {
            return Generator {
                processes: scraped.processes,
                cpu_share: scraped.cpu_share,
                lateness_mean_s: scraped.lateness_mean_s,
                lateness_p99_s: scraped.lateness_p99_s,
                foreign_load,
                hub_wait_share,
            };
        }
        Generator {
            processes: spent.fleet_s.len(),
            cpu_share: spent.fleet_s.iter().copied().fold(0.0, f64::max) / span_s,
            lateness_mean_s: self.lateness_mean_s,
            lateness_p99_s: self.lateness_p99_s,
            foreign_load,
            hub_wait_share,
        }
    }

    fn generator_fault(
        &self,
        generator: &Generator,
        spent: &Sample,
        n_inside: usize,
    ) -> Option<String> {
        let service_s = self.setup.workload.service.mean_s;
        let most_late_s = (MOST_LATENESS * service_s).max(TIMER_LATENESS_S);
        if generator.cpu_share > MOST_CPU_SHARE {
            return Some(format!(
                "a fleet process used {:.2} of its core, over {MOST_CPU_SHARE}: set fleet.processes \
                 higher, if there are cores for them",
                generator.cpu_share
            ));
        }
        if generator.lateness_mean_s > most_late_s {
            return Some(format!(
                "simulated work ended {:.1} ms late on average, over {:.1} ms: the machine is too \
                 busy, or fleet.processes too few",
                1e3 * generator.lateness_mean_s,
                1e3 * most_late_s
            ));
        }
        let waited_per_task_s = spent.hub_waited_s / n_inside.max(1) as f64;
        let is_late = waited_per_task_s > most_late_s;
        self.is_starved(generator, spent, is_late).then(|| {
            format!(
                "the hub waited for a core {:.2} of the time while others used {:.2} of the machine: \
                 run it when nothing else does",
                generator.hub_wait_share, generator.foreign_load
            )
        })
    }

    /// Whether other work on the machine makes the hub slow: so slow that it may be what limits, or
    /// that tasks wait for it.
    fn is_starved(&self, generator: &Generator, spent: &Sample, tasks_are_late: bool) -> bool {
        // A fleet in containers is foreign load, too, but not somebody else's.
        let is_alone = self.scraped.is_some()
            || generator.foreign_load < SOME_FOREIGN_LOAD
            || generator.hub_wait_share < SOME_WAITING;
        let span_s = spent.at_s.max(f64::MIN_POSITIVE);
        let stretched = spent.hub_s / span_s + generator.hub_wait_share;
        !is_alone && (stretched > MOST_STRETCHED || tasks_are_late)
    }
}
