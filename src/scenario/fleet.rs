//! The simulated workers of one process: the Workers of a scan, with a kernel that sleeps.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use skyscan_transport::{Transport, TransportError};
use tokio::time::Instant;

use super::ballast::{Ballast, LadenTransport};
use super::machine;
use super::setup::{Preemption, Ramp, Setup, Stragglers};
use crate::actors::worker::{self, LoseWorker, WorkerConfig, WorkerError};
use crate::reco::service_time::ServiceTime;
use crate::reco::simulated::{Hangs, Lateness, Simulated};

/// What a process of the fleet is asked to do; a scan's tasks are evaluated until it is told to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetOrder {
    /// Where to meet the hub.
    pub url: String,
    /// Numbers of its workers among those of the whole fleet.
    pub workers: std::ops::Range<usize>,
    /// Tasks that each evaluates at once.
    pub slots: NonZeroU16,
    /// Tasks that each may hold for a slot.
    pub leases_per_slot: NonZeroU16,
    /// How long a task takes.
    pub service: ServiceTime,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How they come.
    pub ramp: Ramp,
    /// How large messages are made, if they are.
    pub ballast: Option<Ballast>,
    /// Workers are taken away.
    pub preemption: Option<Preemption>,
    /// Some workers are slow.
    pub stragglers: Option<Stragglers>,
    /// Some tasks hang.
    pub hangs: Option<Hangs>,
}

impl FleetOrder {
    /// To be these workers of a point.
    pub fn new(setup: &Setup, seed: u64, url: String, workers: std::ops::Range<usize>) -> Self {
        Self {
            url,
            workers,
            slots: setup.fleet.slots,
            leases_per_slot: setup.transport.credit,
            service: setup.workload.service,
            seed,
            ramp: setup.fleet.ramp,
            ballast: setup.messages.ballast(),
            preemption: setup.faults.preemption,
            stragglers: setup.faults.stragglers,
            hangs: setup.faults.hangs,
        }
    }
}

/// What a process of the fleet tells in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetReport {
    /// CPU time of the process.
    pub cpu_s: f64,
    /// How late simulated work ended, on average.
    pub lateness_mean_s: f64,
    /// The same, 99th percentile.
    pub lateness_p99_s: f64,
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

/// Runs simulated workers until `end` resolves.
///
/// # Errors
/// If a link cannot be opened, or a worker ends on its own.
pub async fn run(
    order: &FleetOrder,
    transport: Arc<dyn Transport>,
    end: impl Future<Output = ()>,
) -> Result<FleetReport, FleetError> {
    let transport = laden(transport, order.ballast);
    let lateness = Arc::new(Lateness::default());
    let begun = Instant::now();
    let mut places: FuturesUnordered<_> = order
        .workers
        .clone()
        .map(|number| {
            place(
                order,
                number,
                begun,
                transport.as_ref(),
                Arc::clone(&lateness),
            )
        })
        .collect();
    let mut end = std::pin::pin!(end.fuse());
    tokio::select! {
        () = &mut end => {}
        Some(error) = places.next() => return Err(error),
    }
    let (lateness_mean_s, lateness_p99_s) = lateness.mean_and_p99_s();
    Ok(FleetReport {
        cpu_s: machine::cpu_s(std::process::id()).unwrap_or(0.0),
        lateness_mean_s,
        lateness_p99_s,
    })
}

/// The transport with ballast, if there is any.
pub(super) fn laden(inner: Arc<dyn Transport>, ballast: Option<Ballast>) -> Arc<dyn Transport> {
    match ballast {
        Some(ballast) => Arc::new(LadenTransport { inner, ballast }),
        None => inner,
    }
}

/// One worker's place: somebody works there, is taken away, is replaced. Ends with an error only.
async fn place(
    order: &FleetOrder,
    number: usize,
    begun: Instant,
    transport: &dyn Transport,
    lateness: Arc<Lateness>,
) -> FleetError {
    // Two odd constants keep the draws of workers and of tasks apart.
    let own_seed = order.seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number as u64;
    let mut rng = ChaCha8Rng::seed_from_u64(own_seed);
    let slowness = match order.stragglers {
        Some(stragglers) if rng.random::<f64>() < stragglers.share => stragglers.slower,
        _ => 1.0,
    };
    let reco = Simulated {
        service: order.service,
        seed: order.seed,
        slowness,
        hangs: order.hangs,
        lateness,
    };
    let config = WorkerConfig {
        slots: order.slots,
        leases_per_slot: order.leases_per_slot,
        recos: vec![Arc::new(reco)],
    };
    if let Ramp::Linear { workers_per_s } = order.ramp {
        let after = Duration::from_secs_f64(number as f64 / workers_per_s);
        tokio::time::sleep_until(begun + after).await;
    }
    loop {
        let (worker, mut end) = match worker::start(transport, config.clone()).await {
            Ok(started) => started,
            Err(error) => return error.into(),
        };
        let Some(preemption) = order.preemption else {
            return ended(end.await);
        };
        let life_s = -60.0 / preemption.per_min * libm::log(1.0 - rng.random::<f64>());
        tokio::select! {
            result = &mut end => return ended(result),
            () = tokio::time::sleep(Duration::from_secs_f64(life_s)) => {}
        }
        // It may have ended at this very moment.
        let _ = worker.send(LoseWorker).await;
        tokio::time::sleep(Duration::from_secs_f64(preemption.back_after_s)).await;
    }
}

/// A worker that nobody asked to end has ended.
fn ended(
    end: Result<Result<(), WorkerError>, tokio::sync::oneshot::error::RecvError>,
) -> FleetError {
    match end {
        Ok(Err(error)) => FleetError::Worker(error),
        Ok(Ok(())) | Err(_) => FleetError::Transport(TransportError::Closed),
    }
}
