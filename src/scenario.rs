//! Replays: the actors and transports of a scan under thousands of simulated workers, measured.
//!
//! A [scenario file](setup::file::Scenario) says what is replayed. Each of its points runs a Scanner at a hub,
//! with a pile of tasks or a zoom to do, against a [fleet] of Workers whose kernel sleeps; decorators
//! make the [master](setup::HubSetup) slower, the [messages](setup::Messages) larger, and write down
//! what happens. The [results](results::Report) stand beside what the [formulas](theory) say. Those of
//! full size are kept as [digests](results::digest), from which the [answers] to the talk are written.
//!
//! Decision: A replay differs from a scan in kernel, pile and decorators (`docs/decisions.md`).

pub mod answers;
mod around;
pub mod fleet;
pub mod model;
pub mod report;
pub mod results;
pub mod run;
pub mod setup;
pub mod stage;
pub mod statistics;
pub mod theory;
pub mod workload;
