//! docker-compose.yml, as people use it: real images, ten workers in containers, either transport;
//! twenty workers watched by Prometheus.
//!
//! Runs where a Docker engine answers and a compose command is installed; elsewhere the trials show
//! as ignored, with the reason, and are counted. The image gets the binary
//! that these tests were built with, and is gone afterwards, as is all that ran; base images stay
//! (`deploy/base-images`).

mod image;
mod monitored;
mod project;
mod replayed;
mod serving;

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use self::image::Image;
use self::project::{Project, run, run_within};
use crate::needs::trial_with;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SKYSCAN: &str = env!("CARGO_BIN_EXE_skyscan");
const N_WORKERS: usize = 10;
/// Must not be seen anywhere.
const PASSWORD: &str = "canary-4711";

pub(crate) fn trials() -> Vec<Trial> {
    let compose = compose_command();
    // Gone with the last of the trials.
    let image = Arc::new(Image::default());
    let trials: [(&str, Check, &'static Transport); 5] = [
        (
            "compose::ten_workers_over_zeromq_give_the_same_map",
            check,
            &ZEROMQ,
        ),
        (
            "compose::ten_workers_over_rabbitmq_give_the_same_map",
            check,
            &RABBITMQ,
        ),
        (
            "compose::prometheus_sees_twenty_workers",
            monitored::check,
            &MONITORED,
        ),
        (
            "compose::a_replay_with_fleets_in_containers",
            replayed::check,
            &REPLAYED,
        ),
        (
            "compose::a_service_scans_what_is_submitted",
            serving::check,
            &SERVING,
        ),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, check, over)| {
            let image = Arc::clone(&image);
            trial_with(compose.err(), name, move || {
                // Ten workers are enough at a time.
                let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
                in_containers(check, over, compose?, &image)
                    .map_err(|error| Failed::from(error.to_string()))
            })
        })
        .collect()
}

/// Held by the trial whose containers run.
static TURN: Mutex<()> = Mutex::new(());

/// What the compose file's head says to do for a transport.
struct Transport {
    name: &'static str,
    /// Value of `SKYSCAN_TRANSPORT`.
    url: Option<&'static str>,
    /// The services to start.
    services: &'static [&'static str],
}

const ZEROMQ: Transport = Transport {
    name: "zeromq",
    url: Some("zmq://scanner:5555"),
    services: &["scanner", "worker"],
};

const RABBITMQ: Transport = Transport {
    name: "rabbitmq",
    url: None,
    services: &["rabbitmq", "scanner", "worker"],
};

const MONITORED: Transport = Transport {
    name: "monitored",
    url: None,
    services: &["rabbitmq", "worker", "prometheus"],
};

const REPLAYED: Transport = Transport {
    name: "replayed",
    url: None,
    services: &[],
};

const SERVING: Transport = Transport {
    name: "serving",
    url: None,
    services: &["rabbitmq", "service", "worker"],
};

