//! `skyscan replay --check`: what a replay will take, without running it.

use std::fmt;

use anyhow::anyhow;
use serde::Serialize;

use crate::cli::{Failure, bad_input};
use crate::scenario::run::forecast;
use crate::scenario::setup::Clock;
use crate::scenario::setup::file::Scenario;

/// How much of everything a scenario will take.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Planned {
    scenario: String,
    clock: Clock,
    points: usize,
    runs: usize,
    tasks: usize,
    /// Of the largest point.
    slots: usize,
    /// In real time by the formulas, in virtual time of a processor.
    seconds: f64,
    memory_mb: f64,
}

/// Looks ahead.
pub(super) fn check(scenario: &Scenario) -> Result<Planned, Failure> {
    let runs = forecast::all(scenario)
        .map_err(|reason| bad_input(anyhow!("cannot replay {}: {reason}", scenario.name)))?;
    let slots = scenario.points.iter().map(|point| point.setup.n_slots());
    Ok(Planned {
        scenario: scenario.name.clone(),
        clock: scenario.clock,
        points: scenario.points.len(),
        runs: runs.len(),
        tasks: runs.iter().map(|run| run.n_tasks).sum(),
        slots: slots.max().unwrap_or(0),
        seconds: runs.iter().map(|run| run.seconds).sum(),
        memory_mb: runs.iter().map(|run| run.memory_mb).fold(0.0, f64::max),
    })
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = match self.clock {
            Clock::Real => "in real time, as the formulas say",
            Clock::Virtual => "in virtual time, on a core like those it was tried on",
        };
        write!(
            f,
            "{}: {} points, {} runs, {} tasks, up to {} slots; about {} {clock}; about {:.0} MB",
            self.scenario,
            self.points,
            self.runs,
            self.tasks,
            self.slots,
            span(self.seconds),
            self.memory_mb
        )
    }
}

/// A time in words.
pub(super) fn span(seconds: f64) -> String {
    match seconds < 120.0 {
        true => format!("{seconds:.0} s"),
        false => format!("{:.0} min", seconds / 60.0),
    }
}
