//! Ctrl-C ends a replay with the points that are finished, however long the work still takes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use skyscan::scenario::results::Report;

use crate::needs::Check;
use crate::replay::command::{Scratch, shipped};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![(
        "an_interrupt_keeps_what_is_finished",
        keeps_what_is_finished,
    )]
}

/// A first point of moments, a second one of hours.
fn two_points() -> Result<Scratch, Failed> {
    let text = shipped("mva-check.toml")?;
    let variants = text.find("[[variant]]").ok_or("it has variants")?;
    let sweep = text.find("workers = [500").ok_or("it has a sweep")?;
    let end = sweep + text[sweep..].find('\n').ok_or("a line ends")?;
    let text = format!(
        "{}workers = [20]{}
[[variant]]\nname = \"short\"\nworkload.service.mean_s = 0.02\nsource = \"assumed\"
[[variant]]\nname = \"long\"\nworkload.service.mean_s = 200000\nsource = \"assumed\"\n",
        &text[..sweep],
        &text[end..variants],
    );
    Scratch::new(&text.replace("repeats = 3", "repeats = 1"))
}

fn keeps_what_is_finished() -> Result<(), Failed> {
    let scenario = two_points()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args(["replay", scenario.path(), "--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
    let mut line = String::new();
    let mut heard = String::new();
    while !line.starts_with("point 2 of 2") {
        line.clear();
        if told.read_line(&mut line)? == 0 {
            return Err(format!("the replay ended before its second point: {heard}").into());
        }
        heard += &line;
    }
    Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(3), "{heard}");
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout)?;
    let report = reports.first().ok_or("there is a report")?;
    assert!(!report.complete);
    let [short, long] = &report.points[..] else {
        return Err(format!("{} points", report.points.len()).into());
    };
    assert!(short.runs[0].complete);
    assert!(!long.runs[0].complete);
    assert_eq!(long.runs[0].void.as_deref(), Some("stopped"));
    Ok(())
}
