//! What is done about tasks that hold up a replay, and that the map does not depend on it.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use skyscan::scenario::results::{Report, Run};

use crate::needs::Check;
use crate::replay::command::{Scratch, quick, shipped};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "copies_end_a_scan_sooner_and_leave_its_map_alone",
            copies_help,
        ),
        ("a_policy_that_makes_no_sense_is_refused", senseless),
    ]
}

/// Whatever is done, the map of a load is the same; against hangs copies have to help.
fn copies_help() -> Result<(), Failed> {
    let text = shipped("stragglers.toml")?;
    let text = text.replace("probability = 0.001", "probability = 0.01");
    let report = quick(Scratch::new(&text)?.path())?;
    let mut maps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for point in &report.points {
        let load = point.variant.split(',').next().unwrap_or_default();
        for run in &point.runs {
            maps.entry(load).or_default().push(&run.map_sha256);
            let tasks = run.tasks;
            if !run.complete || tasks.planned != tasks.accepted {
                return Err(format!("{}: {tasks:?}", point.variant).into());
            }
            let may_copy = !point.variant.ends_with("nothing") && !is_credit_only(&point.variant);
            if tasks.speculated > 0 && !may_copy {
                return Err(format!("{} copies: {tasks:?}", point.variant).into());
            }
        }
    }
    for (load, maps) in &maps {
        if maps.iter().any(|map| map != &maps[0]) {
            return Err(format!("{load}: the maps differ: {maps:?}").into());
        }
    }
    let [nothing, all] =
        ["hangs, nothing", "hangs, all"].map(|variant| first_run(&report, variant));
    let (nothing, all) = (nothing?, all?);
    if all.makespan_s > 0.6 * nothing.makespan_s || all.tasks.speculated == 0 {
        return Err(format!(
            "{} s with copies, {} s without",
            all.makespan_s, nothing.makespan_s
        )
        .into());
    }
    Ok(())
}

fn is_credit_only(variant: &str) -> bool {
    variant.ends_with("adaptive credit")
}

fn first_run<'a>(report: &'a Report, variant: &str) -> Result<&'a Run, Failed> {
    let mut points = report.points.iter();
    let point = points.find(|point| point.variant == variant);
    Ok(point
        .and_then(|point| point.runs.first())
        .ok_or("no such variant")?)
}

fn senseless() -> Result<(), Failed> {
    let text = shipped("stragglers.toml")?;
    let in_cycles = text.replacen("pixels = 40_000", "cycles = 8", 1).replacen(
        "source.pixels",
        "source.cycles",
        1,
    );
    let policy = |line: &str| {
        let sourced = format!("{line}\nsource = \"a test\"");
        text.replacen("deadlines = false", &sourced, 1)
    };
    let wrong = [
        (policy("deadline_factor = 0"), "policy.deadline_factor"),
        (policy("most_copies = 0"), "policy.most_copies"),
        (in_cycles, "workload.pixels_per_task"),
    ];
    for (text, key) in wrong {
        let told = match skyscan::scenario::setup::file::Scenario::parse(&text) {
            Ok(_) => return Err(format!("{key} is taken").into()),
            Err(error) => error.to_string(),
        };
        if !told.contains(key) {
            return Err(format!("{told} does not name {key}").into());
        }
    }
    Ok(())
}
