//! A relay between two places, judged as one transport: hubs above it, links below.

mod hidden;
mod pairs;
mod side;

use std::process::ExitCode;

use skyscan_transport_conformance::{Case, cases, run_cases};

use crate::{
    pairs::{Pair, Pairing},
    side::{Memory, Rabbitmq, Zeromq},
};

struct MemoryToMemory;

impl Pairing for MemoryToMemory {
    const NAME: &'static str = "relay_memory_memory";
    type Above = Memory;
    type Below = Memory;
}

struct ZeromqToZeromq;

impl Pairing for ZeromqToZeromq {
    const NAME: &'static str = "relay_zeromq_zeromq";
    type Above = Zeromq;
    type Below = Zeromq;
}

struct RelayUnderRelay;

impl Pairing for RelayUnderRelay {
    const NAME: &'static str = "relay_under_relay_memory";
    const N_RELAYS: usize = 2;
    type Above = Memory;
    type Below = Memory;
}

struct RabbitmqToZeromq;

impl Pairing for RabbitmqToZeromq {
    const NAME: &'static str = "relay_rabbitmq_zeromq";
    type Above = Rabbitmq;
    type Below = Zeromq;
}

fn main() -> ExitCode {
    let codes = [
        run_cases::<Pair<MemoryToMemory>>(all()),
        run_cases::<Pair<ZeromqToZeromq>>(without(&["scale::five_thousand"])),
        run_cases::<Pair<RelayUnderRelay>>(without(&["scale::"])),
        // What the zone's hub and the relay's books decide is judged above.
        run_cases::<Pair<RabbitmqToZeromq>>(without(&["scale::", "lease::", "credit::"])),
    ];
    side::stop_broker();
    let failed = codes.into_iter().find(|code| *code != ExitCode::SUCCESS);
    failed.unwrap_or(ExitCode::SUCCESS)
}

/// What cannot hold through a relay, and why. Everything else does.
const BY_NATURE: [(&str, &str); 4] = [
    (
        "delivery::the_hub_knows_a_link_by_its_id",
        "the hub knows the link that the relay has opened for that of the zone",
    ),
    (
        "lease::an_outcome_tells_its_attempt",
        "an outcome tells the leases of the hub that yields it; what the zone has leased again \
         within itself, only the zone's hub knows",
    ),
    (
        "holders::a_lost_task_is_named_with_its_next_link",
        "the zone leases it again within itself: the hub still names the link above that has it",
    ),
    (
        "holders::what_ends_first_comes_first",
        "the relay renews above what its zone holds, all of it together",
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
