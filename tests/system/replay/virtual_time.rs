//! Replays in virtual time: the same every time, and as the closed forms say.

mod relays;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;
use skyscan::scenario::results::{Report, Run};

use crate::needs::Check;
use crate::replay::command::{CLOSED_LOOP, Folder, Scratch, changed, replay};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    let mut checks: Vec<(&'static str, Check)> = vec![
        ("the_same_file_gives_the_same_bytes", same_bytes),
        ("a_virtual_fleet_behaves_as_mva_says", as_mva_says),
        ("a_wrong_hub_time_is_noticed", wrong_hub_time),
        ("the_event_travels_once_to_each_machine", event_once),
        ("a_whole_zone_may_go_and_nothing_is_lost", zone_goes),
        ("what_ends_within_a_notice_is_not_lost", notice_is_used),
        ("a_zone_that_vanishes_takes_its_leases_along", zone_vanishes),
    ];
    checks.extend(relays::checks());
    checks
}

/// A cloud of three zones behind a broker, with everything that can go wrong.
const STORM: &str = r#"
name = "storm"
question = "Is everything back in the end?"
clock = "virtual"
seed = 5
repeats = 2
source = "a test"
[workload]
pixels = 3000
service = { law = "lognormal", mean_s = 60, sigma = 0.8, cap_s = 600 }
source = "a test"
[messages]
event = "by_ref"
payload_bytes = 100_000
task_bytes = 1000
source = "a test"
[transport]
kind = "rabbitmq"
credit = 1
lease_term_s = 600
source = "a test"
[fleet]
workers = 60
slots = 4
ramp = { kind = "zonal", workers_per_s = 1, begins_within_s = 30 }
boot_s = 20
speed = [{ name = "new", share = 1, slower = 0.8 }, { name = "old", share = 1, slower = 1.2 }]
source = "a test"
[faults]
outages = [{ zone = "near", after_s = 500, for_s = 60 }]
preemption = { per_min = 0.05, back_after_s = 60, notice_s = 30, notice_share = 0.5, pool = { per_hour = 2, share = 0.8, within_s = 60 } }
stragglers = { share = 0.05, slower = 3 }
hangs = { probability = 0.001, seconds = 300 }
source = "a test"
[network]
frame_bytes = 100
hub = { message_s = 0.0001, task_s = 0.0001, gbps = 1 }
broker = { message_s = 0.0001, task_s = 0.00005, gbps = 1, connect_s = 0.001, connections = 50 }
source = "a test"
[[network.zone]]
name = "near"
share = 1
boundary = "zone"
rtt_s = 0.001
[[network.zone]]
name = "far"
zones = 2
share = 2
boundary = "cloud"
rtt_s = 0.1
gbps = 0.1
[price]
core_hour = 0.011
hub_hour = 0.5
at_least_s = 60
per_gb = { zone = 0.02, cloud = 0.09 }
source = "a test"
"#;

fn run(file: &Scratch) -> Result<(Folder, Report), Failed> {
    let folder = Folder::new()?;
    let output = replay(&[file.path(), "--out", folder.path(), "--format", "json"])?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("ended with {}: {told}", output.status).into());
    }
    let reports: Vec<Report> = serde_json::from_slice(&output.stdout)?;
    let report = reports.into_iter().next().ok_or("there is no report")?;
    Ok((folder, report))
}

fn runs(report: &Report) -> impl Iterator<Item = &Run> {
    report.points.iter().flat_map(|point| &point.runs)
}

fn same_bytes() -> Result<(), Failed> {
    let file = Scratch::new(STORM)?;
    let (first, report) = run(&file)?;
    let (second, _) = run(&file)?;
    let (first, second) = (read_all(&first)?, read_all(&second)?);
    for (name, bytes) in &first {
        if second.get(name) != Some(bytes) {
            return Err(format!("{} differs", name.display()).into());
        }
    }
    if first.len() < 8 {
        return Err(format!("only {} files", first.len()).into());
    }
    let maps: Vec<&str> = runs(&report).map(|run| run.map_sha256.as_str()).collect();
    if maps.len() != 2 || maps[0] == maps[1] {
        return Err(format!("another seed, other draws: {maps:?}").into());
    }
    Ok(())
}

