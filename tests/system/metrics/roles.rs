//! Every role as a process of its own, scraped by one real Prometheus.

use std::fs;
use std::io::Write;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use skyscan::scenario::fleet::FleetOrder;
use skyscan::scenario::setup::{Fleet, Ramp};
use skyscan::scenario::setup::{Law, ServiceTime};
use skyscan::telemetry::catalogue::Teller;
use skyscan::transport::keys::{add_worker, make};
use skyscan_free_ports::free_ports;

use super::prometheus::{Prometheus, Result};
use super::{dashboard, listed};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// For what takes a few seconds on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(120);
/// Nothing new is scraped sooner.
const LOOK_EVERY: Duration = Duration::from_millis(250);

const CLOSED_LOOP: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/closed-loop.toml"
));

/// Processes that end when this does.
#[derive(Default)]
struct Running(Vec<Child>);

impl Running {
    fn start(&mut self, command: &mut Command) -> Result<&mut Child> {
        command.env_remove("SKYSCAN_METRICS").current_dir(ROOT);
        self.0.push(command.stdout(Stdio::null()).spawn()?);
        Ok(self.0.last_mut().expect("one was pushed"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn skyscan(arguments: &[&str], metrics: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command
        .args(arguments)
        .args(["--metrics", &format!("127.0.0.1:{metrics}")])
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// A scan and a replay over ZeroMQ, each with workers in another process, the scan's behind a relay.
pub(crate) fn tell_what_is_documented() -> Result<()> {
    let [
        server,
        scan,
        relay,
        worker,
        replay,
        fleet,
        scan_place,
        zone_place,
        replay_place,
        service,
        service_place,
        service_door,
    ] = free_ports()?;
    let scan_url = format!("zmq://127.0.0.1:{scan_place}");
    // The zone is behind a door, which has something to tell, too.
    let zone_url = format!("zmqs://127.0.0.1:{zone_place}");
    let keys = scratch(server)?.join("keys");
    // Left behind by another run with this port.
    let _ = fs::remove_dir_all(&keys);
    make(&keys)?;
    let worker_keys = add_worker(&keys, "here")?;
    let replay_url = format!("zmq://127.0.0.1:{replay_place}");
    let mut running = Running::default();

    let targets = [
        ("scanner", scan),
        ("service", service),
        ("relay", relay),
        ("worker", worker),
        ("hub", replay),
        ("fleet", fleet),
    ];
    let prometheus = start_prometheus(&mut running, server, &targets)?;

    let scan_arguments = [
        "scan",
        "demo/event.json",
        "--nside",
        "8,64,512,2048",
        "--workers",
        "0",
    ];
    running.start(skyscan(&scan_arguments, scan).args(["--transport", &scan_url]))?;
    let relay_arguments = [
        "relay",
        "--zone",
        "here",
        "--upstream",
        &scan_url,
        "--listen",
        &zone_url,
    ];
    running.start(skyscan(&relay_arguments, relay).arg("--keys").arg(&keys))?;
    let worker_arguments = ["worker", "--slots", "1", "--transport", &zone_url];
    running.start(
        skyscan(&worker_arguments, worker)
            .arg("--keys")
            .arg(worker_keys),
    )?;
    let scenario = scratch(server)?.join("endless.toml");
    // It outlasts every look at it.
    let endless = CLOSED_LOOP.replace("cycles = 20", "cycles = 10_000");
    fs::write(&scenario, endless.replace("workers = 40", "workers = 2"))?;
    let place = ["--transport", replay_url.as_str()];
    running.start(skyscan(&["replay"], replay).arg(scenario).args(place))?;
    let order = serde_json::to_string(&order(&replay_url))? + "\n";
    let one = running.start(&mut skyscan(&["fleet"], fleet))?;
    one.stdin
        .as_mut()
        .ok_or("it is piped")?
        .write_all(order.as_bytes())?;

    let data = scratch(server)?.join("service");
    // Left behind by another run with this port.
    let _ = fs::remove_dir_all(&data);
    let place = format!("zmq://127.0.0.1:{service_place}");
    let door = format!("127.0.0.1:{service_door}");
    running.start(
        skyscan(
            &[
                "serve",
                "--http",
                &door,
                "--transport",
                &place,
                "--workers",
                "1",
            ],
            service,
        )
        .arg("--data")
        .arg(&data),
    )?;
    let token = data.join("admin-token");
    let begun = Instant::now();
    while !token.exists() || std::net::TcpStream::connect(&door).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err("no service".into());
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    let submitted = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .current_dir(ROOT)
        .args([
            "submit",
            "demo/event.json",
            "--reco",
            "linefit",
            "--nside",
            "4,8",
            "--wait",
        ])
        .args(["--server", &format!("http://{door}")])
        .arg("--token-file")
        .arg(token)
        .stdout(Stdio::null())
        .status()?;
    if !submitted.success() {
        return Err("no scan of the service".into());
    }

    // What comes last in each of them.
    for last in [
        r#"skyscan_task_results_total{job="scanner",outcome="accepted"} > 0"#,
        r#"skyscan_worker_tasks_total{job="worker",outcome="completed"} > 0"#,
        r#"skyscan_relay_results_total{job="relay"} > 0"#,
        r#"skyscan_service_ended_total{job="service",state="done"} > 0"#,
        r#"skyscan_task_results_total{job="hub",outcome="accepted"} > 0"#,
        r#"skyscan_fleet_lateness_seconds_count{job="fleet"} > 0"#,
    ] {
        wait_for(&prometheus, last)?;
    }
    listed::types(&prometheus, &Teller::ALL)?;
    use Teller::{Door, Fleet, Process, Relay, Scan, Scanner, Service, Transport, Worker};
    listed::compare(
        &prometheus,
        r#"job="scanner""#,
        &[Process, Scan, Scanner, Transport],
    )?;
    listed::compare(
        &prometheus,
        r#"job="relay""#,
        &[Process, Relay, Transport, Door],
    )?;
    listed::compare(
        &prometheus,
        r#"job="service""#,
        &[Process, Service, Scanner, Worker, Transport],
    )?;
    listed::compare(
        &prometheus,
        r#"job="worker""#,
        &[Process, Worker, Transport],
    )?;
    listed::compare(&prometheus, r#"job="hub""#, &[Process, Scanner, Transport])?;
    listed::compare(
        &prometheus,
        r#"job="fleet""#,
        &[Process, Worker, Fleet, Transport],
    )?;

    // All but the broker's own, which tests/compose asks for.
    let queries: Vec<_> = dashboard::queries()?
        .into_iter()
        .filter(|(_, query)| !query.contains("rabbitmq_"))
        .collect();
    let begun = Instant::now();
    let without = loop {
        let without = dashboard::without_data(&prometheus, &queries)?;
        if without.is_empty() || begun.elapsed() > PATIENCE {
            break without;
        }
        std::thread::park_timeout(LOOK_EVERY);
    };
    match without.is_empty() {
        true => Ok(()),
        false => Err(format!("no data for\n{}", without.join("\n")).into()),
    }
}

/// A folder of this trial.
fn scratch(port: u16) -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{port}"));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Simulated workers that join the replay's own.
fn order(url: &str) -> FleetOrder {
    FleetOrder {
        access: skyscan::transport::Access::default(),
        url: url.to_owned(),
        workers: 0..4,
        fleet: Fleet {
            workers: 4,
            slots: NonZeroU16::MIN,
            processes: 1,
            ramp: Ramp::Step,
            boot_s: 0.0,
            speeds: vec![],
        },
        zone_shares: vec![1.0],
        leases_per_slot: NonZeroU16::MIN,
        service: ServiceTime {
            law: Law::Constant,
            mean_s: 0.1,
            sigma: None,
            cap_s: None,
            tail: None,
        },
        seed: 1,
        ballast: None,
        preemption: None,
        stragglers: None,
        hangs: None,
        absences: vec![],
        landscape: None,
        paid_at_least_s: 0.0,
    }
}

fn start_prometheus(
    running: &mut Running,
    port: u16,
    targets: &[(&str, u16)],
) -> Result<Prometheus> {
    let folder = scratch(port)?;
    let mut config = "global: {scrape_interval: 250ms}\nscrape_configs:\n".to_owned();
    for (job, port) in targets {
        config += &format!(
            "  - {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
        );
    }
    fs::write(folder.join("prometheus.yml"), config)?;
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            folder.join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null());
    running.start(&mut command)?;
    let prometheus = Prometheus { address };
    let begun = Instant::now();
    while let Err(error) = prometheus.values("1") {
        if begun.elapsed() > PATIENCE {
            return Err(error);
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(prometheus)
}

fn wait_for(prometheus: &Prometheus, expression: &str) -> Result<()> {
    let begun = Instant::now();
    while !prometheus.has_data(expression)? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{expression} did not come true").into());
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(())
}
