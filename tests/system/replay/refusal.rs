//! What is refused, and what people are told then.

use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::needs::Check;
use crate::replay::command::{Scratch, replay, shipped, shipped_point};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_number_without_a_source_is_refused", || {
            refused(
                "source = \"five times",
                "# source = \"five times",
                "fleet.workers",
            )
        }),
        ("an_unknown_key_is_refused", || {
            refused("credit = 2", "credits = 2", "credits")
        }),
        ("a_modelled_network_needs_virtual_time", || {
            refused(
                "[fleet]",
                "[network]\nframe_bytes = 1\nsource = \"x\"\n[fleet]",
                "virtual",
            )
        }),
        (
            "too_few_open_files_are_told_before_the_start",
            too_few_files,
        ),
        ("a_fleet_needs_an_order", a_fleet_needs_an_order),
        (
            "a_fleet_that_stays_refuses_what_changes",
            a_fleet_that_stays_refuses_what_changes,
        ),
    ]
}

fn refused(from: &str, to: &str, told: &str) -> Result<(), Failed> {
    let text = shipped("zmq-10000.toml")?;
    if !text.contains(from) {
        return Err(format!("{from} is not in the file").into());
    }
    let file = Scratch::new(&text.replace(from, to))?;
    let output = replay(&[file.path()])?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(2) || !stderr.contains(told) {
        return Err(format!("{}: {stderr}", output.status).into());
    }
    Ok(())
}

/// With 256 open files there are no 10,000 connections; the command that raises them is told.
fn too_few_files() -> Result<(), Failed> {
    let text = shipped("zmq-10000.toml")?;
    let own = text.replace("credit = 2", "credit = 2\nconnections = \"own\"");
    let file = Scratch::new(&own)?;
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 256 && exec \"$0\" replay \"$1\""])
        .args([env!("CARGO_BIN_EXE_skyscan"), file.path()])
        .stdin(Stdio::null())
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(3) || !stdout.contains("ulimit -n") {
        return Err(format!("{}: {stdout}", output.status).into());
    }
    Ok(())
}

fn a_fleet_needs_an_order() -> Result<(), Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .arg("fleet")
        .stdin(Stdio::null())
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(2) || !stderr.contains("skyscan replay") {
        return Err(format!("{}: {stderr}", output.status).into());
    }
    Ok(())
}

/// Variants, repeats and faults are told to fleets that a replay starts, not to one that stays.
fn a_fleet_that_stays_refuses_what_changes() -> Result<(), Failed> {
    let varied = Scratch::new(&shipped("mva-check.toml")?)?;
    let repeated = Scratch::new(&shipped_point("rabbit-5000.toml")?)?;
    for (scenario, told) in [(varied, "differ"), (repeated, "repeats")] {
        let path = scenario.path();
        let output = Command::new(env!("CARGO_BIN_EXE_skyscan"))
            .args(["fleet", "--transport", "zmq://127.0.0.1:9", "--scenario"])
            .arg(path)
            .stdin(Stdio::null())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !stderr.contains(told) || !stderr.contains(path) {
            return Err(format!("{told}: {}: {stderr}", output.status).into());
        }
    }
    Ok(())
}
