//! What a replay will take, before it is run: whether this machine can hold it, how many tasks, how long,
//! how much memory.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::scenario::setup::file::{PlannedPoint, Scenario};
use crate::scenario::setup::{Clock, Setup};
use crate::scenario::stage::capacity::Capacity;
use crate::scenario::workload::work::Work;

/// Starting and ending a hub, a fleet and where needed a broker, in seconds.
const AROUND_S: f64 = 4.0;
/// Processor time of a task in virtual time, in seconds: ten-minutes and million-workers took 20 to 45 us, on one
/// core of 2026.
const VIRTUAL_TASK_S: f64 = 40e-6;
/// Memory of a slot in virtual time, and of a worker beside its slots, in MB: 0.9 GB for the 80,000 workers of
/// eager-80k, 3.5 GB for the million slots of million-workers.
const VIRTUAL_SLOT_MB: f64 = 0.0034;
const VIRTUAL_WORKER_MB: f64 = 0.0077;
/// Memory of a simulated worker on a real transport, in MB.
const REAL_SLOT_MB: f64 = 0.02;
/// Memory of a process with nothing in it, in MB.
const PROCESS_MB: f64 = 20.0;

/// What a run will take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Tasks.
    pub n_tasks: usize,
    /// Seconds on a clock on the wall: of the formulas' in real time, of this machine's processor in virtual time.
    pub seconds: f64,
    /// Memory of all processes together, in MB.
    pub memory_mb: f64,
}

/// What one run of a point will take, with this seed.
///
/// # Errors
/// If it makes no sense, or this machine cannot hold it; the text says what to do.
pub fn of(planned: &PlannedPoint, seed: u64) -> Result<Forecast, String> {
    let setup = &planned.setup;
    Capacity::read().check(setup)?;
    let (work, expected_s) = work(setup, seed)?;
    let n_tasks = work.n_tasks();
    let n_slots = setup.n_slots() as f64;
    Ok(match setup.clock {
        Clock::Real => Forecast {
            n_tasks,
            seconds: expected_s + AROUND_S,
            memory_mb: (1 + setup.fleet.processes) as f64 * PROCESS_MB + n_slots * REAL_SLOT_MB,
        },
        Clock::Virtual => Forecast {
            n_tasks,
            seconds: n_tasks as f64 * VIRTUAL_TASK_S,
            memory_mb: PROCESS_MB
                + n_slots * VIRTUAL_SLOT_MB
                + setup.fleet.workers as f64 * VIRTUAL_WORKER_MB,
        },
    })
}

/// What each run of a scenario will take, in the order in which they are done.
///
/// # Errors
/// If one makes no sense, or this machine cannot hold it: with the point that it is.
pub fn all(scenario: &Scenario) -> Result<Vec<Forecast>, String> {
    let forecast = |(number, repeat)| {
        let planned: &PlannedPoint = &scenario.points[number];
        of(planned, scenario.seed + repeat as u64).map_err(|reason| {
            format!(
                "{} N = {}: {reason}",
                planned.variant,
                planned.setup.n_slots()
            )
        })
    };
    super::order(scenario).into_iter().map(forecast).collect()
}

/// What a run evaluates, and in how many seconds of its clock at best.
pub(super) fn work(setup: &Setup, seed: u64) -> Result<(Work, f64), String> {
    let service = &setup.workload.service;
    let service_s = service.mean_of_draws_s(&mut ChaCha8Rng::seed_from_u64(seed));
    let work = Work::of(setup, seed, service_s)?;
    let load = setup.load(service_s, setup.hub.service_s);
    let waits_s = (work.n_waves() - 1) as f64 * service_s;
    let arrivals_s = setup
        .workload
        .rate_per_s
        .map_or(0.0, |rate| work.n_tasks() as f64 / rate);
    let at_best_s = work.n_tasks() as f64 / load.throughput_bound_per_s() + waits_s;
    Ok((work, at_best_s.max(arrivals_s)))
}
