//! The simulated workers of one process: the Workers of a scan, with a kernel that sleeps.

mod deaths;
mod instance;
mod kind;
mod order;
mod placement;
pub mod process;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use skyscan_transport::{Transport, TransportError};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actors::worker::{WorkerConfig, WorkerError};
use crate::scenario::around::ballast::laden;
use crate::scenario::fleet::placement::Placement;
use crate::scenario::stage::host::Hosts;
use crate::scenario::stage::machine;
use crate::scenario::workload::simulated::Simulated;
use crate::scenario::workload::stopwatch::Stopwatch;
use deaths::Deaths;
use instance::Instance;
pub use order::{FleetOrder, NotStanding};

/// What a process of the fleet tells in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetReport {
    /// CPU time of the process, in seconds.
    pub cpu_s: f64,
    /// How late simulated work ended, on average, in seconds.
    pub lateness_mean_s: f64,
    /// 99th percentile of how late simulated work ended, in seconds.
    pub lateness_p99_s: f64,
    /// Time that slots worked, for results that count or not, in seconds, over all slots.
    pub worked_s: f64,
    /// Time that slots are paid for, in seconds, over all slots: while their machine is there.
    pub paid_s: f64,
}

/// Why a fleet could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// No link could be opened.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A worker ended on its own.
    #[error("a simulated worker ended")]
    Worker(#[source] WorkerError),
}

/// Runs the simulated workers of a process of its own until `end` resolves.
///
/// # Errors
/// If a link cannot be opened, or a worker ends on its own.
pub async fn run(
    order: &FleetOrder,
    transport: Arc<dyn Transport>,
    end: impl Future<Output = ()>,
) -> Result<FleetReport, FleetError> {
    let hosts = Hosts::Shared(laden(transport, order.ballast));
    run_on(order, &hosts, end).await
}

/// Runs simulated workers on these machines until `end` resolves.
pub(in crate::scenario) async fn run_on(
    order: &FleetOrder,
    hosts: &Hosts,
    end: impl Future<Output = ()>,
) -> Result<FleetReport, FleetError> {
    let stopwatch = Arc::new(Stopwatch::default());
    let begun = Instant::now();
    let placement = Placement::of(&order.fleet, &order.zone_shares, order.seed);
    let (tell, over) = watch::channel(false);
    let coming = order.workers.start..order.workers.end.min(placement.zone.len());
    let instance = |number: usize| {
        let place = (placement.zone[number], placement.comes_s[number]);
        instance(order, hosts, number, place, begun, &stopwatch).live(over.clone())
    };
    let mut instances: FuturesUnordered<_> = coming.map(instance).collect();
    let mut end = std::pin::pin!(end.fuse());
    // Whole nanoseconds: their sum does not depend on the order in which the instances end.
    let mut paid = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            () = &mut end => {
                tell.send_replace(true);
                while let Some(ended) = instances.next().await {
                    paid += ended?;
                }
                break;
            }
            Some(ended) = instances.next() => paid += ended?,
        }
    }
    let (lateness_mean_s, lateness_p99_s) = stopwatch.lateness_mean_and_p99_s();
    Ok(FleetReport {
        cpu_s: machine::cpu_s(std::process::id()).unwrap_or(0.0),
        lateness_mean_s,
        lateness_p99_s,
        worked_s: stopwatch.worked_s(),
        paid_s: paid.as_secs_f64() * f64::from(order.fleet.slots.get()),
    })
}

fn instance<'a>(
    order: &'a FleetOrder,
    hosts: &'a Hosts,
    number: usize,
    (zone, comes_s): (usize, f64),
    begun: Instant,
    stopwatch: &Arc<Stopwatch>,
) -> Instance<'a> {
    // Two odd constants keep the draws of workers and of tasks apart, a third one those of zones.
    let own_seed = order.seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number as u64;
    let zone_seed = order.seed.wrapping_mul(0xaf25_1af3_b0f0_25b5) ^ zone as u64;
    let slowness = match order.stragglers {
        Some(stragglers) => {
            let mut rng = ChaCha8Rng::seed_from_u64(own_seed);
            let is_slow = rng.random::<f64>() < stragglers.share;
            if is_slow { stragglers.slower } else { 1.0 }
        }
        None => 1.0,
    };
    let slowness = slowness * kind::slower(&order.fleet.speeds, own_seed);
    let reco = Simulated {
        service: order.service,
        seed: order.seed,
        slowness,
        hangs: order.hangs,
        landscape: order.landscape,
        own_seed,
        stopwatch: Arc::clone(stopwatch),
    };
    let config = WorkerConfig {
        slots: order.fleet.slots,
        leases_per_slot: order.leases_per_slot,
        recos: vec![Arc::new(reco)],
    };
    let away = order.absences.iter().filter(|away| away.zone == zone);
    let deaths = Deaths::new(
        order.preemption,
        away.copied().collect(),
        own_seed.rotate_left(16),
        zone_seed,
    );
    Instance {
        order,
        hosts,
        config,
        zone,
        begun,
        comes_s,
        deaths,
        own_seed,
    }
}
