//! Replays: the actors and transports of a scan under thousands of simulated workers, measured.
//!
//! A [scenario file](file::Scenario) says what is replayed. Each of its points runs a Scanner with a
//! pile of tasks at its side, at a hub, against a [fleet] of Workers whose kernel sleeps; decorators
//! make the [master](setup::HubSetup) slower, the [messages](setup::Messages) larger, and write down
//! what happens. The [results](results::Report) stand beside what the [formulas](theory) say. Those of
//! full size are kept as [digests](digest), from which the [answers] to the talk are written.
//!
//! Decision: A replay differs from a scan in kernel, pile and decorators (`docs/decisions.md`).

pub mod account;
pub mod answers;
mod ballast;
pub mod calibration;
mod cloud;
mod crew;
pub mod digest;
mod event;
pub mod file;
pub mod fleet;
mod fleet_process;
mod gate;
mod host;
mod landscape;
mod limits;
mod log;
mod machine;
mod master;
mod measure;
mod pile;
mod place;
mod placement;
mod point;
mod relay;
mod replay;
pub mod report;
pub mod results;
mod run;
#[cfg(test)]
mod sample;
mod sampler;
pub mod service_time;
pub mod setup;
pub mod simulated;
mod sources;
pub mod statistics;
pub mod theory;
pub mod validation;
pub mod watched;
mod work;

pub use fleet_process::SUBCOMMAND as FLEET_SUBCOMMAND;
pub use replay::replay;

use file::PlannedPoint;
use results::Run;

/// What those who watch a replay are told.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A run begins.
    Begins {
        /// Number of its point, from 0.
        number: usize,
        /// Points of the scenario.
        n_points: usize,
        /// Number of the repeat, from 0.
        repeat: usize,
        /// The point.
        planned: &'a PlannedPoint,
    },
    /// It goes on; told often.
    Goes {
        /// Tasks with a result.
        n_settled: usize,
        /// Tasks altogether.
        n_tasks: usize,
        /// Tasks that are out.
        n_out: usize,
        /// Slots of the workers that are there.
        n_slots: usize,
    },
    /// It has ended.
    Ends(&'a Run),
}
