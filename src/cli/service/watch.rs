//! `skyscan watch`

use std::io::BufRead;

use anyhow::{Context, anyhow};
use serde_json::Value;
use skyscan_service::scan::{self, Contour, Progress, Scan, ScanName};

use super::submit::{code, name, told};
use super::{ServerArguments, Service, Standing, result};
use crate::actors::progress;
use crate::cli::progress::{Telling, View};
use crate::cli::{Failure, Format, failed, tell};
use crate::sky::Nside;

/// Watch a scan of a service as one of your own, to its end
///
/// Ctrl-C ends the watching, not the scan. Exit codes: 0 done, 1 failed or cancelled, 2 no such scan, 3 incomplete.
///
/// Example: skyscan watch 138632-31747601-0a1b2c3d
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The scan
    #[arg(value_name = "SCAN")]
    scan: String,
    /// What is told on stderr meanwhile
    #[arg(long, value_enum, value_name = "FORM", default_value = "auto")]
    progress: Telling,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    server: ServerArguments,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let service = arguments.server.service()?;
    let id = name(&arguments.scan)?;
    let scan = watched(&service, &id, arguments.progress.view().as_mut())?;
    match scan.state {
        scan::State::Done | scan::State::Incomplete => {
            result::show(&service, &id, arguments.format)?
        }
        _ => told(&scan, arguments.format)?,
    }
    Ok(code(scan.state))
}

/// Shows a scan until it has ended.
fn watched(service: &Service, id: &ScanName, view: &mut dyn View) -> Result<Scan, Failure> {
    let standing: Standing = service.get(&format!("scans/{id}"))?;
    let mut scan = standing.scan;
    if let Some(contour) = &standing.contour {
        tell(&known(contour));
    }
    if let Some(progress) = &standing.progress {
        view.update(&shown(progress));
    }
    while !scan.state.is_end() {
        let events = || service.stream(&format!("scans/{id}/events"));
        let lines = service.patiently(events)?.lines();
        let (mut event, mut body) = (String::new(), String::new());
        for line in lines {
            let Ok(line) = line else { break };
            match line
                .split_once(':')
                .map(|(field, value)| (field, value.trim_start()))
            {
                Some(("event", value)) => event = value.to_owned(),
                Some(("data", value)) => body += value,
                // A blank line ends an event.
                None if !body.is_empty() => {
                    hear(&event, &body, view, &mut scan)?;
                    (event, body) = Default::default();
                }
                _ => {}
            }
            if scan.state.is_end() {
                break;
            }
        }
    }
    view.finish();
    Ok(scan)
}

fn hear(event: &str, body: &str, view: &mut dyn View, scan: &mut Scan) -> Result<(), Failure> {
    let read = |what| {
        let words = format!("the service says of a {what} what is not understood");
        anyhow!(words)
    };
    let value: Value = serde_json::from_str(body)
        .context(read("scan"))
        .map_err(failed)?;
    match event {
        "progress" => {
            let progress = serde_json::from_value(value)
                .context(read("progress"))
                .map_err(failed)?;
            view.update(&shown(&progress));
        }
        "contour" => {
            let contour = serde_json::from_value(value)
                .context(read("contour"))
                .map_err(failed)?;
            tell(&known(&contour));
        }
        "state" => {
            *scan = serde_json::from_value(value)
                .context(read("state"))
                .map_err(failed)?
        }
        // A later version may say more.
        _ => {}
    }
    Ok(())
}

/// What is known of the source, in a line.
fn known(contour: &Contour) -> String {
    let best = contour.best;
    let region = contour.regions.last();
    let size = region.map_or_else(String::new, |region| {
        format!(
            ", {:.0} % region {}",
            100.0 * region.containment,
            crate::output::summary::area(region.area_deg2)
        )
    });
    let how = match contour.is_stable {
        true => "stable",
        false => "preliminary",
    };
    format!(
        "{how}: RA {:.2} Dec {:+.2} deg at nside {}{size}",
        best.ra_deg, best.dec_deg, contour.nside
    )
}

/// The progress as scans of this process have it.
fn shown(told: &Progress) -> progress::Progress {
    let round = |round: &scan::Round| {
        Some(progress::RoundProgress {
            name: progress::RoundName {
                is_systematic: round.is_systematic,
                nside: Nside::try_from(round.nside).ok()?,
            },
            n_done: round.n_done,
            n_planned: round.n_planned,
        })
    };
    progress::Progress {
        rounds: told.rounds.iter().filter_map(round).collect(),
        n_out: told.n_out,
        n_waiting: told.n_waiting,
        n_slots: told.n_slots,
        ..progress::Progress::default()
    }
}
