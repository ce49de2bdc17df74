//! A relay between two places, judged as one transport: hubs above it, links below.

mod hidden;
mod pairs;
#[path = "../../../zeromq/tests/conformance/wire.rs"]
mod wire;

use std::process::ExitCode;

use skyscan_transport_conformance::{Case, cases, run_cases};

use crate::pairs::{MemoryToMemory, RabbitmqToZeromq, ZeromqToZeromq};

fn main() -> ExitCode {
    let codes = [
        run_cases::<MemoryToMemory<1>>(all()),
        run_cases::<ZeromqToZeromq>(without(&["scale::five_thousand"])),
        // A relay under a relay.
        run_cases::<MemoryToMemory<2>>(without(&["scale::"])),
        // What the zone's hub and the relay's books decide is judged above.
        run_cases::<RabbitmqToZeromq>(without(&["scale::", "lease::", "credit::"])),
    ];
    pairs::stop_broker();
    let failed = codes.into_iter().find(|code| *code != ExitCode::SUCCESS);
    failed.unwrap_or(ExitCode::SUCCESS)
}

/// What cannot hold through a relay, and why. Everything else does.
const BY_NATURE: [(&str, &str); 2] = [
    (
        "delivery::the_hub_knows_a_link_by_its_id",
        "the hub knows the link that the relay has opened for that of the zone",
    ),
    (
        "lease::an_outcome_tells_its_attempt",
        "an outcome tells the leases of the hub that yields it; what the zone has leased again \
         within itself, only the zone's hub knows",
    ),
];

fn all() -> Vec<Case> {
    let mut cases: Vec<Case> = cases();
    for (name, _) in BY_NATURE {
        assert!(cases.iter().any(|case| case.name == name), "no case {name}");
    }
    cases.retain(|case| BY_NATURE.iter().all(|(name, _)| *name != case.name));
    cases
}

/// What asks for memory is asked of the pair whose ends need none: the growth is the relay's.
fn without(left_out: &[&str]) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| left_out.iter().all(|start| !case.name.starts_with(start)));
    cases
}
