//! Relays in virtual time: the same every time, the same outcome as without, each event once.

use libtest_mimic::Failed;
use skyscan::scenario::results::Report;

use super::{STORM, read_all, run, runs};
use crate::needs::Check;
use crate::replay::command::Scratch;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("relays_in_a_storm_give_the_same_bytes", same_bytes),
        ("the_event_crosses_once_to_each_relay", event_once),
    ]
}

const RELAY: &str = r#"
[network.relay]
machine = { message_s = 0.0001, task_s = 0.0001, connect_s = 0.001, gbps = 1, connections = 50 }
rtt_s = 0.0005
gbps = 1
"#;

/// With a relay in each zone.
fn relayed(text: &str) -> String {
    let zones = format!("{RELAY}[[network.zone]]\nname = \"near\"");
    text.replace("event = \"by_ref\"", "event = \"relay\"")
        .replace("[[network.zone]]\nname = \"near\"", &zones)
        .replace("hub_hour = 0.5", "hub_hour = 0.5\nrelay_hour = 0.1")
}

/// And one above those of the far zones.
fn with_region(text: &str) -> String {
    text.replace(
        "zones = 2\n",
        "zones = 2\nregion = { zones = 2, rtt_s = 0.001, gbps = 1 }\n",
    )
}

/// Machines and whole zones go, some of them without a word; a tree of relays stands between.
fn same_bytes() -> Result<(), Failed> {
    let tree = with_region(&relayed(STORM));
    let file = Scratch::new(&tree)?;
    let (first, report) = run(&file)?;
    let (second, _) = run(&file)?;
    if read_all(&first)? != read_all(&second)? {
        return Err("the reports differ".into());
    }
    let (_folder, direct) = run(&Scratch::new(STORM)?)?;
    let maps = |report: &Report| -> Vec<String> {
        runs(report).map(|run| run.map_sha256.clone()).collect()
    };
    if maps(&report) != maps(&direct) {
        return Err("a relay changed an outcome".into());
    }
    for run in runs(&report) {
        let tasks = run.tasks;
        if !run.complete || tasks.accepted != 3000 || tasks.failed != 0 {
            return Err(format!("{tasks:?}").into());
        }
        let (hours, dollars) = (run.account.core_hours, run.account.dollars);
        if hours.is_none_or(|hours| hours.wasted <= 0.0) {
            return Err("nothing was taken away from anybody".into());
        }
        // Three zones and a region: four relays at a dime, a hub at half a dollar.
        let elapsed_h = dollars.ok_or("no money")?.hub / 0.9;
        if !(run.makespan_s - 1e-3..run.makespan_s + 600.0).contains(&(3600.0 * elapsed_h)) {
            return Err(format!("{elapsed_h} h of machines").into());
        }
    }
    Ok(())
}

/// Through relays each zone takes the event over its boundary once, however many machines it has;
/// below the relay of a region, a region does.
fn event_once() -> Result<(), Failed> {
    const PAYLOAD: f64 = 5e6;
    let calm: String = STORM
        .split("[faults]")
        .next()
        .unwrap_or_default()
        .replace("100_000", "5_000_000")
        .replace("rabbitmq", "zeromq");
    let rest = STORM.split("[network]\n").nth(1).unwrap_or_default();
    let rest = rest.lines().filter(|line| !line.starts_with("broker"));
    let calm = calm + "[network]\n" + &rest.collect::<Vec<_>>().join("\n");
    let check = |text: &str, name: &str, copies: [f64; 3], n_tasks: [f64; 3]| {
        let (_folder, report) = run(&Scratch::new(text)?)?;
        let run = runs(&report).next().ok_or("no run")?;
        let moved = run.account.moved;
        let moved = [moved.host, moved.zone, moved.cloud].map(|moved| moved.bytes as f64);
        for ((moved, copies), n_tasks) in moved.into_iter().zip(copies).zip(n_tasks) {
            // A task, its result, and at most the headers of a message each.
            let expected = copies * PAYLOAD + n_tasks * 1300.0;
            if (moved / expected - 1.0).abs() > 0.04 {
                return Err(format!("{name}: {moved} bytes, not {expected}").into());
            }
        }
        Ok::<(), Failed>(())
    };
    let (near, far) = (1000.0, 2000.0);
    let zones = relayed(&calm);
    check(&zones, "zones", [60.0, 1.0, 2.0], [near + far, near, far])?;
    let tree = with_region(&zones);
    check(
        &tree,
        "tree",
        [60.0, 3.0, 1.0],
        [near + far, near + far, far],
    )
}
