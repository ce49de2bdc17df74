//! `skyscan scan`

mod answer;
mod found;
mod several;
mod watcher;

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;
use tokio::sync::{Notify, watch};

use super::external::{self, ExternalArguments};
use super::input::{self, DetectorArguments, EventArguments};
use super::metrics::MetricsArguments;
use super::progress::{Telling, View};
use super::regions::RegionArguments;
use super::{Failure, Format, bad_input, failed, runtime};
use crate::actors::progress::Progress;
use crate::actors::scanner::Scanned;
use crate::actors::worker::{LEASES_PER_SLOT, WorkerConfig};
use crate::actors::{self, ScanSetup};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::output::Drafts;
use crate::output::timeline::Timeline;
use crate::reco::{Problem, Reco};
use crate::scan::ledger::Chunking;
use crate::scan::plan::Disc;
use crate::scan::{Plan, Strategy};
use crate::sky::region::WILKS_90;
use crate::sky::{Equatorial, Nside};
use crate::transport;
use answer::Call;
pub(super) use answer::tell_failed;
use watcher::Interims;

/// Scan the sky for the source of an event
///
/// Prints the best direction with its 50 % and 90 % regions, then how many files it wrote; as JSON, one
/// object at the end. Of several events one after the other is scanned: in JSON a line each, in text a
/// table at the end. Ctrl-C or SIGTERM stops with what there is, a second one at once.
///
/// A region that reaches sky which was not scanned is open: the source may lie outside of it. That is
/// told in every result and file, and no draft of a notice is written. What else makes an answer
/// doubtful stands beside it.
///
/// Exit codes: 0 done, 1 failed, also if any file or the answer could not be written, 2 usage or bad
/// input, 3 incomplete. With several events it is that of the worst: 1 before 2 before 3.
///
/// Example: skyscan scan alert.json --out results
///
/// Example: skyscan scan alert.json demo/event.json --format json
///
/// Example: skyscan scan alert.json --strategy direct --nside 256 --near 138.6,0.1 --within 5
///
/// Example: skyscan scan alert.json --reco external --external-program 'python3 fit.py'
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    event: EventArguments,
    /// Further events, scanned one after the other
    #[arg(value_name = "MORE")]
    more: Vec<PathBuf>,
    #[command(flatten)]
    detector: DetectorArguments,
    /// Reconstruction that is run in every pixel: pandel-mpe, external with --external-program, or
    /// external:NAME for workers elsewhere whose program has that name
    #[arg(long, value_name = "NAME", default_value = "pandel-mpe")]
    reco: String,
    #[command(flatten)]
    external: ExternalArguments,
    /// zoom: coarse first, then finer where the source may be; direct: one resolution at once
    #[arg(long, value_enum, default_value = "zoom")]
    strategy: StrategyName,
    /// HEALPix resolutions, powers of two, coarse to fine [default: 8,64,512; direct: 64]
    #[arg(long, value_name = "NSIDES", value_delimiter = ',', value_parser = nside)]
    nside: Vec<Nside>,
    /// Direct scans: only the sky around this direction, in degrees
    #[arg(long, value_name = "RA,DEC", value_parser = direction, requires = "within",
          allow_hyphen_values = true)]
    near: Option<Equatorial>,
    /// Direct scans: how far around --near, in degrees
    #[arg(long, value_name = "DEG", value_parser = degrees, requires = "near")]
    within: Option<f64>,
    #[command(flatten)]
    regions: RegionArguments,
    /// Where Scanner and Workers meet: memory:, zmq://HOST:PORT, zmq+ipc:///PATH,
    /// amqp://USER@HOST:PORT/VHOST (password in SKYSCAN_AMQP_PASSWORD or _PASSWORD_FILE)
    #[arg(
        long,
        value_name = "URL",
        default_value = "memory:",
        env = "SKYSCAN_TRANSPORT",
        hide_env_values = true
    )]
    transport: String,
    /// Tasks evaluated at once in this process; 0: only by workers elsewhere [default: the number of
    /// cores]
    #[arg(long, value_name = "N")]
    workers: Option<u16>,
    /// Pixels per task [default: as many as take half a second]
    #[arg(long, value_name = "PIXELS")]
    chunk: Option<NonZeroUsize>,
    /// A pixel fails for good after failures at so many different workers, or as many attempts where
    /// there are fewer
    #[arg(long, value_name = "N", default_value = "3")]
    fail_after: NonZeroU32,
    /// End with what there is (code 3) if no pixel is done for so many seconds [default: wait]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    give_up: Option<Duration>,
    /// Folder for result files and plots; with several events, a folder for each is made in it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the draft of a notice even if a region is open
    #[arg(long, requires = "out")]
    draft_open: bool,
    /// What is told on stderr meanwhile: bars or lines, JSON lines for programs, or nothing
    #[arg(long, value_enum, value_name = "FORM", default_value = "auto")]
    progress: Telling,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    metrics: MetricsArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyName {
    Zoom,
    Direct,
}

pub(super) fn nside(text: &str) -> Result<Nside, String> {
    let number: u32 = text
        .trim()
        .parse()
        .map_err(|_| format!("{text:?} is not a number"))?;
    Nside::try_from(number).map_err(|error| error.to_string())
}

fn degrees(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(angle) if angle > 0.0 && angle <= 180.0 => Ok(angle),
        _ => Err("not an angle between 0 and 180 degrees".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "not a number of seconds above 0".to_owned())
}

