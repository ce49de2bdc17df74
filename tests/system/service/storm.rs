//! 200 alerts at once, from 20 people, over one fleet, while the service and its workers are killed; and an urgent one
//! in the middle of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use libtest_mimic::{Failed, Trial};
use skyscan_free_ports::free_port;

use super::running::{Asker, Running};
use super::{QUICK, ended, events, lone};
use crate::needs::{broker, group, long};
use crate::scan::command::{DEMO, empty_folder, map_sha256, skyscan};
use crate::told::Told;

const N_ALERTS: u32 = 200;
const N_PEOPLE: usize = 20;
const N_KILLS: usize = 5;
/// Urgent scans, one after the other, and as many without anything beside them.
const N_URGENT: usize = 7;
/// Workers, each with one slot.
const N_WORKERS: usize = 2;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = group(
        "long::service",
        long(),
        [
            (
                "two_hundred_alerts_and_kills_and_every_map",
                storm as fn() -> _,
            ),
            ("an_urgent_alert_goes_first", urgent_over_zeromq),
            (
                "an_urgent_alert_goes_first_behind_a_relay",
                urgent_behind_a_relay,
            ),
        ],
    );
    trials.extend(group(
        "long::service",
        long().or_else(broker),
        [(
            "an_urgent_alert_goes_first_over_rabbitmq",
            urgent_over_rabbitmq as fn() -> _,
        )],
    ));
    trials
}

/// On the machine of the service, and so nicer than it.
fn worker(url: &str) -> Result<Told, Failed> {
    let mut nice = Command::new("nice");
    nice.args(["-n", "10"]).arg(skyscan().get_program());
    Told::of(nice.args(["worker", "--transport", url, "--slots", "1"]))
}

fn workers(url: &str) -> Result<Vec<Told>, Failed> {
    (0..N_WORKERS).map(|_| worker(url)).collect()
}

/// Brings all alerts, each of the people some of them, and goes on when the service is away for a while.
fn bring(service: &Asker, alerts: &[String]) -> Result<(), Failed> {
    let next = AtomicUsize::new(0);
    let brought = || -> Result<(), String> {
        while let Some(alert) = alerts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let words = [&["submit", alert.as_str()][..], &QUICK].concat();
            let output = service.run(&words).map_err(|error| format!("{error:?}"))?;
            if output.status.code() != Some(0) {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        Ok(())
    };
    let done: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let people: Vec<_> = (0..N_PEOPLE).map(|_| scope.spawn(brought)).collect();
        people
            .into_iter()
            .map(|one| {
                one.join()
                    .unwrap_or_else(|_| Err("somebody panicked".to_owned()))
            })
            .collect()
    });
    done.into_iter().collect::<Result<Vec<()>, String>>()?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are worth reading")]
fn storm() -> Result<(), Failed> {
    let data = empty_folder("service-storm")?;
    let folder = empty_folder("service-storm-events")?;
    let alerts = events(&folder, N_ALERTS)?;
    let url = format!("zmq://127.0.0.1:{}", free_port()?);
    let arguments = ["--transport", &url, "--workers", "0"];
    let mut service = Running::start(&data, &arguments)?;
    let mut crew = workers(&url)?;
    let begun = Instant::now();
    bring(&service, &alerts)?;
    let took = begun.elapsed();
    println!(
        "{N_ALERTS} alerts from {N_PEOPLE} people were taken in {:.1} s",
        took.as_secs_f64()
    );
    for n_killed in 1..=N_KILLS {
        let n_before = n_killed * alerts.len() / (N_KILLS + 1);
        service.until(|scans| ended(scans) >= n_before)?;
        service.kill()?;
        if let Some(worker) = crew.first_mut() {
            worker.kill()?;
        }
        crew.rotate_left(1);
        crew.pop();
        crew.push(worker(&url)?);
        service = Running::start(&data, &arguments)?;
    }
    service.until(|scans| ended(scans) == alerts.len())?;
    println!(
        "all had ended {:.1} s after the first, the service and a worker killed {N_KILLS} times each",
        begun.elapsed().as_secs_f64()
    );
    let scans = service.scans()?;
    let mut hashes: Vec<String> = Vec::new();
    for scan in &scans {
        let id = scan["id"].as_str().ok_or("no id")?;
        hashes.push(map_sha256(
            &service.json(&["result", id, "--format", "json"])?,
        )?);
    }
    let mut expected = (alerts.iter())
        .map(|alert| lone(alert, &QUICK))
        .collect::<Result<Vec<String>, Failed>>()?;
    hashes.sort_unstable();
    expected.sort_unstable();
    match hashes == expected {
        true => Ok(()),
        false => Err("some map is not that of a lone scan".into()),
    }
}

