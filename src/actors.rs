//! Who does what in a scan: thin actors around the engine and the transport contract.
//!
//! A [`Scanner`] sits at a hub: it hands out tasks and collects results. Its
//! [`Refiner`](refiner::Refiner) owns the map and asks what [decides](refiner::Decide) for the wave that
//! comes next; replays bring decisions of their own, and may stand between the two.
//! [`Worker`](worker::Worker)s sit at links and run kernels. No actor knows which transport it talks through.
//! A [`relay`] stands between them where a zone of Workers shares a connection.
//!
//! [`scan`] starts what a scan needs and waits for its end.

pub mod attendance;
pub mod partner;
pub mod progress;
pub mod refiner;
pub mod relay;
pub mod scanner;
pub mod standing;
pub mod worker;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use skyscan_transport::{HubConfig, PayloadId, Priority, ScanId, Transport, TransportError};
use tokio::sync::{Notify, oneshot, watch};

use crate::journal::{Contents, Journal, Record};
use crate::protocol::{Message, PROTOCOL, Welcome, pack_problem};
use crate::reco::Problem;
use crate::reco::systematics::SystematicSet;
use crate::scan::ledger::Chunking;
use crate::scan::{Ledger, Plan, StragglerPolicy};
use crate::sky::coordinates::SkyFrame;
use crate::telemetry;
use progress::Progress;
use refiner::ByPlan;
use scanner::{AskFor, HandOut, Recording, Scanned, Scanner, StopScan};
use worker::{StopWorker, WorkerConfig, WorkerError};

/// A peer that is silent for so long is lost.
const LIVENESS: Duration = Duration::from_secs(15);
/// Workers renew their leases three times in this span.
const LEASE_TERM: Duration = Duration::from_secs(60);
/// Threads that may block beside those of running kernels: events are unpacked, names looked up.
const OTHER_THREADS: usize = 64;
/// How long a scan that cannot go on may take to end.
const FAREWELL: Duration = Duration::from_secs(5);
/// Where workers may still come, a pixel that failed at all that are there waits for them, so long and
/// then twice as long.
pub const PATIENCE: Duration = Duration::from_secs(4);
/// Tasks that may wait at the hub; the Scanner keeps far fewer there.
pub const BACKLOG: usize = 65_536;

/// What a scan needs.
#[derive(Debug)]
pub struct ScanSetup {
    /// What is scanned, and with what.
    pub problem: Problem,
    /// How urgent it is beside other scans at the same place.
    pub priority: Priority,
    /// How the sky is searched.
    pub plan: Plan,
    /// How large tasks are.
    pub chunking: Chunking,
    /// Where Scanner and Workers meet.
    pub transport: Arc<dyn Transport>,
    /// Workers in this process, each with a link of its own.
    pub local: Vec<WorkerConfig>,
    /// At so many different workers a pixel fails before it fails for good.
    pub fail_after: NonZeroU32,
    /// Ends the scan, incomplete, if no pixel got its outcome for so long.
    pub give_up: Option<Duration>,
    /// Ends the scan, incomplete, after so long.
    pub deadline: Option<Duration>,
    /// How long a pixel that failed at all workers that are there waits for others: [`PATIENCE`], or
    /// not at all where none can come.
    pub patience: Duration,
    /// Where to keep what is accepted, with what is in there.
    pub journal: Option<(Journal, Contents)>,
    /// Whether this process runs no other scan meanwhile: its metrics say then which one.
    pub is_alone: bool,
}

