//! What a script asks of a replay: other values, more repeats, a forecast, thresholds, comparisons.

use std::process::Command;

use libtest_mimic::Failed;
use skyscan::scenario::results::Report;
use skyscan::scenario::results::digest;

use crate::needs::Check;
use crate::replay::command::{Folder, Scratch, replay};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "values_set_on_the_command_line_are_run_and_said",
            values_are_set,
        ),
        ("what_cannot_be_set_is_refused_with_what_could", no_such_key),
        ("a_check_runs_nothing_and_tells_what_it_would_take", check),
        ("a_threshold_that_is_missed_is_code_5", threshold),
        ("two_reports_are_compared_with_intervals", compare),
        ("interleaved_repeats_take_turns", interleaved),
        (
            "tasks_that_come_at_a_rate_wait_as_queueing_theory_says",
            arrivals,
        ),
    ]
}

/// One worker without a master's time, in virtual time.
const ONE: &str = r#"
name = "one"
question = "How long does who comes wait?"
clock = "virtual"
seed = 3
source = "a test"
[workload]
pixels = 20000
rate_per_s = 0.7
service = { law = "exponential", mean_s = 1 }
source = "a test"
[messages]
event = "by_ref"
payload_bytes = 1000
source = "a test"
[transport]
kind = "memory"
credit = 2
source = "a test"
[policy]
deadlines = false
speculation = false
splitting = false
adaptive_credit = false
[fleet]
workers = 1
source = "a test"
"#;

/// Two variants of a small fleet that sets the pace.
fn pair() -> String {
    ONE.replace("rate_per_s = 0.7\n", "")
        .replace("pixels = 20000", "pixels = 400")
        .replace("workers = 1", "workers = 8")
        + "[[variant]]\nname = \"short\"\n[[variant]]\nname = \"long\"\nworkload.service.mean_s = 2\nsource = \"a test\"\n"
}

/// Runs a scenario into a folder, which goes with the guard.
fn run(text: &str, more: &[&str]) -> Result<(Folder, Report, String), Failed> {
    let file = Scratch::new(text)?;
    let folder = Folder::new()?;
    let mut arguments = vec![file.path(), "--out", folder.path()];
    arguments.extend(more);
    let output = replay(&arguments)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("ended with {}: {told}", output.status).into());
    }
    let report = std::fs::read(folder.report("one"))?;
    Ok((folder, serde_json::from_slice(&report)?, told))
}

