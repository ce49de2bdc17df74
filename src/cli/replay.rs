//! `skyscan replay`

mod teller;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tokio::sync::watch;

use super::interrupt::on_interrupt;
use super::metrics::MetricsArguments;
use super::{Failure, Format, INCOMPLETE, bad_input, failed, print};
use crate::scenario;
use crate::scenario::file::Scenario;
use crate::scenario::report::{self, table};
use crate::scenario::results::Report;
use crate::scenario::setup::Clock;
use crate::scenario::watched::Watched;
use teller::Teller;

/// Replay scenarios: thousands of simulated workers on real transports, measured
///
/// Runs the actors and the transport of a scan with workers that sleep instead of computing, and
/// prints what that came to. Ctrl-C stops and keeps the points that are finished.
///
/// Example: skyscan replay scenarios/mva-check.toml --out results
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to replay (see scenarios/)
    #[arg(value_name = "SCENARIO", required = true)]
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
    /// Meet here instead of where the scenario says, for example at a broker that runs already
    #[arg(long, value_name = "URL")]
    transport: Option<String>,
    /// Start no workers: wait for those that `skyscan fleet --scenario` is, elsewhere, and ask this
    /// Prometheus how they fare, which scrapes them as job "fleet" (see scenarios/compose)
    #[arg(long, value_name = "URL", requires = "transport")]
    watch_fleet: Option<String>,
    #[command(flatten)]
    metrics: MetricsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let scenarios = arguments
        .scenarios
        .iter()
        .map(|path| read(path, arguments.quick))
        .collect::<Result<Vec<Scenario>, Failure>>()?;
    arguments.metrics.serve("replay")?;
    let (ask, stop) = watch::channel(false);
    on_interrupt(move || {
        ask.send_replace(true);
    })
    .map_err(failed)?;
    let mut reports: Vec<Report> = Vec::new();
    for scenario in &scenarios {
        let url = arguments.transport.clone();
        tell(&format!("{}: {}", scenario.name, scenario.question));
        let teller = Teller::default();
        let watched = (arguments.watch_fleet.clone()).map(|url| Watched { url });
        let replaying = scenario::replay(scenario, url, watched, stop.clone(), |step| {
            teller.tell(step)
        });
        let report = system(scenario.clock).block_on(replaying);
        if let Some(out) = &arguments.out {
            let dir = out.join(&report.scenario);
            let files = report::write_all(&dir, &report).map_err(failed)?;
            tell(&format!("wrote {} files to {}", files.len(), dir.display()));
        }
        reports.push(report);
        if *stop.borrow() {
            break;
        }
    }
    print(&match arguments.format {
        Format::Text => reports
            .iter()
            .map(table::text)
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Json => serde_json::to_string(&reports).map_err(failed)?,
    });
    let complete = reports.len() == scenarios.len() && reports.iter().all(|r| r.complete);
    Ok(if complete { 0 } else { INCOMPLETE })
}

/// A runtime for the actors. In virtual time its clock stands still while anything can be done, then
/// jumps; it is paused before it starts, so that timers fall on the same milliseconds every time.
fn system(clock: Clock) -> actix::SystemRunner {
    match clock {
        Clock::Real => actix::System::new(),
        Clock::Virtual => actix::System::with_tokio_rt(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime needs a few file descriptors")
        }),
    }
}

/// A scenario's file; its quick form if asked for.
pub(super) fn read(path: &Path, quick: bool) -> Result<Scenario, Failure> {
    let scenario = std::fs::read_to_string(path)
        .map_err(|error| anyhow!(error))
        .and_then(|text| Ok(Scenario::parse(&text)?))
        .with_context(|| format!("cannot replay {}", path.display()))
        .map_err(bad_input)?;
    Ok(if quick { scenario.quick() } else { scenario })
}

fn tell(line: &str) {
    #[expect(clippy::print_stderr, reason = "the command line talks to people")]
    {
        eprintln!("{line}");
    }
}
