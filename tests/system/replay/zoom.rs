//! Zoom scans in replays: the Refiner of a scan decides, whatever carries the tasks.

use libtest_mimic::Failed;
use skyscan::scenario::results::{Report, Run};

use crate::needs::Check;
use crate::replay::command::{Scratch, quick, replay, shipped};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_zoom_finds_the_same_map_over_every_transport", same_map),
        ("rounds_cost_time_and_change_nothing_else", rounds_cost_time),
    ]
}

/// With a broker.
pub(crate) fn broker_checks() -> Vec<(&'static str, Check)> {
    vec![("a_zoom_finds_the_same_map", || {
        over("rabbitmq", &in_virtual_time()?)
    })]
}

fn runs(report: &Report) -> impl Iterator<Item = &Run> {
    report.points.iter().flat_map(|point| &point.runs)
}

/// The map of the only seed, after a look at every run.
fn map(report: &Report) -> Result<String, Failed> {
    let mut maps: Vec<&str> = Vec::new();
    for run in runs(report) {
        if !run.complete || run.tasks.accepted != run.tasks.planned {
            return Err(format!("{:?}", run.tasks).into());
        }
        maps.push(&run.map_sha256);
    }
    maps.dedup();
    match maps.as_slice() {
        [map] => Ok((*map).to_owned()),
        maps => Err(format!("not one map: {maps:?}").into()),
    }
}

/// The shipped scenario with tasks that are short already, so that a quick form scales none of them.
fn short() -> Result<String, Failed> {
    let text = shipped("zoom-rounds.toml")?;
    Ok(text
        .replace("mean_s = 201,", "mean_s = 0.2,")
        .replace("cap_s = 1800", "cap_s = 1.8")
        .replace("[100, 1000, 5000]", "[100]"))
}

fn in_virtual_time() -> Result<String, Failed> {
    let file = Scratch::new(&short()?)?;
    map(&quick(file.path())?)
}

/// In real time, over another transport.
fn over(kind: &str, expected: &str) -> Result<(), Failed> {
    let text = short()?;
    let network = text.find("[network]").ok_or("no network")?;
    let variants = text.find("[[variant]]").ok_or("no variants")?;
    let text = format!("{}{}", &text[..network], &text[variants..])
        .replace("clock = \"virtual\"", "clock = \"real\"")
        .replace("kind = \"zeromq\"", &format!("kind = \"{kind}\""));
    let file = Scratch::new(&text)?;
    let found = map(&quick(file.path())?)?;
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found} over {kind}, {expected} in virtual time").into()),
    }
}

/// Real time and virtual time, rounds with and without work ahead, and a pile.
fn same_map() -> Result<(), Failed> {
    let expected = in_virtual_time()?;
    over("memory", &expected)?;
    over("zeromq", &expected)
}

/// At full size, with one repeat of the largest fleet.
fn rounds_cost_time() -> Result<(), Failed> {
    let text = shipped("zoom-rounds.toml")?
        .replace("repeats = 10", "repeats = 1")
        .replace("[100, 1000, 5000]", "[1000]");
    let file = Scratch::new(&text)?;
    let output = replay(&[file.path(), "--format", "json"])?;
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout)?;
    let report = reports.first().ok_or("no report")?;
    map(report)?;
    let ends: Vec<f64> = runs(report).map(|run| run.makespan_s).collect();
    let tasks: Vec<u64> = runs(report).map(|run| run.tasks.planned).collect();
    let ahead: Vec<[u64; 2]> = (runs(report))
        .map(|run| [run.tasks.ahead, run.tasks.asked_for])
        .collect();
    let is_as_said = match (ends.as_slice(), ahead.as_slice()) {
        ([rounds, working_ahead, pile], [[0, 0], [n_ahead, n_asked_for], [0, 0]]) => {
            rounds > working_ahead
                && working_ahead > pile
                && n_ahead >= n_asked_for
                && *n_asked_for > 0
        }
        _ => false,
    };
    match is_as_said && tasks.iter().all(|n_tasks| *n_tasks == tasks[0]) {
        true => Ok(()),
        false => Err(format!("ends after {ends:?} s, {tasks:?} tasks, {ahead:?} ahead").into()),
    }
}
