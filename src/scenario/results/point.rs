//! From the runs of a point to what they come to.

use super::account::Account;
use super::{Means, Point, Run, Tally, Theory};
use crate::scenario::setup::{Clock, Setup};
use crate::scenario::statistics::{Interval, quantile};
use crate::scenario::theory::{self, Load};

/// What the talk asks of a scan, in unscaled time.
const TEN_MINUTES_S: f64 = 600.0;

/// The repeats of a point, with what they come to.
pub(in crate::scenario) fn of_runs(variant: String, setup: Setup, runs: Vec<Run>) -> Point {
    Point {
        variant,
        workers: setup.n_slots(),
        tally: tally(&runs, setup.time_scale),
        mean: means(&runs),
        theory: theory(&setup, &runs),
        setup,
        runs,
    }
}

/// The repeats that count, or all if none does.
fn counting(runs: &[Run]) -> Vec<&Run> {
    match runs.iter().all(|run| run.void.is_some()) {
        true => runs.iter().collect(),
        false => runs.iter().filter(|run| run.void.is_none()).collect(),
    }
}

/// What there is to tell of all repeats of a point.
fn tally(runs: &[Run], time_scale: f64) -> Tally {
    let valid = counting(runs);
    let within = |time_s: &dyn Fn(&Run) -> f64| {
        let in_time = |run: &&&Run| time_s(run) <= TEN_MINUTES_S * time_scale;
        valid.iter().filter(in_time).count()
    };
    let accounts: Vec<&Account> = valid.iter().map(|run| &run.account).collect();
    Tally {
        seeds: runs.iter().map(|run| run.seed).collect(),
        voids: runs.iter().filter_map(|run| run.void.clone()).collect(),
        tasks: runs.first().map_or(0, |run| run.tasks.planned),
        lost: runs.iter().map(|run| run.tasks.lost).sum(),
        counting: valid.len(),
        within_ten_minutes: within(&|run| run.makespan_s),
        within_ten_minutes_99: within(&|run| run.t99_s),
        used: Account::mean(&accounts),
    }
}

/// Means over the repeats of a point that count, or over all if none does.
fn means(runs: &[Run]) -> Means {
    let valid = counting(runs);
    let over = |value: &dyn Fn(&Run) -> Option<f64>| {
        Interval::of(
            &valid
                .iter()
                .filter_map(|run| value(run))
                .collect::<Vec<_>>(),
        )
    };
    let p95 = |value: &dyn Fn(&Run) -> f64| {
        let mut values: Vec<f64> = valid.iter().map(|run| value(run)).collect();
        values.sort_unstable_by(f64::total_cmp);
        (!values.is_empty()).then(|| quantile(&values, 0.95))
    };
    Means {
        throughput_per_s: over(&|run| run.steady.map(|steady| steady.throughput_per_s)),
        utilisation: over(&|run| run.steady.map(|steady| steady.utilisation)),
        utilisation_as_drawn: over(&|run| run.steady.map(|steady| steady.utilisation_as_drawn)),
        makespan_s: over(&|run| Some(run.makespan_s)),
        t50_s: over(&|run| Some(run.t50_s)),
        t90_s: over(&|run| Some(run.t90_s)),
        t99_s: over(&|run| Some(run.t99_s)),
        makespan_p95_s: p95(&|run| run.makespan_s),
        t99_p95_s: p95(&|run| run.t99_s),
        schedule_to_start_p99_s: over(&|run| Some(run.schedule_to_start_s.p99)),
        hub_cpu_us_per_task: over(&|run| Some(run.hub_cpu_us_per_task)),
        broker_cpu_us_per_task: over(&|run| run.broker.map(|broker| broker.cpu_us_per_task)),
        connection_s: over(&|run| run.connection_s),
        gigabytes_moved: over(&|run| {
            let moved = run.account.moved.named();
            Some(
                1e-9 * moved
                    .iter()
                    .map(|(_, moved)| moved.bytes as f64)
                    .sum::<f64>(),
            )
        }),
        core_hours_billed: over(&|run| Some(run.account.core_hours?.billed)),
        core_hours_wasted: over(&|run| Some(run.account.core_hours?.wasted)),
        dollars: over(&|run| Some(run.account.dollars?.total)),
    }
}

/// What the formulas say, with the measured means of work and of the hub's time put in.
fn theory(setup: &Setup, runs: &[Run]) -> Theory {
    let mean = |value: &dyn Fn(&Run) -> f64| {
        runs.iter().map(value).sum::<f64>() / runs.len().max(1) as f64
    };
    // The work of the steady state: a heavy tail is not all there yet when it begins.
    let service_s = mean(&|run| match run.steady {
        Some(steady) if steady.throughput_per_s > 0.0 => {
            steady.utilisation * setup.n_slots() as f64 / steady.throughput_per_s
        }
        _ => run.service_s.mean,
    });
    let round_trip_s = setup.mean_rtt_s() + mean(&|run| run.emulated_hub_late_s);
    let emulated_s = mean(&|run| run.emulated_hub_s);
    let own_s = 1e-6 * mean(&|run| run.hub_cpu_us_per_task);
    let broker_s = match setup.clock {
        Clock::Real => 0.0,
        Clock::Virtual => 1e-6 * mean(&|run| run.broker.map_or(0.0, |b| b.cpu_us_per_task)),
    };
    let load = Load {
        round_trip_s,
        ..setup.load(service_s, emulated_s.max(own_s).max(broker_s))
    };
    // The emulated server and our own code work side by side: two stations, one after the other.
    let stations_s = [emulated_s, own_s, broker_s];
    let mva = || theory::mva_utilisation(setup.n_slots(), service_s, round_trip_s, &stations_s);
    let offered = setup.offered_utilisation(service_s).unwrap_or(1.0);
    Theory {
        knee_workers: load.knee_workers(),
        bound: match service_s > 0.0 {
            true => load.utilisation_bound().min(offered),
            false => 0.0,
        },
        mva: (setup.is_closed_loop() && service_s > 0.0).then(mva),
        emulated_hub_s: emulated_s,
        own_hub_s: own_s,
        service_s,
        round_trip_s,
    }
}
