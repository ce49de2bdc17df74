//! `skyscan estimate`

mod out;

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::sync::watch;

use super::external::{self, ExternalArguments};
use super::input::{self, DetectorArguments, EventArguments};
use super::interrupt::on_interrupt;
use super::number::from_one;
use super::place::cores;
use super::regions::RegionArguments;
use super::scan::{nside, processor_seconds, time};
use super::stderr::write_line;
use super::{Failure, Format, INCOMPLETE, MISSED, bad_input, failed, print, replay, runtime, tell};
use crate::estimate::answer::{Answer, Limits};
use crate::estimate::fleet::{self, Fleet, Profile, USUAL_CORES};
use crate::estimate::sample::{Sample, Sampler};
use crate::estimate::text;
use crate::estimate::work::Work;
use crate::output::{self, EventIdentity};
use crate::protocol::pack_problem;
use crate::reco::{self, Problem, Reco, StopFlag};
use crate::scan::{Plan, Strategy};
use crate::scenario;
use crate::scenario::run::step::Step;
use crate::scenario::setup::file::Scenario;
use crate::scenario::setup::{Clock, MOST_VIRTUAL_SLOTS};
use crate::sky::Nside;
use crate::sky::region::WILKS_90;
use out::Out;

/// How often a line tells how far it is.
const LINE_EVERY: Duration = Duration::from_secs(4);

/// Say what a zoom scan of an event will take, before it is run: pixels, core hours, time and dollars
///
/// Fits a sample of the event's pixels on this machine, to learn what one takes and how many there will be, then
/// runs the scan in virtual time on fleets: this machine, a cluster, and spot machines of three clouds, which come,
/// boot, are paid for and taken away as their profiles say. Tells when 50, 90 and 100 % of the pixels are done, each
/// with a 90 % interval. A core there is taken to be as fast as one here; docs/capacity.md says how good that is.
///
/// With --out the charts, the answer as JSON and each fleet as a scenario, which skyscan replay takes, are written.
/// Ctrl-C while fleets are run tells what is known by then, and which fleets are missing.
///
/// Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 stopped early or fleets are missing, 5 nothing meets
/// --deadline and --budget.
///
/// Example: skyscan estimate alert.json --deadline 10m --budget 50
///
/// Example: skyscan estimate alert.json --reco external --external-program 'python3 fit.py' --profile aws --out cost
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    event: EventArguments,
    #[command(flatten)]
    detector: DetectorArguments,
    /// Reconstruction that the scan will run: photon-mpe, pandel-mpe, segmented, cascade, linefit, or external
    /// with --external-program
    #[arg(long, value_name = "NAME", default_value = "photon-mpe")]
    reco: String,
    #[command(flatten)]
    external: ExternalArguments,
    /// HEALPix resolutions of the zoom, powers of two, coarse to fine [default: those of scan]
    #[arg(long, value_name = "NSIDES", value_delimiter = ',', value_parser = nside)]
    nside: Vec<Nside>,
    #[command(flatten)]
    regions: RegionArguments,
    /// Fleets to try: here, cluster, aws, google, azure, or a file with the tables of a scenario but its work, such as
    /// those that --out writes are made of [default: all that have a name]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    profile: Vec<String>,
    /// Sizes of the fleets in cores, up to 2000000; machines come whole [default: 16,64,256,1024]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = cores_of_a_fleet)]
    cores: Vec<NonZeroUsize>,
    /// Tell what is done within this time, such as 90s, 10m or 1h, since the fleet was asked for
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    deadline: Option<Duration>,
    /// Tell what is done for at most so many dollars
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    budget: Option<f64>,
    /// Folder for charts, JSON and the fleets as scenarios
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

fn cores_of_a_fleet(text: &str) -> Result<NonZeroUsize, String> {
    match from_one::<NonZeroUsize>(text)?.get() <= MOST_VIRTUAL_SLOTS {
        true => from_one(text),
        false => Err(format!("a fleet may have up to {MOST_VIRTUAL_SLOTS} cores")),
    }
}