/// How long a scan of the demo takes that has the fleet for itself, then one in the middle of others: medians.
#[expect(clippy::print_stdout, reason = "the figures are worth reading")]
fn urgent(service: &Running, folder: &Path) -> Result<(), Failed> {
    let mut maps = BTreeSet::new();
    let mut scan = |level: usize, priority: &str| -> Result<f64, Failed> {
        let begun = Instant::now();
        // Other levels make it another scan, and the same map.
        let levels = format!("{level},90");
        let how = ["--levels", &levels, "--priority", priority];
        let more = ["--wait", "--format", "json"];
        let found = service.json(&[&["submit", DEMO][..], &how, &more].concat())?;
        maps.insert(map_sha256(&found)?);
        Ok(begun.elapsed().as_secs_f64())
    };
    let mut alone = (0..N_URGENT)
        .map(|n| scan(50 + n, "normal"))
        .collect::<Result<Vec<f64>, Failed>>()?;
    for alert in events(folder, N_ALERTS)? {
        service.json(&["submit", &alert, "--format", "json"])?;
    }
    service.until(|scans| ended(scans) >= N_URGENT + 4)?;
    let mut among = (0..N_URGENT)
        .map(|n| scan(50 + N_URGENT + n, "urgent"))
        .collect::<Result<Vec<f64>, Failed>>()?;
    let n_ended = ended(&service.scans()?);
    for seconds in [&mut alone, &mut among] {
        seconds.sort_by(f64::total_cmp);
    }
    let (one, other) = (alone[N_URGENT / 2], among[N_URGENT / 2]);
    let ratio = other / one;
    println!(
        "alone {one:.2} s, among {N_ALERTS} {other:.2} s, {ratio:.2} times that: {alone:.2?} and {among:.2?}"
    );
    if maps.len() > 1 {
        return Err("not always the same map".into());
    }
    if n_ended >= N_ALERTS as usize {
        return Err("the others were over before the urgent ones".into());
    }
    match ratio <= 1.3 {
        true => Ok(()),
        false => Err(format!("{ratio:.2} times the time of a lone scan").into()),
    }
}

fn urgent_over_zeromq() -> Result<(), Failed> {
    let url = format!("zmq://127.0.0.1:{}", free_port()?);
    let service = Running::start(
        &empty_folder("service-urgent-zmq")?,
        &["--transport", &url, "--workers", "0"],
    )?;
    let _crew = workers(&url)?;
    urgent(&service, &empty_folder("service-urgent-zmq-events")?)
}

fn urgent_behind_a_relay() -> Result<(), Failed> {
    let url = format!("zmq://127.0.0.1:{}", free_port()?);
    let zone = format!("zmq://127.0.0.1:{}", free_port()?);
    let service = Running::start(
        &empty_folder("service-urgent-relay")?,
        &["--transport", &url, "--workers", "0"],
    )?;
    let _relay = Told::start(&[
        "relay",
        "--zone",
        "here",
        "--upstream",
        &url,
        "--listen",
        &zone,
    ])?;
    let _crew = workers(&zone)?;
    urgent(&service, &empty_folder("service-urgent-relay-events")?)
}

fn urgent_over_rabbitmq() -> Result<(), Failed> {
    let node = skyscan_rabbitmq_node::Node::start()?;
    let url = node.url();
    let service = Running::start(
        &empty_folder("service-urgent-amqp")?,
        &["--transport", &url, "--workers", "0"],
    )?;
    let _crew = workers(&url)?;
    urgent(&service, &empty_folder("service-urgent-amqp-events")?)
}
