//! One bad worker among ten, over every transport and behind a relay: whatever it does, the map is that
//! of a fleet without it.

use std::num::NonZeroU16;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use libtest_mimic::Failed;
use skyscan::actors::progress::Progress;
use skyscan::actors::relay::{self, RelaySetup};
use skyscan::actors::scanner::Scanned;
use skyscan::actors::worker::{self, LEASES_PER_SLOT, WorkerConfig};
use skyscan::actors::{self, ScanSetup};
use skyscan::event::detector::Detector;
use skyscan::reco::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use skyscan::scan::ledger::Chunking;
use skyscan::scan::{Plan, Strategy};
use skyscan::sky::Nside;
use skyscan::sky::map::{PixelFit, PixelOutcome};
use skyscan::synthetic::{Recipe, generate};
use skyscan::transport;
use skyscan_transport::Priority;
use tokio::sync::{Notify, watch};

const RECO: &str = "test";
const GOOD_WORKERS: usize = 9;
/// A pixel takes so long, so that every worker has its share.
const PIXEL: Duration = Duration::from_millis(5);
/// Longer than the shortest deadline, many times.
const TOO_LONG: Duration = Duration::from_secs(60);

/// What a worker does with its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// Takes so long for a pixel, and hardly any CPU.
    Good(Duration),
    Refuses,
    GivesNan,
    Crashes,
    Hangs,
    GivesTooFew,
}

const BAD: [Conduct; 5] = [
    Conduct::Refuses,
    Conduct::GivesNan,
    Conduct::Crashes,
    Conduct::Hangs,
    Conduct::GivesTooFew,
];

impl Reco for Conduct {
    fn name(&self) -> &str {
        RECO
    }

    fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(*self))
    }

    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(*self))
    }
}

impl Kernel for Conduct {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        _: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        Box::pin(async move {
            let fits = |llh: fn(&PixelRequest) -> f64| {
                let fit = move |request| fitted(llh(request));
                requests.iter().map(fit).collect::<Vec<PixelOutcome>>()
            };
            match *self {
                Self::Good(pixel) => {
                    tokio::time::sleep(pixel * requests.len() as u32).await;
                    Ok(fits(llh))
                }
                Self::Refuses => {
                    let refused = PixelOutcome::Failed("do not want".to_owned());
                    Ok(vec![refused; requests.len()])
                }
                Self::GivesNan => Ok(fits(|_| f64::NAN)),
                Self::Crashes => Err(KernelError::Panicked("out of memory".to_owned())),
                Self::Hangs => std::future::pending().await,
                Self::GivesTooFew => Ok(fits(llh).split_off(1)),
            }
        })
    }
}

fn llh(request: &PixelRequest) -> f64 {
    100.0 * request.direction.zenith_rad + request.direction.azimuth_rad
}

fn fitted(llh: f64) -> PixelOutcome {
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [0.0; 3],
        time_ns: 0.0,
        energy_inside_gev: None,
        energy_total_gev: None,
    })
}

pub(super) fn problem() -> Problem {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e4);
    Problem {
        event: generate(&detector, &recipe),
        detector,
        reco: RECO.to_owned(),
        systematics: None,
    }
}

/// Scans at one place with workers at the same or another one.
async fn scan(above: &str, below: &str, conducts: &[Conduct]) -> Result<Scanned, Failed> {
    let rounds = vec![Nside::try_from(4)?, Nside::try_from(8)?];
    let plan = Plan::new(Strategy::Zoom, rounds, 4.6)?;
    let hub = transport::open(above, &transport::Access::default())?;
    // In memory both ends are of one process, and so of one transport.
    let links = match above == "memory:" {
        true => Arc::clone(&hub),
        false => transport::open(below, &transport::Access::default())?,
    };
    let setup = ScanSetup {
        problem: problem(),
        priority: Priority::default(),
        plan,
        chunking: Chunking::USUAL,
        transport: hub,
        local: Vec::new(),
        fail_after: NonZeroU32::MIN.saturating_add(2),
        give_up: Some(TOO_LONG),
        deadline: None,
        journal: None,
        is_alone: false,
        patience: skyscan::actors::PATIENCE,
    };
    let mut workers = Vec::new();
    for conduct in conducts {
        let config = WorkerConfig {
            slots: NonZeroU16::MIN,
            leases_per_slot: LEASES_PER_SLOT,
            recos: vec![Arc::new(*conduct)],
        };
        workers.push(worker::start(links.as_ref(), config).await?);
    }
    let relaying = (above != below).then(|| {
        let upstream = transport::open(above, &transport::Access::default())?;
        let listen = transport::open(below, &transport::Access::default())?;
        let running = relay::run(
            upstream,
            listen,
            RelaySetup::default(),
            std::future::pending(),
        );
        Ok::<_, Failed>(actix::spawn(running))
    });
    let relaying = relaying.transpose()?;
    let (progress, _) = watch::channel(Progress::default());
    let scanned = actors::scan(setup, progress, Arc::new(Notify::new())).await?;
    if let Some(relaying) = relaying {
        relaying.abort();
    }
    for (worker, _) in workers {
        // A kernel that hangs is not waited for.
        worker.send(worker::LoseWorker).await?;
    }
    Ok(scanned)
}

pub(crate) fn one_bad(above: &str, below: &str) -> Result<(), Failed> {
    // One runtime for all of them: what a transport shares within a process lives as long as it.
    actix::System::new().block_on(each_bad(above, below))
}

async fn each_bad(above: &str, below: &str) -> Result<(), Failed> {
    let good = [Conduct::Good(PIXEL); GOOD_WORKERS];
    let expected = scan(above, below, &good).await?.map.sha256_hex();
    for conduct in BAD {
        let mut conducts = good.to_vec();
        conducts.insert(GOOD_WORKERS / 2, conduct);
        let scanned = scan(above, below, &conducts).await?;
        let tasks = scanned.tasks;
        if scanned.map.sha256_hex() != expected || !scanned.complete {
            return Err(format!("{conduct:?}: another map; {tasks:?}").into());
        }
        let was_seen = match conduct {
            Conduct::Hangs => tasks.speculated > 0,
            _ => tasks.failed > 0,
        };
        if !was_seen {
            return Err(format!("{conduct:?}: it did nothing; {tasks:?}").into());
        }
        // Nothing fails fast for ever.
        if tasks.failed > 100 {
            return Err(format!("{conduct:?}: it was not put aside; {tasks:?}").into());
        }
    }
    Ok(())
}
