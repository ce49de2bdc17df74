//! What a trial needs that a machine may lack. One that lacks it shows as ignored, with the reason;
//! `./test` counts them by it.
//!
//! With `CI` set, what `./test` can install is not excused: the trial runs, and fails by itself.
//! Real events and container engines cannot be installed, so they are excused there, too.

#![allow(dead_code, reason = "each binary of tests has needs of its own")]

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Completion, Failed, Trial};

/// What a trial does.
pub(crate) type Check = fn() -> Result<(), Failed>;

/// Why a trial cannot run here; nothing if it can.
pub(crate) type Missing = Option<&'static str>;

/// A trial that runs wherever the project does.
pub(crate) fn trial(
    name: impl Into<String>,
    check: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::test(name, check)
}

/// A trial that shows as ignored, with the reason, where something is missing.
pub(crate) fn trial_with(
    missing: Missing,
    name: impl Into<String>,
    check: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || match missing {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => check().map(|()| Completion::Completed),
    })
}

/// The trials of a group bear its name in front.
pub(crate) fn group(
    name: &str,
    missing: Missing,
    checks: impl IntoIterator<Item = (&'static str, Check)>,
) -> Vec<Trial> {
    let checks = checks.into_iter();
    checks
        .map(|(check, run)| trial_with(missing, format!("{name}::{check}"), run))
        .collect()
}

/// An interpreter with the packages of tests/consumers/requirements.txt.
pub(crate) fn python() -> Missing {
    unless(
        std::env::var_os("SKYSCAN_PYTHON").is_some(),
        "no Python: SKYSCAN_PYTHON names none, ./test makes one",
    )
}

/// A RabbitMQ to start.
pub(crate) fn broker() -> Missing {
    unless(
        skyscan_rabbitmq_node::missing().is_none(),
        "no RabbitMQ: rabbitmq-server is not installed",
    )
}

/// Proxies to start: one for HTTP CONNECT, one for SOCKS5.
pub(crate) fn proxies() -> Missing {
    // Neither needs more than its name to say how it is used.
    let is_there = |program| Command::new(program).arg("-h").output().is_ok();
    unless(
        ["tinyproxy", "microsocks"].into_iter().all(is_there),
        "no proxies: tinyproxy and microsocks are not installed",
    )
}

/// A Prometheus to start, and its checker of rules.
pub(crate) fn prometheus() -> Missing {
    let is_there = |program| Command::new(program).arg("--version").output().is_ok();
    unless(
        ["prometheus", "promtool"].into_iter().all(is_there),
        "no Prometheus: prometheus and promtool are not installed",
    )
}

/// A real Slurm, and the right to run its daemons.
pub(crate) fn slurm() -> Missing {
    let has = |program: &str| Path::new("/usr/sbin").join(program).exists();
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    unless(
        has("slurmctld") && has("slurmd") && is_root,
        "no Slurm: its daemons are not installed, or not for this user",
    )
}

/// Real events, which are no part of the project.
pub(crate) fn real_events() -> Missing {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/events");
    (!folder.is_dir()).then_some("no real events: ../shared/data/events is not there")
}

/// A scan by IceCube's scanner whose numbers are known: its file.
pub(crate) fn reference_scan() -> (PathBuf, Missing) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data/reference-scans/run00136766-evt000007637140-GOLD-8_64_512.npz");
    let reason = "no reference scan: ../shared/data/reference-scans is not there";
    let missing = (!file.exists()).then_some(reason);
    (file, missing)
}

/// Who takes user data, to check it.
pub(crate) fn cloud_init() -> Missing {
    unless(
        Command::new("cloud-init").arg("--version").output().is_ok(),
        "no cloud-init: it is not installed",
    )
}

/// The right to make networks of the test's own, with their mounts.
pub(crate) fn networks() -> Missing {
    let may = Command::new("unshare")
        .args(["--mount", "--net", "ip", "link"])
        .output();
    let may = may.is_ok_and(|output| output.status.success());
    (!may).then_some("no networks: not root, in a container that may not, or no iproute2")
}

/// A container engine that answers.
pub(crate) fn engine() -> Missing {
    let answers = Command::new("docker").arg("info").output();
    let answers = answers.is_ok_and(|output| output.status.success());
    (!answers).then_some("no Docker engine answers")
}

/// The right to mount a file system of the test's own, and to make files immutable.
pub(crate) fn mounts() -> Missing {
    let may = Command::new("unshare").args(["--mount", "true"]).output();
    let may = may.is_ok_and(|output| output.status.success());
    (!may).then_some("no mounts: not root, or in a container that may not")
}

/// The time of `./test long`.
pub(crate) fn long() -> Missing {
    std::env::var_os("SKYSCAN_TEST_LONG")
        .is_none()
        .then_some("takes long: ./test long runs it")
}

/// What can be installed is missing, and this is not CI.
fn unless(is_there: bool, reason: &'static str) -> Missing {
    (!is_there && std::env::var_os("CI").is_none()).then_some(reason)
}
