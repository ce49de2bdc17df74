//! `skyscan replay --check`: what a replay will take, without running it.

use anyhow::anyhow;

use crate::cli::{Failure, bad_input};
use crate::scenario::run::forecast;
use crate::scenario::setup::Clock;
use crate::scenario::setup::file::Scenario;

/// Says of a scenario how much of everything it will take.
pub(super) fn check(scenario: &Scenario) -> Result<String, Failure> {
    let runs = forecast::all(scenario)
        .map_err(|reason| bad_input(anyhow!("cannot replay {}: {reason}", scenario.name)))?;
    let n_tasks: usize = runs.iter().map(|run| run.n_tasks).sum();
    let seconds: f64 = runs.iter().map(|run| run.seconds).sum();
    let memory_mb = runs.iter().map(|run| run.memory_mb).fold(0.0, f64::max);
    let most = scenario
        .points
        .iter()
        .map(|point| point.setup.n_slots())
        .max();
    let clock = match scenario.clock {
        Clock::Real => "in real time, as the formulas say",
        Clock::Virtual => "in virtual time, on a core like those it was tried on",
    };
    Ok(format!(
        "{}: {} points, {} runs, {n_tasks} tasks, up to {} slots; about {} {clock}; about {memory_mb:.0} MB",
        scenario.name,
        scenario.points.len(),
        runs.len(),
        most.unwrap_or(0),
        span(seconds),
    ))
}

/// A time in words.
pub(super) fn span(seconds: f64) -> String {
    match seconds < 120.0 {
        true => format!("{seconds:.0} s"),
        false => format!("{:.0} min", seconds / 60.0),
    }
}
