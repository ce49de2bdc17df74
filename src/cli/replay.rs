//! `skyscan replay`

mod check;
mod foreseen;
mod model;
mod teller;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tokio::sync::watch;
use tracing::subscriber::NoSubscriber;

use super::access::AccessArguments;
use super::interrupt::on_interrupt;
use super::metrics::MetricsArguments;
use super::runtime::{self, System};
use super::stderr::write_line as tell;
use super::{Failure, Format, INCOMPLETE, MISSED, bad_input, failed, print};
use crate::output::file::try_folder;
use crate::scenario;
use crate::scenario::report::glossary::GLOSSARY;
use crate::scenario::report::threshold::Threshold;
use crate::scenario::report::{self, table};
use crate::scenario::results::Report;
use crate::scenario::setup::Clock;
use crate::scenario::setup::change::Change;
use crate::scenario::setup::file::Scenario;
use crate::scenario::stage::stages::lacks_broker;
use crate::scenario::stage::watched::Watched;
use teller::Teller;

/// About the room that a report takes.
const REPORT_BYTES: usize = 1 << 20;

/// Replay scenarios: thousands of simulated workers on real transports, measured
///
/// Runs the actors and the transport of a scan with workers that sleep instead of computing, and
/// prints what that came to. Ctrl-C stops and keeps the points that are finished.
///
/// Scenarios in virtual time model the network. `--calibrate` measures what this machine's hub, broker and
/// links cost, `--calibration` puts that into such scenarios, and `--validate` replays a real scenario
/// beside what the model says of it.
///
/// Example: skyscan replay scenarios/mva-check.toml --out results
#[derive(Debug, clap::Args)]
#[command(after_long_help = words())]
pub(super) struct Arguments {
    /// What to replay (see scenarios/)
    #[arg(value_name = "SCENARIO", required_unless_present = "calibrate")]
    scenarios: Vec<PathBuf>,
    /// Folder for the reports: in NAME/ a page, charts, tables and everything as JSON
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A shrunk form of each point: under a minute for a scenario
    #[arg(long)]
    quick: bool,
    /// Set a value of the scenario, in all of its variants: a path in its file, and what stands there, for
    /// example fleet.workers=100 or 'sweep.workers=[10, 100]'
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Change>,
    /// Run each point so often, whatever the scenario says; from two on there are intervals
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    repeats: Option<u16>,
    /// Run nothing: say whether the scenarios make sense and this machine can hold them, how long they would
    /// take, and how much memory
    #[arg(long, conflicts_with_all = ["validate", "calibrate"])]
    check: bool,
    /// Leave with code 5 if a point meets this, or if nobody can tell, for example 'utilisation<0.95'
    #[arg(long, value_name = "CONDITION", conflicts_with_all = ["validate", "calibrate"])]
    fail_if: Vec<Threshold>,
    /// Meet here instead of where the scenario says, for example at a broker that runs already
    #[arg(long, value_name = "URL")]
    transport: Option<String>,
    /// Start no workers: wait for those that `skyscan fleet --scenario` is, elsewhere, and ask this
    /// Prometheus how they fare, which scrapes them as job "fleet" (see scenarios/compose)
    #[arg(long, value_name = "URL", requires = "transport")]
    watch_fleet: Option<String>,
    #[command(flatten)]
    model: model::ModelArguments,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let scenarios = arguments
        .scenarios
        .iter()
        .map(|path| read(path, &arguments.set))
        .collect::<Result<Vec<Scenario>, Failure>>()?;
    let mut scenarios = arguments.model.calibrated(scenarios)?;
    if arguments.quick {
        scenarios = scenarios.into_iter().map(Scenario::quick).collect();
    }
    if let Some(repeats) = arguments.repeats {
        for point in scenarios
            .iter_mut()
            .flat_map(|scenario| &mut scenario.points)
        {
            point.repeats = usize::from(repeats);
        }
    }
    if arguments.check {
        let planned = scenarios.iter().map(check::check);
        let planned = planned.collect::<Result<Vec<_>, Failure>>()?;
        match arguments.format {
            Format::Text => planned
                .iter()
                .try_for_each(|planned| print(&planned.to_string()))?,
            Format::Json => print(&serde_json::to_string(&planned).map_err(failed)?)?,
        }
        return Ok(0);
    }
    let lacks = match arguments.transport {
        Some(_) => None,
        None => scenarios.iter().find_map(lacks_broker),
    };
    if let Some(lacks) = lacks {
        return Err(bad_input(anyhow!(lacks)));
    }
    if let Some(out) = &arguments.out {
        // Now, not after all points.
        try_folder(out, REPORT_BYTES).map_err(failed)?;
    }
    let insecure = arguments.access.is_insecure();
    arguments.metrics.serve("replay", insecure)?;
    let (ask, stop) = watch::channel(false);
    on_interrupt(move || {
        ask.send_replace(true);
    })?;
    let replayed = |scenario: &Scenario| replayed(arguments, scenario, &stop);
    if let Some(file) = &arguments.model.calibrate {
        return model::calibrate(file, arguments.quick, replayed);
    }
    if let Some(file) = &arguments.model.validate {
        let measured = arguments.model.measured.as_deref();
        let out = arguments.out.as_deref();
        return model::validate(file, measured, &scenarios, out, arguments.format, replayed);
    }
    let mut reports: Vec<Report> = Vec::new();
    for scenario in &scenarios {
        reports.push(replayed(scenario)?);
        if *stop.borrow() {
            break;
        }
    }
    print(&match arguments.format {
        Format::Text => reports
            .iter()
            .map(|report| table::text(report, width()))
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Json => serde_json::to_string(&reports).map_err(failed)?,
    })?;
    let complete = reports.len() == scenarios.len() && reports.iter().all(|r| r.complete);
    if !complete {
        return Ok(INCOMPLETE);
    }
    let conditions = arguments.fail_if.iter();
    let missed: Vec<String> = conditions
        .flat_map(|condition| reports.iter().flat_map(|report| condition.missed(report)))
        .collect();
    for words in &missed {
        tell(words);
    }
    Ok(if missed.is_empty() { 0 } else { MISSED })
}

