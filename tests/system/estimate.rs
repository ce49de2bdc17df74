//! Estimates: what is foreseen of a scan holds when it is run, what meets nothing is told by the code, and fleets are
//! scenarios.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::needs::{Check, group};
use crate::scan::command::{DEMO, empty_folder, json, number, run, scan, stderr, text};

/// How far off an estimate may be.
const FACTOR: f64 = 1.25;

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 3] = [
        ("pixels_are_foreseen_as_they_come", foreseen),
        (
            "what_meets_nothing_is_told_and_every_fleet_is_a_scenario",
            missed,
        ),
        ("what_makes_no_sense_is_refused", refused),
    ];
    group("estimate", None, checks)
}

fn foreseen() -> Result<(), Failed> {
    let estimate = json(&["estimate", DEMO, "--profile", "here", "--format", "json"])?;
    let scanned = scan(DEMO, &[])?;
    let rounds = scanned["pixels"].as_object().ok_or("no pixels")?;
    let n_pixels: f64 = rounds.values().filter_map(Value::as_f64).sum();
    let pixels = &estimate["pixels"];
    let off = number(&pixels["expected"])? / n_pixels;
    if !(1.0 / FACTOR..FACTOR).contains(&off) {
        return Err(format!("{pixels} foreseen, {n_pixels} came").into());
    }
    if !(number(&pixels["low"])?..=number(&pixels["high"])?).contains(&n_pixels) {
        return Err(format!("{n_pixels} came, not within {pixels}").into());
    }
    let n_fitted = number(&estimate["pixels_fitted"])?;
    if n_fitted >= 0.7 * n_pixels {
        return Err(format!("{n_fitted} of {n_pixels} were fitted for it").into());
    }
    let first = &estimate["rounds"][0];
    if first["pixels"]["low"] != 192.0 || first["pixels"]["high"] != 192.0 {
        return Err(format!("the first round is known: {first}").into());
    }
    let here = &estimate["fleets"][0];
    let core_s = number(&estimate["core_seconds"]["expected"])?;
    let t100_s = number(&here["t100_s"]["expected"])?;
    // No sooner than if all cores were busy, no later than if one was.
    if !(0.8 * core_s / number(&here["cores"])?..1.2 * core_s).contains(&t100_s) {
        return Err(format!("{core_s} core seconds take {here}").into());
    }
    Ok(())
}

fn missed() -> Result<(), Failed> {
    let out = empty_folder("estimate")?;
    let output = run(&[
        "estimate",
        DEMO,
        "--profile",
        "aws,aws",
        "--cores",
        "16,16,40",
        "--deadline",
        "90s",
        "--format",
        "json",
        "--out",
        text(&out)?,
    ])?;
    // Nothing is up that early.
    if output.status.code() != Some(5) {
        return Err(format!("{}: {}", output.status, stderr(&output)).into());
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let written: Value = serde_json::from_slice(&std::fs::read(out.join("estimate.json"))?)?;
    if answer != written || answer["is_met"] != false {
        return Err(format!("{answer} was told, {written} written").into());
    }
    // Machines come whole, of 16 cores each.
    let cores: Vec<&Value> = (answer["fleets"].as_array().ok_or("no fleets")?.iter())
        .map(|fleet| &fleet["cores"])
        .collect();
    if cores != [16, 48] {
        return Err(format!("fleets of {cores:?}").into());
    }
    for name in ["time.png", "time.svg", "dollars.png", "dollars.svg"] {
        if std::fs::metadata(out.join(name))?.len() == 0 {
            return Err(format!("{name} is empty").into());
        }
    }
    let scenario = out.join("aws.toml");
    let check = run(&["replay", "--check", text(&scenario)?])?;
    match check.status.success() {
        true => Ok(()),
        false => Err(stderr(&check).into()),
    }
}

fn refused() -> Result<(), Failed> {
    let folder = empty_folder("estimate-refused")?;
    let endless = folder.join("endless.toml");
    std::fs::write(
        &endless,
        "[transport]\nkind = \"zeromq\"\n\n[fleet]\nworkers = 1\nboot_s = 1e12\nsource = \"assumed\"\n",
    )?;
    for (more, told) in [
        (["--profile", "moon"], "google"),
        (["--budget", "much"], "dollars"),
        (["--cores", "0"], "1 or more"),
        (["--cores", "99999999999"], "up to 2000000 cores"),
        (
            ["--profile", text(&endless)?],
            "fleet.boot_s = 1000000000000",
        ),
        (["--reco", "external"], "--external-program"),
    ] {
        let output = run(&[["estimate", DEMO].as_slice(), more.as_slice()].concat())?;
        if output.status.code() != Some(2) || !stderr(&output).contains(told) {
            return Err(format!("{more:?}: {}, {}", output.status, stderr(&output)).into());
        }
        // Nothing was fitted to find that.
        if stderr(&output).contains("fitted") {
            return Err(format!("{more:?}: {}", stderr(&output)).into());
        }
    }
    Ok(())
}