fn direction(text: &str) -> Result<Equatorial, String> {
    let angles = text.split_once(',').and_then(|(ra, dec)| {
        Some((
            ra.trim().parse::<f64>().ok()?,
            dec.trim().parse::<f64>().ok()?,
        ))
    });
    match angles {
        Some((ra, dec)) if ra.is_finite() && dec.abs() <= 90.0 => Ok(Equatorial {
            ra_rad: ra.rem_euclid(360.0).to_radians(),
            dec_rad: dec.to_radians(),
        }),
        _ => Err("write RA,DEC in degrees, for example 138.6,-0.1".to_owned()),
    }
}

impl Arguments {
    fn plan(&self) -> Result<Plan, Failure> {
        let default: &[u32] = match self.strategy {
            StrategyName::Zoom => &[8, 64, 512],
            StrategyName::Direct => &[64],
        };
        let rounds = match self.nside.as_slice() {
            [] => default
                .iter()
                .copied()
                .filter_map(|n| Nside::try_from(n).ok())
                .collect(),
            chosen => chosen.to_vec(),
        };
        let disc = self.near.zip(self.within).map(|(center, within)| Disc {
            center,
            radius_rad: within.to_radians(),
        });
        let strategy = match (self.strategy, disc) {
            (StrategyName::Zoom, None) => Strategy::Zoom,
            (StrategyName::Zoom, Some(_)) => {
                return Err(bad_input(anyhow!(
                    "--near and --within go with --strategy direct"
                )));
            }
            (StrategyName::Direct, within) => Strategy::Direct { within },
        };
        Plan::new(strategy, rounds, WILKS_90).map_err(bad_input)
    }

    /// The reconstruction, and its name; only the name if others run it.
    fn reco(
        &self,
        slots: u16,
        event: &Event,
        detector: &Detector,
    ) -> Result<(String, Option<Arc<dyn Reco>>), Failure> {
        let reco = match external::is_external(&self.reco) {
            false if self.external.is_given() => {
                return Err(bad_input(anyhow!(
                    "--external-program goes with --reco external"
                )));
            }
            false => input::reco(&self.reco)?,
            true => match self.external.meet(Some((event, detector)))? {
                None if slots == 0 => return Ok((external::named(&self.reco)?, None)),
                met => external::choose(&self.reco, met)?,
            },
        };
        Ok((reco.name().to_owned(), Some(reco)))
    }

    fn drafts(&self) -> Drafts {
        match self.draft_open {
            true => Drafts::Always,
            false => Drafts::OfClosedRegions,
        }
    }

    fn slots(&self) -> u16 {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.workers
            .unwrap_or_else(|| u16::try_from(cores).unwrap_or(u16::MAX))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let plan = arguments.plan()?;
    let slots = arguments.slots();
    if slots == 0 && transport::is_local(&arguments.transport) {
        return Err(bad_input(anyhow!(
            "--workers 0 needs a transport that other processes can reach, zmq:// or amqp://"
        )));
    }
    let detector = arguments.detector.read()?;
    arguments.metrics.serve("scan")?;
    let call = Call {
        arguments,
        plan,
        regions: arguments.regions.read()?,
        detector,
        slots,
    };
    let event = &arguments.event;
    if arguments.more.is_empty() {
        let folder = |_: &_| arguments.out.clone();
        return Ok(call.answer(event, folder, &mut None)?.code);
    }
    let more = arguments.more.iter().map(|path| event.at(path));
    let events: Vec<EventArguments> = std::iter::once(event.clone()).chain(more).collect();
    call.answer_each(&events)
}

impl Call<'_> {
    fn setup(
        &self,
        problem: &Problem,
        plan: &Plan,
        reco: Option<Arc<dyn Reco>>,
    ) -> Result<ScanSetup, Failure> {
        let arguments = self.arguments;
        let worker = |slots| WorkerConfig {
            slots,
            leases_per_slot: LEASES_PER_SLOT,
            recos: reco.into_iter().collect(),
        };
        Ok(ScanSetup {
            problem: problem.clone(),
            plan: plan.clone(),
            chunking: arguments.chunk.map_or(Chunking::Adaptive, Chunking::Fixed),
            transport: transport::open(&arguments.transport).map_err(bad_input)?,
            local: NonZeroU16::new(self.slots)
                .map(worker)
                .into_iter()
                .collect(),
            fail_after: arguments.fail_after,
            give_up: arguments.give_up,
            patience: match transport::is_local(&arguments.transport) {
                true => Duration::ZERO,
                false => actors::PATIENCE,
            },
        })
    }
}

/// Runs the actors of this process until the scan has ended; `stop` ends it early.
fn run_actors(
    setup: ScanSetup,
    view: Box<dyn View>,
    interims: Interims,
    stop: Arc<Notify>,
) -> Result<(Scanned, Timeline), Failure> {
    let slots = setup.local.iter().map(|worker| worker.slots).max();
    let system = runtime::system_for(slots.unwrap_or(NonZeroU16::MIN))?;
    let (scanned, timeline) = system.block_on(async move {
        let (sender, receiver) = watch::channel(Progress::default());
        let watched = actix::spawn(watcher::watch(receiver, view, interims));
        let scanned = actors::scan(setup, sender, stop).await;
        if scanned.is_err() {
            // Whoever still tells of progress is not waited for.
            watched.abort();
        }
        (scanned, watched.await)
    });
    Ok((scanned.map_err(failed)?, timeline.map_err(failed)?))
}
