//! One suite of cases that every transport passes. A case is a plain async function that names
//! the clause it checks; there are no capability switches.
//!
//! A backend's `tests/conformance.rs` (`harness = false`) is one line:
//! `fn main() -> ExitCode { skyscan_transport_conformance::run::<MemoryFixture>() }`, beside the
//! [`Fixture`] that knows how to start, cut and heal that backend.

mod cases;
mod fixture;
mod hub_end;
mod link_end;
mod run;
mod seed;
mod seen;
mod wires;

pub use cases::{Case, cases, metrics_case};
pub use fixture::{Clock, Fixture, Site};
pub use run::{run, run_cases};
pub use seed::dice_from_environment;
pub use seen::Seen;
pub use wires::{TcpWire, Wires};
