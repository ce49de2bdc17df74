//! The whole program, from the outside: scans, transports, external likelihoods, replays, metrics,
//! clusters, containers. One group a module; each trial has its group's name in front.
//!
//! Copies of this program are what some trials start: see `external_reco::program`.

mod attendance;
mod compose;
mod deploy;
mod estimate;
mod external_reco;
mod journal;
mod metrics;
#[path = "../needs/needs.rs"]
mod needs;
mod replay;
mod scan;
mod service;
mod study;
mod told;
mod transports;

use external_reco::program;
use libtest_mimic::{Arguments, Trial};

fn main() {
    if let Some(conduct) = program::called_as() {
        return program::run(&conduct);
    }
    let groups = [
        scan::trials(),
        transports::trials(),
        attendance::trials(),
        external_reco::trials(),
        journal::trials(),
        deploy::trials(),
        estimate::trials(),
        metrics::trials(),
        replay::trials(),
        service::trials(),
        study::trials(),
    ];
    let others = groups.into_iter().flatten().collect();
    let mut arguments = Arguments::from_args();
    // Many wait: for a broker to start, a container to come up, a lease to run out.
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(n_cores + 2);
    let conclusion = libtest_mimic::run(&arguments, spread(compose::trials(), others));
    transports::shared_broker::end();
    conclusion.exit();
}

/// Those that take turns stand far from one another, so that none waits for its turn in a thread.
fn spread(turns: Vec<Trial>, mut others: Vec<Trial>) -> Vec<Trial> {
    let apart = others.len() / turns.len().max(1);
    for (n_before, trial) in turns.into_iter().enumerate() {
        others.insert(n_before * (apart + 1), trial);
    }
    others
}
