//! `skyscan submit`

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde_json::json;
use skyscan_service::scan::{Scan, ScanName, State};
use skyscan_service::settings::{Priority, Settings};
use ureq::http::{Method, StatusCode};

use super::{PATIENCE, ServerArguments, form, result, table};
use crate::cli::{FAILED, Failure, Format, INCOMPLETE, bad_input, failed, print, tell};

/// Longest event that is sent.
const MOST_BYTES: u64 = 64 << 20;

/// Bring an alert to a service
///
/// The same event with the same settings is the same scan: brought again it is answered with the scan that there is.
///
/// Exit codes: 0 taken, or with --wait done; 1 failed, 2 refused, 3 incomplete.
///
/// Example: skyscan submit alert.json --server http://scans.example:8080 --token-file token --wait
///
/// Example: skyscan submit --rescan 138632-31747601-0a1b2c3d --systematics quick
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Event file of any format that skyscan scan reads; - for standard input
    #[arg(value_name = "EVENT", required_unless_present = "rescan")]
    event: Option<PathBuf>,
    /// Scan the event of this scan again, with the settings given here
    #[arg(long, value_name = "SCAN", conflicts_with = "event")]
    rescan: Option<String>,
    /// Which scan gets workers first: background, normal or urgent, which takes the next free slot everywhere
    #[arg(long, value_name = "PRIORITY", default_value = "normal", value_parser = priority)]
    priority: Priority,
    /// Defaults by what the answer is for: pole, mma or archival
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    /// Reconstruction, as in skyscan scan
    #[arg(long, value_name = "NAME")]
    reco: Option<String>,
    /// HEALPix resolutions, coarse to fine
    #[arg(long, value_name = "NSIDES", value_delimiter = ',')]
    nside: Vec<u32>,
    /// Set of systematics: quick or full
    #[arg(long, value_name = "SET")]
    systematics: Option<String>,
    /// Containments of the regions in percent
    #[arg(long, value_name = "PERCENT,...", value_delimiter = ',')]
    levels: Vec<f64>,
    /// Event number, where the file holds several
    #[arg(long = "event", id = "event_id", value_name = "ID")]
    event_id: Option<u32>,
    /// Key of the pulse series
    #[arg(long, value_name = "KEY")]
    pulses: Option<String>,
    /// Wait for the end, and print what was found
    #[arg(long)]
    wait: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    server: ServerArguments,
}

fn priority(text: &str) -> Result<Priority, String> {
    let named = Priority::ALL.into_iter().find(|known| known.word() == text);
    named.ok_or_else(|| "write background, normal or urgent".to_owned())
}

impl Arguments {
    fn settings(&self) -> Settings {
        Settings {
            tier: self.tier.clone(),
            reco: self.reco.clone(),
            nside: self.nside.clone(),
            systematics: self.systematics.clone(),
            levels: self.levels.clone(),
            event: self.event_id,
            pulses: self.pulses.clone(),
        }
    }
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let service = arguments.server.service()?;
    let settings = arguments.settings();
    let written = |value: serde_json::Value| value.to_string();
    let (path, kind, body) = match (&arguments.event, &arguments.rescan) {
        (Some(event), _) => {
            let event = read(event).map_err(bad_input)?;
            let (kind, body) =
                form::form(&event, &written(json!(settings)), arguments.priority.word());
            ("scans".to_owned(), kind, body)
        }
        (None, Some(id)) => {
            let id = name(id)?;
            let asked = json!({"settings": settings, "priority": arguments.priority});
            let kind = "application/json".to_owned();
            (
                format!("scans/{id}/rescan"),
                kind,
                written(asked).into_bytes(),
            )
        }
        (None, None) => return Err(bad_input(anyhow!("give an event, or --rescan"))),
    };
    let answer = service.ask(Method::POST, &path, Some((&kind, body)), Some(4 * PATIENCE))?;
    let is_new = answer.status() == StatusCode::CREATED;
    let mut scan: Scan = service.json(answer)?;
    if arguments.wait {
        scan = service.wait(&scan.id)?;
        if matches!(scan.state, State::Done | State::Incomplete) {
            result::show(&service, &scan.id, arguments.format)?;
            return Ok(code(scan.state));
        }
    }
    told(&scan, arguments.format)?;
    if arguments.wait {
        return Ok(code(scan.state));
    }
    let known = match is_new {
        true => "",
        false => "it was there already; ",
    };
    tell(&format!(
        "submit: {known}skyscan watch {} shows how it goes",
        scan.id
    ));
    Ok(0)
}

/// Prints one scan.
pub(super) fn told(scan: &Scan, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => print(&serde_json::to_string(scan).map_err(failed)?),
        Format::Text => print(&table::of(std::slice::from_ref(scan))),
    }
}

/// What to leave with when a scan has ended so.
pub(super) fn code(state: State) -> u8 {
    match state {
        State::Done | State::Queued | State::Running => 0,
        State::Incomplete => INCOMPLETE,
        State::Failed | State::Cancelled => FAILED,
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shown = path.display();
    let reader: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?),
    };
    (reader.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(anyhow!(
            "{shown} has more than {MOST_BYTES} bytes, which no service takes"
        ));
    }
    Ok(bytes)
}

/// The name of a scan, as somebody types it.
pub(super) fn name(typed: &str) -> Result<ScanName, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match typed.chars().all(is_plain) && !typed.is_empty() {
        true => Ok(ScanName(typed.to_owned())),
        false => Err(bad_input(anyhow!(
            "{typed:?} is no name of a scan: skyscan status lists them"
        ))),
    }
}
