//! Scanners that are killed at random instants, again and again, and what that costs.

#![expect(clippy::print_stdout, reason = "what kills cost is counted and told")]

use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan_free_ports::free_ports;
use skyscan_rabbitmq_node::Node;

use super::run::{CHUNK, Running, Site, killed_after, map_of, result, skyscan, undisturbed};
use crate::needs::Check;

/// What is under way at a kill: tasks that run, and what was done while a commit waited for the disk. With
/// a program that takes no time, and a disk that others use, that is most of it.
const MOST_AGAIN: u64 = 300;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_killed_scanner_loses_nothing_in_memory", || in_memory(6)),
        ("a_killed_scanner_loses_nothing_over_zeromq", || {
            over_zeromq(3)
        }),
        ("a_killed_scanner_loses_nothing_behind_a_relay", || {
            behind_a_relay(2)
        }),
    ]
}

pub(super) fn broker_checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_killed_scanner_loses_nothing_over_rabbitmq", || {
            over_rabbitmq(2)
        }),
        (
            "a_scan_goes_on_over_another_transport",
            from_zeromq_to_rabbitmq,
        ),
    ]
}

pub(super) fn a_hundred() -> Result<(), Failed> {
    in_memory(40)?;
    over_zeromq(25)?;
    over_rabbitmq(20)?;
    behind_a_relay(14)?;
    from_zeromq_to_rabbitmq()
}

fn in_memory(n_kills: u64) -> Result<(), Failed> {
    kills("memory", n_kills, |site, _| site.scan_alone())
}

fn over_zeromq(n_kills: u64) -> Result<(), Failed> {
    let [port] = free_ports::<1>()?;
    remotely("zeromq", n_kills, &zeromq(port), &zeromq(port))
}

fn over_rabbitmq(n_kills: u64) -> Result<(), Failed> {
    let node = Node::start()?;
    remotely("rabbitmq", n_kills, &node.url(), &node.url())
}

fn behind_a_relay(n_kills: u64) -> Result<(), Failed> {
    let [above, below] = free_ports::<2>()?;
    let mut relay = skyscan();
    let (above, below) = (zeromq(above), zeromq(below));
    relay.args([
        "relay",
        "--zone",
        "test",
        "--upstream",
        &above,
        "--listen",
        &below,
    ]);
    let _relay = Running::start(relay)?;
    remotely("relay", n_kills, &above, &below)
}

fn zeromq(port: u16) -> String {
    format!("zmq://127.0.0.1:{port}")
}

/// Workers that outlive every scanner.
fn remotely(name: &str, n_kills: u64, scanners: &str, workers: &str) -> Result<(), Failed> {
    let mut worker: Option<Running> = None;
    kills(name, n_kills, |site, _| {
        if worker.is_none() {
            worker = worker_at(site, workers);
        }
        at(site, scanners)
    })
}

fn at(site: &Site, url: &str) -> Command {
    let mut command = site.scan();
    command.args(["--workers", "0", "--transport", url]);
    command
}

fn worker_at(site: &Site, url: &str) -> Option<Running> {
    Running::start(site.worker(url)).ok()
}

/// Begun over ZeroMQ, killed, and finished over RabbitMQ.
fn from_zeromq_to_rabbitmq() -> Result<(), Failed> {
    let node = Node::start()?;
    let [port] = free_ports::<1>()?;
    let site = Site::new("journal-moved")?;
    let (expected, took) = undisturbed(&site)?;
    let _workers = [zeromq(port), node.url()].map(|url| worker_at(&site, &url));
    let mut random = ChaCha8Rng::seed_from_u64(99);
    // Until there is a journal that is not finished.
    for _ in 0..20 {
        let after = took.mul_f64(random.random_range(0.3..1.0));
        match killed_after(at(&site, &zeromq(port)), after)? {
            Some(output) => {
                result(&output)?;
                std::fs::remove_file(site.journal()?)?;
            }
            None if site.journal().is_ok() => break,
            None => {}
        }
    }
    let scan = result(&at(&site, &node.url()).output()?)?;
    assert_eq!(map_of(&scan)?, expected);
    Ok(())
}

/// Kills scanners at random instants of their lives, those of scanners that go on among them, until there
/// were so many; each scan that comes to its end must have the map of one that nobody disturbed.
fn kills(
    name: &str,
    n_kills: u64,
    mut command: impl FnMut(&Site, u64) -> Command,
) -> Result<(), Failed> {
    let site = Site::new(&format!("journal-kills-{name}"))?;
    let (expected, took) = undisturbed(&site)?;
    let mut random = ChaCha8Rng::seed_from_u64(n_kills);
    let (mut n_killed, mut n_scans, mut n_vain, mut n_kills_of_scan) = (0, 0, 0, 0);
    let mut n_before = 0;
    loop {
        let after = took.mul_f64(random.random_range(0.0..1.2));
        let after = if n_killed < n_kills {
            after
        } else {
            Duration::MAX
        };
        let Some(output) = killed_after(command(&site, n_killed), after)? else {
            n_killed += 1;
            n_kills_of_scan += 1;
            continue;
        };
        let scan = result(&output)?;
        assert_eq!(map_of(&scan)?, expected, "{name}, scan {n_scans}");
        let n_pixels = scan["pixels"]["8"].as_u64().ok_or("no pixels")?;
        let n_evaluated = site.n_evaluated() - n_before;
        let again = n_evaluated.saturating_sub(n_pixels);
        let copied = CHUNK * scan["tasks"]["speculated"].as_u64().unwrap_or(0);
        assert!(
            again <= n_kills_of_scan * MOST_AGAIN + copied,
            "{name}: {again} pixels again after {n_kills_of_scan} kills"
        );
        n_vain += again;
        n_scans += 1;
        if n_killed >= n_kills {
            println!(
                "{name}: {n_killed} kills over {n_scans} scans of {n_pixels} pixels in {:.1} s, {n_vain} \
                 pixels evaluated again",
                took.as_secs_f64()
            );
            return Ok(());
        }
        std::fs::remove_file(site.journal()?)?;
        (n_before, n_kills_of_scan) = (site.n_evaluated(), 0);
    }
}
