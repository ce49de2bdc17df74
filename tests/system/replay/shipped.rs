//! The shipped scenarios.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::Failed;
use skyscan::scenario::results::{Report, Run};

use crate::needs::Check;
use crate::replay::command::{Scratch, quick, shipped, shipped_point};

/// Every shipped scenario by name, and whether it needs a broker.
pub(crate) fn scenarios() -> Result<Vec<(String, bool)>, std::io::Error> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let text = std::fs::read_to_string(&path)?;
            found.push((name.into_owned(), text.contains("\"rabbitmq\"")));
        }
    }
    found.sort();
    Ok(found)
}

/// The quick form of a shipped scenario loses nothing, and leaves a report.
pub(crate) fn runs_quickly(name: &str) -> Result<(), Failed> {
    let report = quick(&format!("scenarios/{name}.toml"))?;
    if report.scenario != name {
        return Err(format!("it calls itself {:?}", report.scenario).into());
    }
    nothing_lost(&report)?;
    match name {
        "payload-ablation" => a_relay_saves_a_copy(&report)?,
        "relay-saves" => one_copy_a_zone(&report)?,
        "mva-check" => every_point_runs(&report)?,
        "fleet-restart" => fleets_were_killed(&report)?,
        "noop-ceiling" => no_ops_count_once(&report)?,
        _ => {}
    }
    let list = shipped("README.md")?;
    if !list.contains(&format!("[{name}]({name}.toml)")) {
        return Err("scenarios/README.md does not list it".into());
    }
    Ok(())
}

/// Two fleet processes fetch the event once each, or their relay does for both.
fn a_relay_saves_a_copy(report: &Report) -> Result<(), Failed> {
    let sent = |variant: &str| {
        let mut points = report.points.iter();
        let run = points
            .find(|point| point.variant == variant)?
            .runs
            .first()?;
        Some(run.hub_bytes_sent)
    };
    let direct = sent("ZeroMQ, by reference").ok_or("no direct variant")?;
    let relayed = sent("ZeroMQ, through a relay").ok_or("no variant with a relay")?;
    let copy = report.points[0].setup.messages.payload_bytes as u64;
    if relayed + copy * 9 / 10 > direct || relayed < copy {
        return Err(format!("{relayed} bytes sent to a relay, {direct} without").into());
    }
    Ok(())
}

/// Below relays, what leaves the hub's zone is bodies, and the event once to each zone that has a
/// machine; by reference, once to each machine.
fn one_copy_a_zone(report: &Report) -> Result<(), Failed> {
    let beyond_hosts = |variant: &str| {
        let mut points = report.points.iter();
        let point = points.find(|point| point.variant == variant)?;
        let moved = point.runs.first()?.account.moved.named();
        let bytes: u64 = moved[1..].iter().map(|(_, moved)| moved.bytes).sum();
        let setup = &point.setup;
        let tasks = point.runs.first()?.tasks;
        let n_tasks = tasks.planned + tasks.speculated;
        // Headers of a task and of its result, and a little for each machine that comes and goes.
        let bodies = n_tasks * (1008 + 533 + 2 * 150) + 1000 * setup.fleet.workers as u64;
        let copies = bytes as f64 / setup.messages.payload_bytes as f64;
        let least = bytes.saturating_sub(bodies) as f64 / setup.messages.payload_bytes as f64;
        Some((least, copies, setup.fleet.workers as f64))
    };
    let (least, most, machines) = beyond_hosts("a relay in each zone").ok_or("no relays")?;
    let zones = machines.min(28.0);
    if !(least..=most).contains(&zones) {
        return Err(format!("{least} to {most} copies for {zones} zones").into());
    }
    let direct = beyond_hosts("by reference, a core a worker").ok_or("no direct variant")?;
    let (least, most, machines) = direct;
    if !(least..=most).contains(&machines) {
        return Err(format!("{least} to {most} copies for {machines} machines").into());
    }
    Ok(())
}

/// Checks that need nothing installed.
pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("the_same_draws_over_every_transport", same_draws),
        ("a_storm_of_preemptions_loses_nothing", storm_loses_nothing),
    ]
}

fn runs(report: &Report) -> impl Iterator<Item = &Run> {
    report.points.iter().flat_map(|point| &point.runs)
}

/// Every task that was planned is accepted once, and nothing was given up.
fn nothing_lost(report: &Report) -> Result<(), Failed> {
    if !report.complete || runs(report).next().is_none() {
        return Err(format!("not complete: {:?}", report.remarks).into());
    }
    for run in runs(report) {
        let tasks = run.tasks;
        if !run.complete || tasks.accepted != tasks.planned || tasks.failed != 0 {
            return Err(format!("{tasks:?}").into());
        }
        if run.hub_bytes_sent == 0 && report.points[0].variant != "memory" {
            return Err("no bytes were counted".into());
        }
    }
    Ok(())
}

fn every_point_runs(report: &Report) -> Result<(), Failed> {
    let points = report.points.iter();
    let shown: BTreeSet<(&str, usize)> = points.map(|p| (p.variant.as_str(), p.workers)).collect();
    if shown.len() != 21 {
        return Err(format!("{shown:?}").into());
    }
    for point in &report.points {
        let theory = point.theory;
        // The bound of the emulated master is known beforehand: N* = S / h + 1 = 101 on average.
        let knee = theory.knee_workers.ok_or("no knee")?;
        if !(60.0..180.0).contains(&knee) || theory.mva.is_none() {
            return Err(format!("{theory:?}").into());
        }
    }
    Ok(())
}

/// The same seed gives the same map, whatever carries the tasks.
fn same_draws() -> Result<(), Failed> {
    let text = shipped_point("zmq-10000.toml")?;
    let text = text.replace("mean_s = 1 }", "mean_s = 1, sigma = 1 }");
    let text = text.replace("\"constant\"", "\"lognormal\"");
    let zeromq = Scratch::new(&text)?;
    let memory = Scratch::new(&text.replace("kind = \"zeromq\"", "kind = \"memory\""))?;
    let maps = [zeromq.path(), memory.path()].map(|path| -> Result<String, Failed> {
        let report = quick(path)?;
        let map = runs(&report).next().map(|run| run.map_sha256.clone());
        map.ok_or_else(|| "no run".into())
    });
    let [zeromq, memory] = maps;
    let (zeromq, memory) = (zeromq?, memory?);
    if zeromq != memory {
        return Err(format!("{zeromq} over ZeroMQ, {memory} in memory").into());
    }
    Ok(())
}

fn fleets_were_killed(report: &Report) -> Result<(), Failed> {
    for run in runs(report) {
        if run.fleet_kills != 2 || run.tasks.lost == 0 {
            return Err(format!("{} kills, {:?}", run.fleet_kills, run.tasks).into());
        }
    }
    Ok(())
}

fn storm_loses_nothing() -> Result<(), Failed> {
    let text = shipped("zmq-10000.toml")?
        + "\n[faults]\npreemption = { per_min = 20, back_after_s = 0.5 }\nsource = \"assumed\"\n";
    let file = Scratch::new(&text)?;
    let report = quick(file.path())?;
    nothing_lost(&report)?;
    if runs(&report).all(|run| run.tasks.lost == 0) {
        return Err("nobody was taken away".into());
    }
    Ok(())
}

fn no_ops_count_once(report: &Report) -> Result<(), Failed> {
    match runs(report).all(|run| run.tasks.accepted == 20_000) {
        true => Ok(()),
        false => Err(format!("{:?}", report.points).into()),
    }
}