type Check = fn(&Project<'_>, &Transport) -> Result<()>;

fn in_containers(
    check: Check,
    transport: &Transport,
    compose: &[&str],
    image: &Image,
) -> Result<()> {
    let project = Project::new(transport, compose, image.name()?)?;
    let checked = check(&project, transport);
    checked.map_err(|error| format!("{error}\n{}", project.last_words()).into())
}

fn check(project: &Project<'_>, transport: &Transport) -> Result<()> {
    let scale = format!("worker={N_WORKERS}");
    run(project
        .compose()
        .args(["up", "-d", "--no-build", "--scale", &scale])
        .args(transport.services))?;
    let scanner = project.containers("scanner", "--all")?;
    let [scanner] = scanner.as_slice() else {
        return Err(format!("one scanner was asked for, not {scanner:?}").into());
    };
    let exit_code = project.wait(scanner)?;
    let told = run(Command::new("docker").args(["logs", scanner]))?;
    if exit_code != "0" {
        return Err(format!("the scanner ended with {exit_code}").into());
    }
    same_map(&told, &[])?;
    let workers = project.containers("worker", "--filter=status=running")?;
    if workers.len() != N_WORKERS {
        return Err(format!("{} workers outlived the scan", workers.len()).into());
    }
    results_can_be_copied(&project.scratch, scanner, &told)?;

    // The next scan, by the same workers; their alias is taken over from the one that ended.
    run(Command::new("docker").args(["rm", scanner]))?;
    let coarse = ["--nside", "8", "--format", "json"];
    let told = run(project
        .compose()
        .args(["run", "--rm", "-T", "--use-aliases", "scanner"])
        .args(["scan", "/event", "--workers", "0"])
        .args(coarse))?;
    same_map(&told, &coarse[..2])?;

    if transport.url.is_some() {
        through_a_relay(project)?;
    }
    let all = project.compose().arg("logs").output()?;
    for stream in [all.stdout, all.stderr] {
        if String::from_utf8_lossy(&stream).contains(PASSWORD) {
            return Err("a log shows the broker's password".into());
        }
    }
    Ok(())
}

/// The next scan, by workers that only a relay can reach.
fn through_a_relay(project: &Project<'_>) -> Result<()> {
    run(project
        .compose()
        .args(["rm", "--stop", "--force", "worker"]))?;
    run(project
        .compose()
        .args(["up", "-d", "--no-build", "--scale", "zone-worker=2"])
        .args(["relay", "zone-worker"]))?;
    let coarse = ["--nside", "8", "--format", "json"];
    let told = run(project
        .compose()
        .args(["run", "--rm", "-T", "--use-aliases", "scanner"])
        .args(["scan", "/event", "--workers", "0"])
        .args(coarse))?;
    same_map(&told, &coarse[..2])
}

/// Compares what a scanner told with a scan inside one process.
fn same_map(told: &str, options: &[&str]) -> Result<()> {
    same_map_of("demo/event.json", told, options)
}

fn same_map_of(event: &str, told: &str, options: &[&str]) -> Result<()> {
    let here = run(Command::new(SKYSCAN)
        .args(["scan", event, "--transport", "memory:"])
        .args(["--format", "json"])
        .args(options)
        .current_dir(ROOT))?;
    let (here, there): (Value, Value) = (serde_json::from_str(&here)?, serde_json::from_str(told)?);
    for key in ["map_sha256", "pixels", "best_fit", "event"] {
        if here[key].is_null() || here[key] != there[key] {
            return Err(format!("{key} is {} and not {}", there[key], here[key]).into());
        }
    }
    if there["complete"] != true || there["tasks"]["failed"] != 0 {
        return Err(format!("not a complete scan: {told}").into());
    }
    Ok(())
}

fn results_can_be_copied(scratch: &Path, scanner: &str, told: &str) -> Result<()> {
    let copy = scratch.join("results");
    run(Command::new("docker")
        .args(["cp", &format!("{scanner}:/results")])
        .arg(&copy))?;
    let told: Value = serde_json::from_str(told)?;
    let files = told["files"].as_array().ok_or("no list of files")?;
    for file in files.iter().filter_map(Value::as_str) {
        let name = Path::new(file).file_name().unwrap_or(OsStr::new(file));
        if fs::metadata(copy.join(name))?.len() == 0 {
            return Err(format!("{file} is empty").into());
        }
    }
    match files.len() {
        0 => Err("no files were written".into()),
        _ => Ok(()),
    }
}

/// The words of the compose command, if there is one and an engine answers; else what is missing.
fn compose_command() -> std::result::Result<&'static [&'static str], &'static str> {
    // An engine in trouble leaves its callers waiting.
    let answers = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        run_within(Duration::from_secs(10), command).is_ok()
    };
    if !answers(&["docker", "info"]) {
        return Err("no Docker engine");
    }
    let known: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    known
        .into_iter()
        .find(|words| answers(&[words, &["version"][..]].concat()))
        .ok_or("no compose command")
}
