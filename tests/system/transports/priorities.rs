//! An urgent scan in the middle of many others, over every transport and behind a relay: it is as fast as if it
//! were alone, and the others lose nothing by it.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use libtest_mimic::Failed;
use skyscan::actors::progress::Progress;
use skyscan::actors::relay::{self, RelaySetup};
use skyscan::actors::scanner::Scanned;
use skyscan::actors::worker::{self, LEASES_PER_SLOT, WorkerConfig};
use skyscan::actors::{self, ScanSetup};
use skyscan::scan::ledger::Chunking;
use skyscan::scan::{Plan, Strategy};
use skyscan::sky::Nside;
use skyscan::transport;
use skyscan_transport::{Priority, Transport};
use tokio::sync::{Notify, watch};

use super::faults::{Conduct, problem};

const N_OTHERS: usize = 20;
const N_WORKERS: usize = 8;
const SLOTS: NonZeroU16 = NonZeroU16::new(4).expect("4 is above 0");
/// A pixel takes so long.
const PIXEL: Duration = Duration::from_millis(50);
/// Its first pixel is there within this time.
const FIRST_PIXEL: Duration = Duration::from_secs(2);
/// How much longer it may take than alone. A quiet machine needs a third of that.
const MOST_LONGER: f64 = 1.9;
const TOO_LONG: Duration = Duration::from_secs(60);

/// A scan, how long it took, and when its first pixel was there.
struct Timed {
    scanned: Scanned,
    took: Duration,
    first_pixel: Duration,
}

async fn scan(
    hub: Arc<dyn Transport>,
    finest: u32,
    priority: Priority,
    has_begun: Arc<Notify>,
) -> Result<Timed, Failed> {
    let rounds = [4, 8, 16].into_iter().filter(|&nside| nside <= finest);
    let rounds = rounds.map(Nside::try_from).collect::<Result<Vec<_>, _>>()?;
    let setup = ScanSetup {
        problem: problem(),
        priority,
        plan: Plan::new(Strategy::Zoom, rounds, 4.6)?,
        chunking: Chunking::USUAL,
        transport: hub,
        local: Vec::new(),
        fail_after: NonZeroU32::MIN.saturating_add(2),
        give_up: Some(TOO_LONG),
        deadline: None,
        journal: None,
        is_alone: false,
        patience: actors::PATIENCE,
    };
    let begun = Instant::now();
    let (progress, mut watched) = watch::channel(Progress::default());
    let first = async {
        let is_there = |progress: &Progress| progress.rounds.iter().any(|round| round.n_done > 0);
        // It ends only after the first pixel.
        let _told = watched.wait_for(is_there).await;
        has_begun.notify_one();
        begun.elapsed()
    };
    let (scanned, first_pixel) = tokio::join!(
        actors::scan(setup, progress, Arc::new(Notify::new())),
        first
    );
    Ok(Timed {
        scanned: scanned?,
        took: begun.elapsed(),
        first_pixel,
    })
}

#[expect(clippy::print_stdout, reason = "the figures are worth reading")]
async fn among_others(above: &str, below: &str) -> Result<(), Failed> {
    let hub = transport::open(above, &transport::Access::default())?;
    let links = transport::open(below, &transport::Access::default())?;
    let mut workers = Vec::new();
    for _ in 0..N_WORKERS {
        let config = WorkerConfig {
            slots: SLOTS,
            leases_per_slot: LEASES_PER_SLOT,
            recos: vec![Arc::new(Conduct::Good(PIXEL))],
        };
        workers.push(worker::start(links.as_ref(), config).await?);
    }
    let relaying = match above == below {
        true => None,
        false => {
            let upstream = transport::open(above, &transport::Access::default())?;
            let listen = transport::open(below, &transport::Access::default())?;
            let setup = RelaySetup::default();
            let running = relay::run(upstream, listen, setup, std::future::pending());
            Some(actix::spawn(running))
        }
    };
    let nobody = Arc::new(Notify::new());
    let urgent = |priority| scan(Arc::clone(&hub), 16, priority, Arc::clone(&nobody));
    // The first one waits for the workers, too.
    urgent(Priority::NORMAL).await?;
    let alone = urgent(Priority::NORMAL).await?;
    let has_begun = Arc::new(Notify::new());
    let others = (0..N_OTHERS).map(|_| {
        let hub = Arc::clone(&hub);
        actix::spawn(scan(hub, 8, Priority::NORMAL, Arc::clone(&has_begun)))
    });
    let others: Vec<_> = others.collect();
    has_begun.notified().await;
    let timed = urgent(Priority::URGENT).await?;
    let mut n_copies = 0;
    for other in join_all(others).await {
        let Timed { scanned, .. } = other??;
        let tasks = scanned.tasks;
        if !scanned.complete || tasks.lost > 0 || tasks.failed > 0 {
            return Err(format!("another scan suffered: {tasks:?}").into());
        }
        n_copies += tasks.speculated;
    }
    if let Some(relaying) = relaying {
        relaying.abort();
    }
    for (worker, _) in workers {
        worker.send(worker::LoseWorker).await?;
    }
    let times_longer = timed.took.as_secs_f64() / alone.took.as_secs_f64();
    let told = format!(
        "{:.2} s among {N_OTHERS} others, {:.2} s alone ({times_longer:.2}), first pixel after {:.2} s; {n_copies} \
         copies of the others",
        timed.took.as_secs_f64(),
        alone.took.as_secs_f64(),
        timed.first_pixel.as_secs_f64(),
    );
    let is_same = timed.scanned.map.sha256_hex() == alone.scanned.map.sha256_hex();
    if !is_same || times_longer > MOST_LONGER || timed.first_pixel > FIRST_PIXEL {
        return Err(told.into());
    }
    println!("{told}");
    Ok(())
}

pub(crate) fn urgent(above: &str, below: &str) -> Result<(), Failed> {
    actix::System::new().block_on(among_others(above, below))
}
