//! The service over HTTP, with an engine that plays.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the engine's numbers are made up"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a panic is how a check fails, and what was measured is told"
)]

#[path = "../../examples/fake/engine.rs"]
mod engine;
#[path = "../../examples/fake/sky.rs"]
mod sky;

mod ask;
mod bounds;
mod described;
mod kill;
mod place;
mod readers;
mod roles;
mod routes;
