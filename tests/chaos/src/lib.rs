//! Real faults: scans by real processes over each transport, while processes are killed and stopped, brokers go and
//! come back, disks fill up, and connections are cut, slow, dumb and damaged. Whatever is done, each scan must come to
//! its end with the map that it has in peace.
//!
//! What is done when comes from a seed; what it meets does not: that is what the simulator is for.

mod clock;
mod disk;
mod fault;
mod life;
mod part;
mod place;
mod proxy;
mod schedule;
mod tally;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;

pub use clock::can_jump;
pub use fault::Fault;
use life::Life;
pub use part::Role;
use place::Broker;
pub use tally::Tally;

/// How each scan divides the sky, with which reco: whole rounds, and a zoom.
const PLANS: [&[&str]; 3] = [
    &[
        "--strategy",
        "direct",
        "--nside",
        "8",
        "--reco",
        "pandel-mpe",
    ],
    &["--nside", "4,8,16,32"],
    &["--nside", "8,64", "--reco", "pandel-mpe"],
];

/// What is to be lived.
#[derive(Debug)]
pub struct Chaos {
    /// The `skyscan` to run.
    pub program: PathBuf,
    /// What is scanned.
    pub event: PathBuf,
    /// The first scan's; those after it count on.
    pub seed: u64,
    /// No scan begins after this time.
    pub time: Duration,
    /// No more scans than this.
    pub most_scans: u64,
    /// Only faults whose name contains this; all of them if it is empty.
    pub only: String,
}

impl Chaos {
    /// Lives one scan after the other, until Ctrl-C at the latest; says of each what became of it.
    ///
    /// # Errors
    /// What is wrong with the surroundings, such as a program that is not there. A scan that broke its promise is no
    /// error but stands in the tally.
    pub async fn run(&self, mut told: impl FnMut(&str)) -> Result<Tally> {
        let begun = Instant::now();
        let mut tally = Tally::default();
        let mut peace = Vec::new();
        for plan in PLANS {
            let life = self.in_peace(plan).await;
            peace.push(life.context("a scan in peace failed")?);
        }
        let mut broker = match skyscan_rabbitmq_node::missing() {
            Some(reason) => {
                told(&format!("nothing over RabbitMQ: {reason}"));
                None
            }
            None => Some(Broker::start().await?),
        };
        for k in 0..self.most_scans {
            if begun.elapsed() >= self.time {
                break;
            }
            let seed = self.seed + k;
            let n_plan = (seed % PLANS.len() as u64) as usize;
            let life = Life::new(self, seed, PLANS[n_plan], broker.as_mut());
            let lived = tokio::select! {
                lived = life.live(&peace[n_plan]) => lived,
                _asked = tokio::signal::ctrl_c() => break,
            };
            match lived {
                Ok(outcome) => told(&tally.take(seed, outcome)),
                Err(error) => {
                    tally.broken.push(format!("seed {seed}: {error:#}"));
                    break;
                }
            }
        }
        tally.took = begun.elapsed();
        Ok(tally)
    }
}
