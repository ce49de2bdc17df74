//! `skyscan scan`

mod answer;
mod concluding;
mod found;
mod kept;
mod several;
pub(super) mod systematics;
pub(super) mod tier;
pub(super) mod time;
mod watcher;

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;
use skyscan_transport::{Priority, Transport};
use tokio::sync::{Notify, watch};

use super::access::AccessArguments;
use super::attendance;
use super::direction::{self, MarkArguments};
use super::external::{self, ExternalArguments};
use super::input::{self, DetectorArguments, EventArguments, EventChoice};
use super::log::LogArguments;
use super::metrics::MetricsArguments;
use super::number::from_one;
use super::place::PlaceArguments;
use super::progress::{Telling, View};
use super::regions::{RegionArguments, Regions};
use super::{Failure, Format, bad_input, failed, runtime, tell};
use crate::actors::attendance::Attended;
use crate::actors::progress::Progress;
use crate::actors::scanner::Scanned;
use crate::actors::worker::{LEASES_PER_SLOT, WorkerConfig};
use crate::actors::{self, ScanSetup};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::journal::Asked;
use crate::output::Drafts;
use crate::output::timeline::Timeline;
use crate::reco::Reco;
use crate::scan::ledger::Chunking;
use crate::scan::plan::Disc;
use crate::scan::{Plan, Strategy, Variations};
use crate::sky::Nside;
use crate::sky::direction::Direction;
use crate::sky::region::WILKS_90;
use crate::transport;
pub(super) use answer::{Begun, Call, Stop, processor_seconds};
pub(super) use concluding::tell_failed;
pub(super) use found::{complete_rounds, doubts};
pub(super) use kept::Kept;
use tier::Tier;
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
/// With --out, every accepted pixel is in a journal before its worker is told so: --resume goes on from
/// there after whatever happened. A finished scan of the same event and settings is not repeated, only its
/// files are written again.
///
/// Exit codes: 0 done, 1 failed, also if any file or the answer could not be written, 2 usage or bad
/// input, 3 incomplete. With several events it is that of the worst: 1 before 2 before 3.
///
/// Example: skyscan scan alert.json --out results
///
/// Example: skyscan scan alert.json demo/event.json --format json
///
/// Example: skyscan scan --resume results
///
/// Example: skyscan scan alert.json --systematics quick
///
/// Example: skyscan scan alert.json --tier pole
///
/// Example: skyscan scan alert.json --strategy direct --nside 256 --near 138.6,0.1 --within 5
///
/// Example: skyscan scan alert.json --reco external --external-program 'python3 fit.py'
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Alert JSON or pickle, scanner startup.json, .i3 (plain, .gz, .bz2, .zst) or skyscan's own
    /// event JSON; - for standard input. Several are scanned one after the other
    #[arg(value_name = "EVENT", required_unless_present = "resume")]
    events: Vec<PathBuf>,
    #[command(flatten)]
    choice: EventChoice,
    /// Go on with the unfinished scan of a journal, or of a folder that was its --out; no event is
    /// needed. --transport and --workers may be others than before
    #[arg(long, value_name = "PATH", conflicts_with_all = ASKED_BEFORE)]
    resume: Option<PathBuf>,
    #[command(flatten)]
    detector: DetectorArguments,
    /// Other defaults of reconstruction, resolutions, regions and systematics, by what the answer is for. Says which
    /// options it stands for; any of them that is given wins (docs/validation.md)
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Reconstruction that is run in every pixel: photon-mpe, pandel-mpe, segmented (also how much light came:
    /// energies, 0.3 s a pixel), cascade (a shower with no track, no direction), linefit (at once, off by degrees),
    /// auto (segmented for HESE streams and above 50 TeV, else photon-mpe: what was chosen stands in every result),
    /// external with --external-program, or external:NAME for workers elsewhere whose program has that name
    #[arg(long, value_name = "NAME", default_value = "photon-mpe")]
    reco: String,
    #[command(flatten)]
    external: ExternalArguments,
    /// zoom: coarse first, then finer where the source may be; direct: one resolution at once
    #[arg(long, value_enum, default_value = "zoom")]
    strategy: StrategyName,
    /// HEALPix resolutions, powers of two, coarse to fine [default: 4 to 512 by steps of two, as far as it takes
    /// to resolve the region; of external programs 8,64,512; direct: 64]
    #[arg(long, value_name = "NSIDES", value_delimiter = ',', value_parser = nside)]
    nside: Vec<Nside>,
    /// Direct scans: only the sky around this direction: RA,DEC in degrees or sexagesimal
    /// (14h57m53s,+41d06m48s or 14:57:53,+41:06:48), gal:L,B in degrees, or seed:NAME for a guess of the
    /// event (see event show)
    #[arg(
        long,
        value_name = "DIRECTION",
        requires = "within",
        allow_hyphen_values = true
    )]
    near: Option<Direction>,
    /// Direct scans: how far around --near, in degrees
    #[arg(long, value_name = "DEG", value_parser = degrees, requires = "near")]
    within: Option<f64>,
    /// Begin fits at positions around each start, too, as IceCube's scanner does: point, none beside it; octahedron,
    /// six 20 m away; cylinder, six 150 m to the side and 40 m ahead and behind. No event is known to need it
    /// (docs/likelihood.md)
    #[arg(long, value_name = "FORM", value_parser = variations, default_value = "point")]
    variations: Variations,
    #[command(flatten)]
    regions: RegionArguments,
    /// Scan the part of the sky that matters again under other ice, holes and timing, and average the probability
    /// over them: quick, 7 cases, each effect for itself; full, 100 drawn from what is published of the ice; or a
    /// file of such a set (docs/systematics.md)
    #[arg(long, value_name = "SET")]
    systematics: Option<String>,
    #[command(flatten)]
    marks: MarkArguments,
    #[command(flatten)]
    place: PlaceArguments,
    /// Pixels per task [default: as many as take half a second]
    #[arg(long, value_name = "PIXELS", value_parser = from_one::<NonZeroUsize>)]
    chunk: Option<NonZeroUsize>,
    /// A pixel fails for good after failures at so many different workers, or as many attempts where
    /// there are fewer [default: 3; with --resume: as before]
    #[arg(long, value_name = "N", value_parser = from_one::<NonZeroU32>)]
    fail_after: Option<NonZeroU32>,
    /// End with what there is (code 3) if no pixel is done for so many seconds [default: wait]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    give_up: Option<Duration>,
    /// End with the best answer so far (code 3) after so long, such as 90s, 10m or 1h; --resume goes on
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    deadline: Option<Duration>,
    /// Folder for result files, plots and the journal; with several events, a folder for each is made in
    /// it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the journal, from which --resume goes on, in this file [default: in --out]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Name every file that was written, not only how many
    #[arg(long, requires = "out")]
    list_files: bool,
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
    access: AccessArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// What a journal knows already.
