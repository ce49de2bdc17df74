//! Odd inputs of every kind, given to the program itself: each is read, or told in one clear line, fast
//! and without much memory.

mod bombs;
mod detectors;
mod events;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::real;
use super::scratch::Scratch;
use crate::needs::Check;

/// Seconds on a core, and kilobytes, that any of them may take.
const LIMITS: &str = "ulimit -t 2; ulimit -d 204800; exec \"$0\" \"$@\"";

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    [events::checks(), detectors::checks(), bombs::checks()].concat()
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases")
}

/// Every file of the folder, and every real one.
pub(crate) fn shared() -> Result<(), Failed> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [folder(), real::folder()] {
        if folder.is_dir() {
            let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
            files.extend(entries.collect::<Result<Vec<_>, _>>()?);
        }
    }
    let is_input = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str());
        path.is_file() && !matches!(end, Some("py" | "md"))
    };
    files.retain(is_input);
    files.sort();
    assert!(files.len() > 40, "{} files only", files.len());
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let path = path.to_str().ok_or("a strange path")?;
        let commands: &[&[&str]] = if name.starts_with("map-") {
            &[&["map", "show", path]]
        } else if name.starts_with("det-") {
            &[&["event", "show", "demo/event.json", "--detector", path]]
        } else {
            &[&["event", "show", path], &["event", "show", path, "--list"]]
        };
        for command in commands {
            read_or_told(&limited(command)?).map_err(|what| format!("{name}: {what}"))?;
        }
    }
    Ok(())
}

fn limited(arguments: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new("sh")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-c", LIMITS, env!("CARGO_BIN_EXE_skyscan")])
        .args(arguments)
        .output()?)
}

/// Either a result, or one line that says why not.
fn read_or_told(output: &Output) -> Result<String, String> {
    let (told, error) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    let harmful = |text: &str| text.contains(|c: char| c.is_control() && c != '\n');
    if harmful(&told) || harmful(&error) {
        return Err(format!("control characters in {told:?} or {error:?}"));
    }
    match output.status.code() {
        Some(0) if !told.is_empty() => Ok(told),
        Some(2)
            if told.is_empty() && error.starts_with("skyscan: ") && error.lines().count() == 1 =>
        {
            Ok(error)
        }
        code => Err(format!("exit code {code:?}, {told:?}, {error:?}")),
    }
}

/// What the program says of a file; the arguments hold it where `@` stands.
fn told(arguments: &[&str], bytes: &[u8]) -> Result<Output, Failed> {
    let file = Scratch::new(bytes);
    let path = file.path().to_str().ok_or("a strange path")?;
    let arguments: Vec<&str> = arguments
        .iter()
        .map(|argument| if *argument == "@" { path } else { argument })
        .collect();
    let output = limited(&arguments)?;
    read_or_told(&output)?;
    Ok(output)
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn object(output: &Output) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(&output.stdout).map_err(|_| error(output))?)
}

const SHOW: [&str; 5] = ["event", "show", "@", "--format", "json"];
const SCAN: [&str; 9] = [
    "scan",
    "@",
    "--strategy",
    "direct",
    "--nside",
    "1",
    "--workers",
    "1",
    "--progress=none",
];

/// An event with light on so many DOMs of IceCube and so many that it lacks, as skyscan's own.
fn event_on(known: u16, unknown: u16, more: &Value) -> Vec<u8> {
    let pulse = |string: u16, dom: u16| {
        json!({"dom": {"string": string, "dom": dom}, "time_ns": 10_000 + 50 * dom,
               "charge_pe": 1.0, "width_ns": 8.0, "hlc": true})
    };
    let pulses: Vec<Value> = (1..=known)
        .map(|dom| pulse(36, dom))
        .chain((1..=unknown).map(|dom| pulse(199, dom)))
        .collect();
    let mut file = json!({"format": "skyscan-event", "version": 1, "event": {
        "run_id": 1, "event_id": 1, "mjd": 60_000.0, "stream": "", "pulse_series": "hand",
        "pulses": pulses, "excluded": [], "seeds": [],
    }});
    if let (Some(file), Some(more)) = (file.as_object_mut(), more.as_object()) {
        file.extend(more.clone());
    }
    file.to_string().into_bytes()
}