fn values_are_set() -> Result<(), Failed> {
    let set = [
        "--set",
        "fleet.workers=4",
        "--set",
        "workload.service.law=constant",
        "--repeats",
        "2",
    ];
    let (folder, report, told) = run(&pair(), &set)?;
    for point in &report.points {
        let repeats = point.tally.repeats();
        if point.workers != 4
            || repeats != 2
            || point
                .mean
                .makespan_s
                .and_then(|m| m.half_width_95)
                .is_none()
        {
            return Err(format!("{} workers, {repeats} repeats", point.workers).into());
        }
    }
    let said = report.remarks.join(" ");
    if !report.is_changed
        || !said.contains("fleet.workers = 4, workload.service.law = \"constant\"")
    {
        return Err(format!("it is not said: {said}").into());
    }
    if report.sources.get("fleet.workers").map(String::as_str) != Some("set on the command line") {
        return Err("the source of the number is another one".into());
    }
    if !told.contains("left in all") {
        return Err(format!("no total time left: {told}").into());
    }
    // It says nothing of the scenario as it stands.
    match digest::add(
        &folder.report("one"),
        folder.report("one").parent().ok_or("no folder")?,
    ) {
        Err(error) if error.to_string().contains("changed on the command line") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn no_such_key() -> Result<(), Failed> {
    let file = Scratch::new(&pair())?;
    for (set, words) in [
        ("fleet.wokers=4", "unknown field `wokers`"),
        ("fleet.workers=0", "fleet.workers"),
        ("fleet.workers", "fleet.workers=100"),
    ] {
        let output = replay(&[file.path(), "--set", set])?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !told.contains(words) {
            return Err(format!("{set}: {:?}: {told}", output.status.code()).into());
        }
    }
    Ok(())
}

fn check() -> Result<(), Failed> {
    let file = Scratch::new(&pair())?;
    let output = replay(&[file.path(), "--check", "--repeats", "3"])?;
    let told = String::from_utf8_lossy(&output.stdout);
    for words in [
        "2 points, 6 runs, 2400 tasks",
        "up to 8 slots",
        "virtual time",
        " MB",
    ] {
        if !told.contains(words) {
            return Err(format!("{words:?} is not in: {told}").into());
        }
    }
    let output = replay(&[file.path(), "--check", "--format", "json"])?;
    let planned: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    if planned[0]["tasks"] != 800 || planned[0]["clock"] != "virtual" {
        return Err(format!("not what is planned: {planned}").into());
    }
    let large = replay(&["scenarios/chep19-zmq-2000.toml", "--check"])?;
    let told = String::from_utf8_lossy(&large.stdout);
    match told.contains(" min in real time") {
        true => Ok(()),
        false => Err(format!("no time: {told}").into()),
    }
}

fn threshold() -> Result<(), Failed> {
    let file = Scratch::new(&pair())?;
    for (condition, code) in [
        ("utilisation<0.5", 0),
        ("utilisation>0.5", 5),
        ("broker_us>1e9", 5),
    ] {
        let output = replay(&[file.path(), "--fail-if", condition])?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(code)
            || (code == 5) != told.contains("of long with 8 workers")
        {
            return Err(format!("{condition}: {:?}: {told}", output.status.code()).into());
        }
    }
    Ok(())
}

fn compare() -> Result<(), Failed> {
    let (first, ..) = run(&pair(), &["--repeats", "3"])?;
    let (second, ..) = run(
        &pair(),
        &["--repeats", "3", "--set", "workload.service.mean_s=3"],
    )?;
    let output = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args(["report", "compare"])
        .args([first.report("one"), second.report("one")])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Three times as long, and half as long again.
    for (variant, expected) in [("short", 3.0), ("long", 1.5)] {
        let is_it = |line: &&str| line.starts_with(variant) && line.contains("makespan");
        let line = text.lines().find(is_it).ok_or("no such line")?;
        let ratio = line
            .split(" ± ")
            .next()
            .and_then(|head| head.split_whitespace().last());
        let ratio: f64 = ratio.ok_or("no ratio")?.parse()?;
        if (ratio / expected - 1.0).abs() > 0.05 || !line.ends_with("differs") {
            return Err(format!("{expected} expected: {line}").into());
        }
    }
    match text.contains("what was set differs") {
        true => Ok(()),
        false => Err(format!("{text}").into()),
    }
}

fn interleaved() -> Result<(), Failed> {
    let taken = |text: &str| -> Result<Vec<String>, Failed> {
        let (_, _, told) = run(text, &["--repeats", "2"])?;
        let begun = told.lines().filter(|line| line.contains("repeat"));
        let shown = begun.map(|line| line.chars().filter(char::is_ascii_digit).take(3).collect());
        Ok(shown.collect())
    };
    // Number of the point, of all points, of the repeat.
    let plain = taken(&pair())?;
    let turns = taken(&pair().replace("seed = 3\n", "seed = 3\ninterleaved = true\n"))?;
    if plain != ["121", "122", "221", "222"] || turns != ["121", "221", "122", "222"] {
        return Err(format!("{plain:?} {turns:?}").into());
    }
    Ok(())
}

/// M/M/1: who comes waits longer than t with probability rho exp(-(mu - lambda) t).
fn arrivals() -> Result<(), Failed> {
    let (_, report, _) = run(ONE, &[])?;
    let point = &report.points[0];
    let run = point.runs.first().ok_or("no run")?;
    let (rate, found) = (0.7f64, run.schedule_to_start_s);
    let slower = 1.0 - rate;
    for (name, found_s, expected_s) in [
        ("mean", found.mean, rate / slower),
        ("median", found.p50, (2.0 * rate).ln() / slower),
        ("99 %", found.p99, (100.0 * rate).ln() / slower),
    ] {
        // 20,000 tasks of which those of a busy period are alike.
        if (found_s / expected_s - 1.0).abs() > 0.15 {
            return Err(format!("{name}: {found_s} s, {expected_s} s expected").into());
        }
    }
    let (served, busy) = (point.mean.throughput_per_s, point.mean.utilisation);
    let (served, busy) = (
        served.ok_or("no throughput")?.mean,
        busy.ok_or("no utilisation")?.mean,
    );
    if (served - rate).abs() > 0.02
        || (busy - rate).abs() > 0.03
        || (point.theory.bound - rate).abs() > 0.03
    {
        return Err(format!("{served} per s, busy {busy}, bound {}", point.theory.bound).into());
    }
    Ok(())
}