fn dollars(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(dollars) if dollars >= 0.0 && dollars.is_finite() => Ok(dollars),
        _ => Err("not a number of dollars".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let profiles = arguments.profiles()?;
    let regions = arguments.regions.read()?;
    // Now, not after the sample.
    let out = arguments.out.as_deref().map(Out::tried);
    let out = out.transpose().map_err(failed)?;
    let detector = arguments.detector.read()?;
    let event = arguments.event.read(&detector)?;
    let is_strange = external::is_external(&arguments.reco);
    let reco: Arc<dyn Reco> = match is_strange {
        true => external::choose(
            &arguments.reco,
            arguments.external.meet(Some((&event, &detector)))?,
        )?,
        false if arguments.external.is_given() => {
            return Err(bad_input(anyhow!(
                "--external-program goes with --reco external"
            )));
        }
        false => input::reco(&arguments.reco)?,
    };
    let hit_doms = Some(output::hit_doms(&event));
    let level = regions
        .of_event(reco.name(), &detector.name, hit_doms)?
        .scan_level();
    let plan =
        Plan::of(Strategy::Zoom, &arguments.nside, is_strange, WILKS_90).map_err(bad_input)?;
    let problem = Problem {
        event,
        detector,
        reco: reco.name().to_owned(),
        systematics: None,
    };
    let identity = EventIdentity::from(&problem.event);
    let payload_bytes = pack_problem(&problem).len();
    let sizes: Vec<usize> = match arguments.cores.as_slice() {
        [] => USUAL_CORES.to_vec(),
        asked => asked.iter().map(|n| n.get()).collect(),
    };
    let of_event = format!("run {} event {}", identity.run_id, identity.event_id);
    let made = |profile: &Profile, work: &Work| {
        let text = profile.scenario(work, &sizes, payload_bytes, &of_event);
        let scenario = Profile::parse(&text)
            .with_context(|| format!("the profile {} makes no scenario", profile.name))
            .map_err(bad_input)?;
        Ok::<(String, Scenario), Failure>((text, scenario))
    };
    // Now, not after the sample: what stands for the work has no part in whether a fleet makes sense.
    let stand_in = Work::stand_in(plan.rounds());
    for profile in &profiles {
        made(profile, &stand_in)?;
    }
    let (ask, stop) = watch::channel(false);
    let stop_flag = StopFlag::default();
    let asked = stop_flag.clone();
    on_interrupt(move || {
        asked.stop();
        ask.send_replace(true);
    })?;
    let stand_in = is_strange.then(|| reco::built_in().swap_remove(0));
    let foreseen_with = stand_in.as_ref().map(|reco| reco.name().to_owned());
    let sampler = Sampler {
        problem: &problem,
        plan: plan.enclosing(level),
        reco,
        stand_in,
        slots: usize::from(cores().get()),
        spent: processor_seconds,
        stop: stop_flag,
    };
    let Some(sample) = sampled(&sampler, &stop)? else {
        return Ok(INCOMPLETE);
    };
    let work = Work::of(&sample, is_strange);
    let (mut scenarios, mut fleets, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for profile in &profiles {
        let (text, scenario) = made(profile, &work)?;
        let is_stopped = *stop.borrow();
        let run = match is_stopped {
            true => Vec::new(),
            false => replayed(&scenario, &stop)?,
        };
        missing.extend(fleet::missing(&scenario, &run));
        fleets.extend(run);
        scenarios.push((profile.name.as_str(), text));
    }
    if *stop.borrow() && !missing.is_empty() {
        tell("stopped: fleets that were not run to their end are missing");
    }
    let limits = Limits {
        deadline_s: arguments.deadline.map(|time| time.as_secs_f64()),
        budget: arguments.budget,
    };
    let answer = Answer::of(
        identity,
        problem.reco.clone(),
        foreseen_with,
        &work,
        (fleets, missing),
        limits,
    );
    let json = serde_json::to_string(&answer).map_err(failed)?;
    print(
        match arguments.format {
            Format::Text => text::text(&answer),
            Format::Json => json.clone(),
        }
        .as_str(),
    )?;
    if let (Some(out), Some(path)) = (&out, &arguments.out) {
        let n_files = out.write(&answer, &json, &scenarios).map_err(failed)?;
        tell(&format!("wrote {n_files} files to {}", path.display()));
    }
    Ok(match answer.is_met {
        _ if !answer.missing.is_empty() => INCOMPLETE,
        Some(false) => MISSED,
        _ => 0,
    })
}

impl Arguments {
    fn profiles(&self) -> Result<Vec<Profile>, Failure> {
        let here = usize::from(cores().get());
        if self.profile.is_empty() {
            return Profile::usual(here).map_err(failed);
        }
        Profile::choose(&self.profile, here).map_err(bad_input)
    }
}

/// Fits the sample; nothing if it was stopped.
fn sampled(sampler: &Sampler<'_>, stop: &watch::Receiver<bool>) -> Result<Option<Sample>, Failure> {
    let mut last_line = Instant::now();
    let told = |n_fitted: usize| {
        if last_line.elapsed() >= LINE_EVERY {
            last_line = Instant::now();
            write_line(&format!("{n_fitted} pixels fitted"));
        }
    };
    match runtime::system()?.block_on(sampler.run(told)) {
        Err(_) if *stop.borrow() => {
            tell("stopped before enough pixels were fitted to tell anything");
            Ok(None)
        }
        Err(error) => Err(bad_input(error)),
        Ok(sample) => Ok(Some(sample)),
    }
}

/// What a scan takes on the fleets of a scenario: those that were run to their end.
fn replayed(scenario: &Scenario, stop: &watch::Receiver<bool>) -> Result<Vec<Fleet>, Failure> {
    let name = &scenario.name;
    let place = (None, crate::transport::Access::default());
    let n_runs: usize = scenario.points.iter().map(|point| point.repeats).sum();
    let last_line = Cell::new(Instant::now());
    let n_ended = Cell::new(0);
    let replaying = scenario::run::replay(scenario, place, None, stop.clone(), |step| {
        if let Step::Ends(_) = step {
            n_ended.set(n_ended.get() + 1);
        }
        if last_line.get().elapsed() >= LINE_EVERY {
            last_line.set(Instant::now());
            write_line(&format!(
                "{name}: {} of {n_runs} scans in virtual time",
                n_ended.get()
            ));
        }
    });
    let system = replay::system(Clock::Virtual)?;
    // What a scanner of a fleet that is not there would log is of no use to anybody.
    let silent = tracing::subscriber::NoSubscriber::default();
    let report = tracing::subscriber::with_default(silent, || system.block_on(replaying));
    for remark in report.remarks.iter().skip(scenario.remarks.len()) {
        tell(&format!("{name}: {remark}"));
    }
    Ok(fleet::fleets(&report))
}
