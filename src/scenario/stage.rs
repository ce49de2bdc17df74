//! Where a replay takes place: hub, broker, relays and the machines that workers run on, real or
//! modelled, and what the operating system knows of them.

pub(in crate::scenario) mod capacity;
mod cloud;
pub(in crate::scenario) mod host;
pub(in crate::scenario) mod machine;
mod relay;
pub mod stages;
pub mod watched;