/// What the words of the table mean.
fn words() -> String {
    let mut text = "Words of the table:\n".to_owned();
    for (word, meaning) in GLOSSARY {
        text += &format!("  {word}: {meaning}\n");
    }
    text
}

/// Room for a table: the terminal's, if it goes to one.
fn width() -> usize {
    let terminal = console::Term::stdout();
    let size = terminal.size_checked().filter(|_| terminal.is_term());
    size.map_or(table::NARROW, |(_, columns)| usize::from(columns))
}

/// Replays one scenario, and writes its report if that is asked for.
fn replayed(
    arguments: &Arguments,
    scenario: &Scenario,
    stop: &watch::Receiver<bool>,
) -> Result<Report, Failure> {
    let place = (arguments.transport.clone(), arguments.access.access());
    tell(&format!("{}: {}", scenario.name, scenario.question));
    let teller = Teller::of(scenario);
    let watched = (arguments.watch_fleet.clone()).map(|url| Watched { url });
    let replaying = scenario::run::replay(scenario, place, watched, stop.clone(), |step| {
        teller.tell(step)
    });
    let report = {
        // Of simulated workers that are late in simulated time nobody is to be warned.
        let is_quiet =
            scenario.clock == Clock::Virtual && std::env::var_os("SKYSCAN_LOG").is_none();
        let _quiet = is_quiet.then(|| tracing::subscriber::set_default(NoSubscriber::new()));
        system(scenario.clock)?.block_on(replaying)
    };
    if let Some(out) = &arguments.out {
        let dir = out.join(&report.scenario);
        let files = report::write_all(&dir, &report).map_err(failed)?;
        tell(&format!("wrote {} files to {}", files.len(), dir.display()));
    }
    Ok(report)
}

/// A runtime for the actors. In virtual time its clock stands still while anything can be done, then
/// jumps; it is paused before it starts, so that timers fall on the same milliseconds every time.
pub(super) fn system(clock: Clock) -> Result<System, Failure> {
    match clock {
        Clock::Real => runtime::system(),
        Clock::Virtual => {
            let paused = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .map_err(failed)?;
            Ok(System::on(paused))
        }
    }
}

/// A scenario's file.
pub(super) fn read(path: &Path, changes: &[Change]) -> Result<Scenario, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| match error.kind() {
            ErrorKind::IsADirectory => anyhow!("it is a folder: name a scenario's file in it, *.toml"),
            ErrorKind::NotFound => anyhow!("there is no such file; a clone of skyscan has some in scenarios/"),
            _ => anyhow!(error),
        })
        .and_then(|text| match text.trim_start().starts_with('{') {
            true => Err(anyhow!(
                "it is JSON, and a scenario is TOML, such as those in scenarios/; an event is scanned by \
                 skyscan scan"
            )),
            false => Ok(Scenario::parse_changed(&text, changes)?),
        })
        .with_context(|| format!("cannot replay {}", path.display()))
        .map_err(bad_input)
}

/// The report of a replay before.
pub(super) fn read_report(path: &Path) -> Result<Report, Failure> {
    std::fs::read(path)
        .map_err(|error| anyhow!(error))
        .and_then(|text| Ok(serde_json::from_slice(&text)?))
        .with_context(|| format!("{} is no report of a replay", path.display()))
        .map_err(bad_input)
}
