//! From what a run left behind to its figures.
//!
//! Decision: Utilisation is measured by overlap (`docs/decisions.md`).

mod generator;

use super::sampler::between;
use super::traces::Traces;
use crate::scenario::around::log::{FirstResult, TaskEntry};
use crate::scenario::results::account::Account;
use crate::scenario::results::waits::Waits;
use crate::scenario::results::{BrokerUse, Run, Steady};
use crate::scenario::setup::Clock;
use crate::scenario::stage::machine;
use crate::scenario::statistics::{quantile, quantiles};

impl Traces<'_> {
    /// The figures.
    pub(super) fn measure(&self) -> Run {
        let (scanned, log) = (&self.scan.scanned, &self.log);
        let first_s = log.begun_s();
        let mut ends_s: Vec<f64> = log.ends_s.iter().map(|end_s| end_s - first_s).collect();
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
        let n_inside = log
            .first_results()
            .filter(|(_, end)| inside(end.at_s))
            .count();
        let spent = between(&self.samples, from_s, to_s).unwrap_or_default();
        let per_task = |cpu_s: f64| 1e6 * cpu_s / n_inside.max(1) as f64;
        let generator = generator::state(self, &spent);
        let stopped = self.scan.stopped.clone();
        let round_trip = |(task, end): (&TaskEntry, FirstResult)| end.at_s - task.submitted_s;
        let wait = |(task, end): (&TaskEntry, FirstResult)| {
            (round_trip((task, end)) - end.busy_s).max(0.0)
        };
        let waited =
            |(task, end): (&TaskEntry, FirstResult)| (end.at_s - first_s, wait((task, end)));
        let waits: Vec<(f64, f64)> = log.first_results().map(waited).collect();
        let has_broker = self.broker.is_some() || self.setup.network.broker.is_some();
        Run {
            repeat: self.turn.repeat,
            seed: self.turn.seed,
            void: stopped.or_else(|| generator::fault(self, &generator, &spent, n_inside)),
            complete: scanned.complete && scanned.map.len() == self.turn.n_tasks,
            tasks: scanned.tasks,
            map_sha256: scanned.map.sha256_hex(),
            connection_s: (self.fleet.connected_s)
                .map(|connected_s| connected_s - self.fleet.begun_s),
            steady,
            makespan_s,
            t50_s: quantile(&ends_s, 0.5),
            t90_s: quantile(&ends_s, 0.9),
            t99_s: quantile(&ends_s, 0.99),
            schedule_to_start_s: quantiles(log.first_results().map(wait).collect()),
            waits: Waits::of(&waits),
            round_trip_s: quantiles(log.first_results().map(round_trip).collect()),
            service_s: quantiles(log.first_results().map(|(_, end)| end.busy_s).collect()),
            emulated_hub_s: self.hub.emulated_s,
            emulated_hub_late_s: self.hub.emulated_late_s,
            hub_cpu_us_per_task: per_task(spent.hub_busy_s()),
            hub_memory_mb: self.memory_mb(std::process::id()),
            broker: has_broker.then(|| BrokerUse {
                cpu_us_per_task: per_task(spent.broker_busy_s()),
                memory_mb: self.broker.map_or(0.0, |pid| self.memory_mb(pid)),
            }),
            hub_bytes_sent: self.hub.bytes_sent,
            hub_bytes_received: self.hub.bytes_received,
            account: Account::of(self.setup, self.moved, self.spent()),
            fleet_kills: self.fleet.n_kills,
            generator,
        }
    }

    /// Most memory that a process had; in virtual time that says nothing of what is replayed.
    fn memory_mb(&self, pid: u32) -> f64 {
        match self.setup.clock {
            Clock::Real => machine::peak_memory_mb(pid).unwrap_or(0.0),
            Clock::Virtual => 0.0,
        }
    }

    /// The span in which every worker is there and has something to do. `ends_s` are sorted.
    fn steady(&self, ends_s: &[f64], first_s: f64) -> Option<Steady> {
        let n_slots = self.setup.n_slots();
        let worked_once_s = *ends_s.get(n_slots - 1)?;
        let from_s = worked_once_s.max(self.fleet.connected_s? - first_s);
        let cut = self.log.tasks.iter().filter(|task| !task.is_copy);
        let last_s = cut.map(|task| task.submitted_s - first_s);
        let to_s = last_s.fold(0.0, f64::max);
        let window_s = to_s - from_s;
        let inside = |end_s: &&f64| (from_s..=to_s).contains(*end_s);
        let n_inside = ends_s.iter().filter(inside).count();
        if window_s <= 0.0 || n_inside < n_slots {
            return None;
        }
        let (mut n_done, mut worked_s, mut drawn_s) = (0.0, 0.0, 0.0);
        for (_, end) in self.log.first_results() {
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
}
