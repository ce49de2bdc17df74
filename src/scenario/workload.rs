//! What fleets evaluate, and what they are given.

pub(in crate::scenario) mod gate;
pub mod landscape;
pub(in crate::scenario) mod payload;
mod pile;
pub mod simulated;
pub mod stopwatch;
pub(in crate::scenario) mod work;