/// Why a scan ended without a map.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The transport failed for good.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A worker of this process ended on its own.
    #[error("a local worker ended")]
    Worker(#[source] WorkerError),
    /// A worker of this process ended though nobody asked it to: a bug.
    #[error("a local worker ended without a reason")]
    WorkerLeft,
    /// The system gives no thread for the journal.
    #[error("cannot start to write the journal")]
    NoThread(#[source] std::io::Error),
    /// The Scanner ended without a word: a bug.
    #[error("the scanner ended without a result")]
    Silent,
}

/// Runs a scan to its end, or until `stop` is notified: then with the map as far as it is.
///
/// # Errors
/// If the transport fails, or a local worker ends on its own.
pub async fn scan(
    setup: ScanSetup,
    progress: watch::Sender<Progress>,
    stop: Arc<Notify>,
) -> Result<Scanned, ScanError> {
    let ScanSetup {
        problem,
        priority,
        plan,
        chunking,
        transport,
        local,
        fail_after,
        give_up,
        deadline,
        patience,
        journal,
        is_alone,
    } = setup;
    let frame = SkyFrame::new(problem.event.mjd, &problem.detector.site);
    let payload = pack_problem(&problem);
    if is_alone {
        telemetry::tell_scan(&problem, payload.len(), transport.name());
    }
    let n_systematics = problem.systematics.as_ref().map_or(0, SystematicSet::len);
    let reco = problem.reco.clone();
    let welcome = Welcome {
        reco: problem.reco,
        payload: PayloadId::of(&payload).0,
    };
    let hub_config = HubConfig {
        scan: fresh_scan_id(),
        protocol: PROTOCOL,
        welcome: welcome.encode().into(),
        backlog: BACKLOG,
        liveness: LIVENESS,
        lease_term: LEASE_TERM,
        payloads: None,
        priority,
    };
    let (hub, inbox) = transport.open_hub(hub_config).await?;
    hub.publish(payload.into()).await?;

    let mut workers = Vec::new();
    let mut ends = Vec::new();
    for config in local {
        let (worker, end) = worker::start(transport.as_ref(), config).await?;
        workers.push(worker);
        ends.push(Box::pin(end));
    }
    let mut ledger = Ledger::new(chunking, StragglerPolicy::default())
        .failing_after(fail_after)
        .patient_for(patience);
    let mut recording = None;
    if let Some((journal, contents)) = journal {
        let first_task = journal.first_task();
        ledger = ledger.going_on(first_task, contents.counts, contents.busy_seconds);
        recording = Some(Recording {
            path: journal.path().to_path_buf(),
            record: Record::start(journal, transport.name()).map_err(ScanError::NoThread)?,
            known: contents.atlas,
            n_waves: contents.n_waves,
        });
    }
    let (scanner, mut scanned) = scanner::start(
        hub,
        inbox,
        refiner::start(ByPlan {
            plan,
            frame,
            n_systematics,
        }),
        ledger,
        HandOut {
            give_up,
            deadline,
            tells_of_waiting: true,
            ..HandOut::default()
        },
        progress,
        recording,
    );
    // Read before anything that comes from the hub. A mailbox that is empty takes it.
    let _ = scanner.try_send(AskFor(reco));
    let result = loop {
        tokio::select! {
            scanned = &mut scanned => break scanned.map_err(|_| ScanError::Silent)?,
            () = stop.notified() => {
                // The Scanner may have ended at this very moment.
                let _ = scanner.send(StopScan).await;
            }
            // Lazily, since it is built even where it is not polled, and panics on nothing.
            (end, _, _) = async { futures::future::select_all(&mut ends).await },
                if !ends.is_empty() =>
            {
                let error = match end {
                    Ok(Err(error)) => ScanError::Worker(error),
                    Ok(Ok(())) | Err(_) => ScanError::WorkerLeft,
                };
                end_in_order(&scanner, &mut scanned, &stop).await;
                return Err(error);
            }
        }
    };
    for worker in workers {
        // A worker that has ended has nothing to give back.
        let _ = worker.send(StopWorker).await;
    }
    for end in ends {
        let _ = end.await;
    }
    Ok(result?)
}

/// Lets the Scanner end, so that nobody waits for more: for a while at most, and not when somebody asks
/// to stop.
async fn end_in_order(
    scanner: &actix::Addr<Scanner>,
    scanned: &mut oneshot::Receiver<Result<Scanned, TransportError>>,
    stop: &Notify,
) {
    let ending = async {
        // What it has found is no result of the scan that was asked for.
        let _ = scanner.send(StopScan).await;
        let _ = scanned.await;
    };
    tokio::select! {
        () = ending => {}
        () = stop.notified() => {}
        () = tokio::time::sleep(FAREWELL) => {}
    }
}

/// How many threads may block in a process with so many slots: the kernel of each may.
pub fn blocking_threads(slots: NonZeroU16) -> usize {
    usize::from(slots.get()) + OTHER_THREADS
}

/// A number for a scan; it must differ from those of other scans at the same place and enters no
/// result. The standard library's hasher is seeded at random.
pub fn fresh_scan_id() -> ScanId {
    ScanId(RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests;
