//! Calibrating the model of virtual time, using it, and asking whether it tells the truth.

use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan::scenario::model::calibration::Calibration;
use skyscan::scenario::results::Report;

use crate::needs::Check;
use crate::replay::command::{CLOSED_LOOP, Scratch, replay, shipped};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_prediction_is_compared_with_a_control", compares),
        ("a_file_that_is_no_calibration_is_refused", no_calibration),
        ("a_calibration_is_for_virtual_time", only_virtual),
    ]
}

pub(crate) fn broker_checks() -> Vec<(&'static str, Check)> {
    vec![("a_calibration_is_measured_and_used", measured_and_used)]
}

/// Costs that are told, not measured, so that what comes out depends on no machine.
const COSTS: &str = r#"{
    "format": "skyscan-calibration-1", "most_workers": 10, "doubts": [],
    "costs": [{
        "kind": "zeromq", "connections": "shared", "hub_task_s": 0.00002, "connect_s": 0.0001,
        "round_trip_s": 0.001, "frame_bytes": 50
    }]
}"#;

/// Three replays, one comparison. What it comes to is the machine's affair; that a hub which takes a
/// quarter longer shows in the throughput of a fleet twice as large as it can serve is not.
fn compares() -> Result<(), Failed> {
    let (costs, scenario) = (Scratch::new(COSTS)?, Scratch::new(CLOSED_LOOP)?);
    let output = replay(&[
        scenario.path(),
        "--validate",
        costs.path(),
        "--format",
        "json",
    ])?;
    let told = String::from_utf8_lossy(&output.stderr);
    // Missed is the machine's affair, too: it may be too busy.
    if !matches!(output.status.code(), Some(0 | 5)) {
        return Err(format!("{}: {told}", output.status).into());
    }
    let validations: Value = serde_json::from_slice(&output.stdout)?;
    let validation = &validations[0];
    let holds = validation["holds"].as_bool().ok_or("no verdict")?;
    if holds != output.status.success() || validation["scenario"] != "loop" {
        return Err(format!("{validation}").into());
    }
    let quantity = &validation["points"][0]["quantities"][0];
    let mean = |of: &str| quantity[of]["mean"].as_f64().ok_or("no mean");
    let error = |of: &str| quantity[of].as_f64().ok_or("no error");
    let off = error("control_error")? - error("error")?;
    let predicted = mean("predicted")?;
    // The master takes 10 ms and our own hub 20 us beside it: 100 tasks a second.
    if quantity["name"] != "throughput_per_s"
        || (predicted - 100.0).abs() > 3.0
        || (off * mean("measured")? / predicted + 0.2).abs() > 0.03
    {
        return Err(format!("{quantity}").into());
    }
    Ok(())
}

fn no_calibration() -> Result<(), Failed> {
    for text in ["{}", &COSTS.replace("calibration-1", "calibration-9")] {
        let file = Scratch::new(text)?;
        let output = replay(&["scenarios/eager-80k.toml", "--calibration", file.path()])?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !told.contains("--calibrate") {
            return Err(format!("{}: {told}", output.status).into());
        }
    }
    Ok(())
}

fn only_virtual() -> Result<(), Failed> {
    let costs = Scratch::new(COSTS)?;
    let output = replay(&["scenarios/zmq-10000.toml", "--calibration", costs.path()])?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(2) || !told.contains("virtual time") {
        return Err(format!("{}: {told}", output.status).into());
    }
    Ok(())
}

/// A file of a test's own, gone with it.
struct Written(PathBuf);

impl Drop for Written {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn measured_and_used() -> Result<(), Failed> {
    let name = format!("skyscan-calibration-{}.json", std::process::id());
    let file = Written(std::env::temp_dir().join(name));
    let path = file.0.to_string_lossy();
    let output = replay(&["--calibrate", &path, "--quick"])?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {told}", output.status).into());
    }
    let calibration = Calibration::read(&file.0)?;
    if calibration.costs.len() != 4 || calibration.costs.iter().any(|c| c.hub_task_s <= 0.0) {
        return Err(format!("{calibration:?}").into());
    }
    let scenario = Scratch::new(&shipped("rabbit-80k.toml")?)?;
    let arguments = [scenario.path(), "--quick", "--format", "json"];
    let calibrated = [&arguments[..], &["--calibration", &path]].concat();
    let output = replay(&calibrated)?;
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout)?;
    let report = reports.first().ok_or("there is no report")?;
    let costs = calibration.costs.iter();
    let own = costs
        .filter_map(|costs| costs.broker_task_s)
        .fold(0.0, f64::max);
    let used = report.points[0].setup.network.broker.ok_or("no broker")?;
    // The quick form slows its stations by the factor that it divides the fleet by.
    let factor = used.task_s / (own / 2.0);
    if used.message_s != 0.0
        || factor < 1.0
        || !report.remarks.iter().any(|r| r.contains("measured"))
    {
        return Err(format!("{used:?} beside {own}: {:?}", report.remarks).into());
    }
    Ok(())
}
