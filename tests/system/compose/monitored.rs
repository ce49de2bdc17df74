//! Twenty workers, a scanner and a broker, watched by the Prometheus of the compose file.

use std::process::Command;

use skyscan::telemetry::catalogue::Teller::{Process, Scan, Scanner, Transport as End, Worker};

use crate::compose::project::{Project, run, until};
use crate::compose::{Result, SKYSCAN, Transport, same_map_of};
use crate::metrics::prometheus::Prometheus;
use crate::metrics::{dashboard, listed};

const N_WORKERS: usize = 20;

pub(crate) fn check(project: &Project<'_>, transport: &Transport) -> Result<()> {
    let scale = format!("worker={N_WORKERS}");
    // So much light that the scan is there while Prometheus looks, which it does every other second.
    let folder = tempfile::tempdir()?;
    let event = folder.path().join("bright.json");
    let event = event.to_str().ok_or("a path that is no text")?;
    let energy = ["--seed", "3", "--energy-gev", "10000000", "--output", event];
    run(Command::new(SKYSCAN)
        .args(["event", "generate"])
        .args(energy))?;
    let up = |services: &[&str]| {
        let mut command = project.compose();
        command.args(["up", "-d", "--no-build", "--no-recreate", "--scale", &scale]);
        command.env("SKYSCAN_EVENT", event);
        run(command.args(services))
    };
    up(transport.services)?;
    let containers = project.containers("prometheus", "--all")?;
    let [container] = containers.as_slice() else {
        return Err(format!("one Prometheus was asked for, not {containers:?}").into());
    };
    let published = run(Command::new("docker").args(["port", container, "9090"]))?;
    let address = published.lines().next().ok_or("no port is published")?;
    let prometheus = Prometheus {
        address: address.to_owned(),
    };
    let all_up = format!(
        r#"count(up{{job="worker"}} == 1) == {N_WORKERS} and on() up{{job="rabbitmq"}} == 1"#
    );
    until(|| match prometheus.values(&all_up) {
        Ok(values) if !values.is_empty() => Ok(()),
        other => Err(format!("{N_WORKERS} workers and a broker do not answer: {other:?}").into()),
    })?;

    // Compose 2 scales what it starts, and nothing else.
    up(&["scanner", "worker"])?;
    let scanners = project.containers("scanner", "--all")?;
    let [scanner] = scanners.as_slice() else {
        return Err(format!("one scanner was asked for, not {scanners:?}").into());
    };
    let exit_code = project.wait(scanner)?;
    if exit_code != "0" {
        return Err(format!("the scanner ended with {exit_code}").into());
    }
    let told = run(Command::new("docker").args(["logs", scanner]))?;
    same_map_of(event, &told, &[])?;

    // What happened last is scraped a moment later.
    until(|| listed::compare(&prometheus, r#"job="worker""#, &[Process, Worker, End]))?;
    listed::compare(
        &prometheus,
        r#"job="scanner""#,
        &[Process, Scan, Scanner, End],
    )?;
    listed::types(&prometheus, &[Process, Worker, End])?;
    let served = r#"count(skyscan_worker_scans) by (job)"#;
    until(|| match prometheus.values(served)?.as_slice() {
        [n] if *n == N_WORKERS as f64 => Ok(()),
        other => Err(format!("{other:?} workers tell of themselves, not {N_WORKERS}").into()),
    })?;
    if prometheus.has_data(r#"ALERTS{alertstate="firing"}"#)? {
        return Err("an alert fired in a scan that went well".into());
    }
    // Neither relays nor replays nor a service run here; tests/system/metrics asks for theirs.
    let queries: Vec<_> = dashboard::queries()?
        .into_iter()
        .filter(|(_, query)| {
            let others = ["relay", "skyscan_fleet_", "skyscan_service_"];
            !others.iter().any(|other| query.contains(other))
        })
        .collect();
    until(|| {
        let without = dashboard::without_data(&prometheus, &queries)?;
        match without.is_empty() {
            true => Ok(()),
            false => Err(format!("no data for\n{}", without.join("\n")).into()),
        }
    })
}
