//! The whole program, from the outside: scans, transports, external likelihoods, replays, metrics,
//! clusters, containers. One group a module; each trial has its group's name in front.
//!
//! Copies of this program are what some trials start: see `external_reco::program`.

mod compose;
mod deploy;
mod external_reco;
mod metrics;
#[path = "../needs/needs.rs"]
mod needs;
mod replay;
mod scan;
mod transports;

use external_reco::program;
use libtest_mimic::Arguments;

fn main() {
    if let Some(conduct) = program::called_as() {
        return program::run(&conduct);
    }
    let groups = [
        compose::trials(),
        scan::trials(),
        transports::trials(),
        external_reco::trials(),
        deploy::trials(),
        metrics::trials(),
        replay::trials(),
    ];
    let trials = groups.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