const ASKED_BEFORE: [&str; 15] = [
    "events",
    "event",
    "pulses",
    "detector",
    "tier",
    "reco",
    "strategy",
    "nside",
    "variations",
    "near",
    "within",
    "regions",
    "levels",
    "systematics",
    "journal",
];
/// At so many different workers a pixel fails for good, unless said otherwise.
const FAIL_AFTER: NonZeroU32 = NonZeroU32::new(3).expect("3 is above 0");

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

fn variations(text: &str) -> Result<Variations, String> {
    let known = Variations::ALL.into_iter();
    let named = known.clone().find(|known| known.name() == text);
    let names: Vec<&str> = known.map(Variations::name).collect();
    named.ok_or_else(|| format!("write one of {}", names.join(", ")))
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

impl Arguments {
    /// Which event of the file is meant.
    pub(super) fn choice(&self) -> EventChoice {
        self.choice.clone()
    }

    /// Which regions are made; reads the file that says so, if there is one.
    pub(super) fn regions(&self) -> Result<Regions, Failure> {
        self.regions.read()
    }

    /// How the sky is searched, for an event and its detector; without one, whether that can be said.
    fn plan(&self, seen: Option<(&Event, &Detector)>) -> Result<Plan, Failure> {
        let disc = match (&self.near, self.within) {
            (Some(near), Some(within)) => Some(Disc {
                center: direction::resolve(near, seen)?,
                radius_rad: within.to_radians(),
            }),
            _ => None,
        };
        let strategy = match (self.strategy, disc) {
            (StrategyName::Zoom, None) => Strategy::Zoom,
            (StrategyName::Zoom, Some(_)) => {
                return Err(bad_input(anyhow!(
                    "--near and --within go with --strategy direct"
                )));
            }
            (StrategyName::Direct, within) => Strategy::Direct { within },
        };
        let is_strange = external::is_external(&self.reco);
        let plan = Plan::of(strategy, &self.nside, is_strange, WILKS_90).map_err(bad_input)?;
        Ok(plan.varying(self.variations))
    }

    /// The reconstruction of this name, and its own; only that if others run it.
    fn reco(
        &self,
        named: &str,
        slots: u16,
        event: &Event,
        detector: &Detector,
    ) -> Result<(String, Option<Arc<dyn Reco>>), Failure> {
        let reco = match external::is_external(named) {
            false if self.external.is_given() => {
                return Err(bad_input(anyhow!(
                    "--external-program goes with --reco external"
                )));
            }
            false => input::reco(named)?,
            true => match self.external.meet(Some((event, detector)))? {
                None if slots == 0 => return Ok((external::named(named)?, None)),
                met => external::choose(named, met)?,
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
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let regions = arguments.regions.read()?;
    // What is wrong whatever the event is told before anything is read.
    if arguments.resume.is_none() && !matches!(arguments.near, Some(Direction::Seed(_))) {
        arguments.plan(None)?;
    }
    let slots = arguments.place.slots()?;
    let detector = arguments.detector.read()?;
    arguments
        .metrics
        .serve("scan", arguments.access.is_insecure())?;
    let call = Call {
        arguments,
        regions,
        detector,
        slots,
        is_alone: true,
        priority: Priority::default(),
        chunking: arguments.chunk.map_or(Chunking::USUAL, Chunking::Fixed),
        transport: reached(arguments)?,
    };
    let out = |_: &_| arguments.out.clone();
    if let Some(path) = &arguments.resume {
        let journal = kept::find(path)?;
        return Ok(call.go_on(&journal, &mut None)?.code);
    }
    let event = |path: &PathBuf| EventArguments::of(path.clone(), arguments.choice.clone());
    let events: Vec<EventArguments> = arguments.events.iter().map(event).collect();
    match &events[..] {
        [event] => Ok(call.answer(event, out, &mut None)?.code),
        _ if arguments.journal.is_some() => Err(bad_input(anyhow!(
            "--journal names one file, and there are several events: with --out each has a journal"
        ))),
        _ => call.answer_each(&events),
    }
}

impl Call<'_> {
    fn setup(&self, asked: &Asked, reco: Option<Arc<dyn Reco>>) -> Result<ScanSetup, Failure> {
        let arguments = self.arguments;
        let worker = |slots| WorkerConfig {
            slots,
            leases_per_slot: LEASES_PER_SLOT,
            recos: reco.into_iter().collect(),
        };
        Ok(ScanSetup {
            problem: asked.problem.clone(),
            priority: self.priority,
            plan: asked.plan.clone(),
            chunking: self.chunking,
            transport: Arc::clone(&self.transport),
            local: NonZeroU16::new(self.slots)
                .map(worker)
                .into_iter()
                .collect(),
            fail_after: arguments.fail_after.unwrap_or(asked.fail_after),
            give_up: arguments.give_up,
            deadline: None,
            patience: match transport::is_local(&arguments.place.transport) {
                true => Duration::ZERO,
                false => actors::PATIENCE,
            },
            journal: None,
            is_alone: self.is_alone,
        })
    }
}

/// The place of all scans of a call. Where workers from elsewhere come and go, a book is kept of them, and
/// it is said where they are waited for.
fn reached(arguments: &Arguments) -> Result<Arc<dyn Transport>, Failure> {
    let transport = transport::open(&arguments.place.transport, &arguments.access.access())
        .map_err(bad_input)?;
    if transport::is_local(&arguments.place.transport) {
        return Ok(transport);
    }
    let is_quiet = arguments.progress == Telling::None;
    // Who hears that there is a scan may ask it at once (SIGUSR1), which would end it if nothing were there to answer.
    let book = attendance::book("scan", is_quiet)?;
    if !is_quiet {
        let way = arguments.place.way_for_workers(&arguments.access);
        tell(&format!("scan: {way}"));
    }
    Ok(Attended::around(transport, book))
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