/// Every file of a report, by name.
fn read_all(folder: &Folder) -> Result<BTreeMap<OsString, Vec<u8>>, Failed> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(Path::new(folder.path()).join("storm"))? {
        let entry = entry?;
        files.insert(entry.file_name(), std::fs::read(entry.path())?);
    }
    Ok(files)
}

/// Closed loops of constant, exponential and lognormal work around a hub of known time: below, at
/// and beyond the knee.
fn mva_file(hub_s: f64) -> String {
    let hub = format!("service_s = {hub_s}\nlaw = \"exponential\"");
    let head = r#"name = "mva"
clock = "virtual""#;
    let loops = changed(
        CLOSED_LOOP,
        &[
            (r#"name = "loop""#, head),
            ("repeats = 1", "repeats = 3"),
            ("cycles = 20", "cycles = 60"),
            (
                r#"law = "exponential", mean_s = 0.2"#,
                r#"law = "constant", mean_s = 3"#,
            ),
            (
                r#"kind = "zeromq""#,
                "kind = \"memory\"\nlease_term_s = 600",
            ),
            ("service_s = 0.01", &hub),
            (
                "workers = 40",
                r#"ramp = { kind = "linear", workers_per_s = 50 }
workers = 100"#,
            ),
        ],
    );
    let variants = r#"
[sweep]
workers = [100, 200, 300]
source = "a test"
[[variant]]
name = "constant"
[[variant]]
name = "exponential"
workload.service.law = "exponential"
[[variant]]
name = "lognormal"
workload.service = { law = "lognormal", sigma = 0.8, cap_s = 60 }
source = "a test"
"#;
    loops + variants
}

/// Of these closed loops: seconds that the hub takes for a task.
const HUB_S: f64 = 0.015;

/// Largest relative distance of a measured utilisation from mean value analysis with this hub time.
fn distance(told_hub_s: f64) -> Result<f64, Failed> {
    use skyscan::scenario::theory::mva_utilisation;
    static REPORT: Mutex<Option<Report>> = Mutex::new(None);
    let mut known = REPORT.lock().unwrap_or_else(PoisonError::into_inner);
    let report = match known.take() {
        Some(report) => report,
        None => run(&Scratch::new(&mva_file(HUB_S))?)?.1,
    };
    let report = known.insert(report);
    let mut largest = 0.0f64;
    for point in &report.points {
        let utilisation = point.mean.utilisation.ok_or("no steady state")?.mean;
        let theory = point.theory;
        if theory.mva.is_none() {
            return Err("it is a closed loop".into());
        }
        // The mean that was drawn, as far as the told time is the true one.
        let drawn_s = theory.emulated_hub_s * told_hub_s / HUB_S;
        let expected = mva_utilisation(
            point.workers,
            theory.service_s,
            theory.round_trip_s,
            &[drawn_s],
        );
        largest = largest.max((utilisation / expected - 1.0).abs());
    }
    Ok(largest)
}

fn as_mva_says() -> Result<(), Failed> {
    let off = distance(HUB_S)?;
    if off > 0.01 {
        return Err(format!("{off} off").into());
    }
    Ok(())
}

/// The control of the check before: a hub time that is a tenth off does not pass.
fn wrong_hub_time() -> Result<(), Failed> {
    let off = distance(1.1 * HUB_S)?;
    if off < 0.05 {
        return Err(format!("only {off} off").into());
    }
    Ok(())
}

/// The same without anything that goes wrong.
fn calm() -> String {
    let before = STORM.split("[faults]").next().unwrap_or_default();
    let rest = STORM.split("[network]\n").nth(1).unwrap_or_default();
    format!("{before}[network]\n{rest}").replace("connections = 50", "connections = 60")
}

/// By reference a machine of four slots takes the event once; inline every task takes it.
fn event_once() -> Result<(), Failed> {
    let calm = calm();
    let bytes = |text: &str| -> Result<[f64; 2], Failed> {
        let (_folder, report) = run(&Scratch::new(text)?)?;
        let run = runs(&report).next().ok_or("no run")?;
        let moved = run.account.moved;
        Ok([moved.zone.bytes as f64, moved.cloud.bytes as f64])
    };
    // 20 machines in the near zone, 40 in the far ones; 1000 tasks near, 2000 far, about.
    let by_ref = bytes(&calm)?;
    let inline = bytes(&calm.replace("by_ref", "inline"))?;
    let (near, far) = (20.0 * 1e5 + 1000.0 * 1400.0, 40.0 * 1e5 + 2000.0 * 1400.0);
    let is_about = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.15;
    if !is_about(by_ref[0], near) || !is_about(by_ref[1], far) {
        return Err(format!("by reference {by_ref:?}, not {near} and {far}").into());
    }
    if !is_about(inline[0], 1000.0 * 101_400.0) || !is_about(inline[1], 2000.0 * 101_400.0) {
        return Err(format!("inline {inline:?}").into());
    }
    Ok(())
}

fn zone_goes() -> Result<(), Failed> {
    let (_folder, report) = run(&Scratch::new(STORM)?)?;
    for run in runs(&report) {
        let (tasks, account) = (run.tasks, &run.account);
        let hours = account.core_hours.ok_or("no core hours")?;
        if !run.complete || tasks.accepted != 3000 || tasks.failed != 0 || tasks.lost < 50 {
            return Err(format!("{tasks:?}").into());
        }
        let sum = hours.used + hours.wasted + hours.idle;
        if hours.wasted <= 0.0 || (sum / hours.billed - 1.0).abs() > 1e-9 {
            return Err(format!("{hours:?}").into());
        }
        let dollars = account.dollars.ok_or("no money")?;
        if (dollars.compute / hours.billed / 0.011 - 1.0).abs() > 1e-9 || dollars.hub <= 0.0 {
            return Err(format!("{dollars:?}").into());
        }
    }
    Ok(())
}

/// Machines with a notice of two minutes finish tasks of up to 100 s; without one these are lost with them.
fn notice_is_used() -> Result<(), Failed> {
    let spent = |notice: &str| -> Result<(u64, f64), Failed> {
        let taken = format!(
            "[faults]\npreemption = {{ per_min = 0.2, back_after_s = 10{notice} }}\nsource = \"a test\"\n"
        );
        let text = calm().replace("[network]\n", &format!("{taken}[network]\n"));
        let text = text.replace(
            "mean_s = 60, sigma = 0.8, cap_s = 600",
            "mean_s = 30, sigma = 0.8, cap_s = 100",
        );
        let (_folder, report) = run(&Scratch::new(&text)?)?;
        let run = runs(&report).next().ok_or("no run")?;
        if !run.complete || run.tasks.accepted != 3000 {
            return Err(format!("{:?}", run.tasks).into());
        }
        let hours = run.account.core_hours.ok_or("no core hours")?;
        Ok((run.tasks.lost, hours.wasted))
    };
    let (n_lost, wasted) = spent("")?;
    if n_lost < 100 || wasted < 0.3 {
        return Err(format!("{n_lost} lost, {wasted} h wasted").into());
    }
    // What is left is of machines that went before they could have had a notice.
    match spent(", notice_s = 120")? {
        (0, with) if with < 0.3 * wasted => Ok(()),
        with => Err(format!("with a notice: {with:?}, without: {wasted} h").into()),
    }
}

/// One of the two far zones has 20 machines of four slots, all of them busy.
fn zone_vanishes() -> Result<(), Failed> {
    let outage = "[faults]\noutages = [{ zone = \"far\", zones = 1, after_s = 300, for_s = 120 }]\nsource = \"a test\"\n";
    let text = calm().replace("[network]\n", &format!("{outage}[network]\n"));
    let (_folder, report) = run(&Scratch::new(&text)?)?;
    for run in runs(&report) {
        let tasks = run.tasks;
        let is_whole = run.complete && tasks.accepted == 3000 && tasks.failed == 0;
        if !is_whole || !(70..=80).contains(&tasks.lost) {
            return Err(format!("{tasks:?}").into());
        }
    }
    Ok(())
}
