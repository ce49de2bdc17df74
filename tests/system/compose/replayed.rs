//! scenarios/compose/run in a small form: a hub, a broker and, in another zone, a fleet in three containers, then
//! in six.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use skyscan_free_ports::free_port;

use crate::compose::project::{Project, run, until};
use crate::compose::{ROOT, Result, Transport};

/// Of the shipped scenario: what makes it large, and what stands there instead.
const SMALLER: [(&str, &str); 4] = [
    ("duration_s = 30", "duration_s = 8"),
    ("mean_s = 4,", "mean_s = 0.5,"),
    ("workers = 10\n", "workers = 3\n"),
    ("workers = [10, 50, 200]", "workers = [3, 6]"),
];
const CONTAINERS: [u64; 2] = [3, 6];
const SLOTS: u64 = 20;
/// Between the zones, each way.
const LATENCY: Duration = Duration::from_millis(30);

pub(crate) fn check(project: &Project<'_>, _: &Transport) -> Result<()> {
    let mut scenario = fs::read_to_string(Path::new(ROOT).join("scenarios/compose/scenario.toml"))?;
    for (large, small) in SMALLER {
        if !scenario.contains(large) {
            return Err(format!("the scenario has no {large}").into());
        }
        scenario = scenario.replace(large, small);
    }
    let small = project.scratch.join("small.toml");
    fs::write(&small, scenario)?;
    let out = project.scratch.join("results");
    let mut command = Command::new(Path::new(ROOT).join("scenarios/compose/run"));
    project.environment(&mut command);
    the_way_is_long()?;
    run(command
        .arg(&out)
        .args(CONTAINERS.map(|n| n.to_string()))
        .env("SKYSCAN_SCENARIO", &small)
        .env("SKYSCAN_LATENCY_MS", LATENCY.as_millis().to_string()))?;

    let written = out.join("compose");
    let report: Value = serde_json::from_str(&fs::read_to_string(written.join("report.json"))?)?;
    if report["complete"] != true {
        return Err(format!("not complete: {}", report["remarks"]).into());
    }
    let points = report["points"].as_array().ok_or("no points")?;
    if points.len() != CONTAINERS.len() {
        return Err(format!("{} points", points.len()).into());
    }
    for (point, containers) in points.iter().zip(CONTAINERS) {
        let run = &point["runs"][0];
        let (tasks, generator) = (&run["tasks"], &run["generator"]);
        let is_whole = point["workers"] == SLOTS * containers
            && generator["processes"] == containers
            && tasks["accepted"] == tasks["planned"]
            && tasks["failed"] == 0;
        // Asked of Prometheus; a fleet that works uses some of its time.
        let is_told = generator["cpu_share"].as_f64() > Some(0.0)
            && generator["lateness_mean_s"].as_f64() > Some(0.0);
        if !(is_whole && is_told) {
            return Err(format!("{containers} containers: {run}").into());
        }
    }
    for file in ["report.html", "table.txt"] {
        if fs::metadata(written.join(file))?.len() == 0 {
            return Err(format!("{file} is empty").into());
        }
    }
    Ok(())
}

/// What is said through the proxy is answered later by twice its latency, and its end is told.
fn the_way_is_long() -> Result<()> {
    let there = TcpListener::bind("127.0.0.1:0")?;
    let port = free_port()?;
    let proxy = Command::new("python3")
        .arg(Path::new(ROOT).join("scenarios/compose/latency.py"))
        .arg(port.to_string())
        .arg(there.local_addr()?.to_string())
        .arg(LATENCY.as_millis().to_string())
        .spawn()?;
    let _proxy = Ended(proxy);
    let mut here = until(|| Ok(TcpStream::connect(("127.0.0.1", port))?))?;
    let (mut far, _) = there.accept()?;
    let said = Instant::now();
    here.write_all(b"a")?;
    let mut heard = [0];
    far.read_exact(&mut heard)?;
    far.write_all(&heard)?;
    here.read_exact(&mut heard)?;
    if said.elapsed() < 2 * LATENCY {
        return Err(format!("answered after {:?}", said.elapsed()).into());
    }
    drop(here);
    match far.read(&mut heard)? {
        0 => Ok(()),
        _ => Err("something was said after the end".into()),
    }
}

/// Killed when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}
