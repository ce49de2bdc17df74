//! Relays as processes of their own, between scanners and workers that know nothing of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use libtest_mimic::Failed;
use skyscan_rabbitmq_node::Node;

use crate::transports::remote::{Scan, Subject, Worker, skyscan};
use crate::transports::{same, zeromq_url};

/// A relay; killed when dropped.
struct Relay {
    child: Child,
    told: BufReader<ChildStderr>,
}

impl Relay {
    /// Starts one and waits until it says that it is up.
    fn start(upstream: &str, listen: &str) -> Result<Self, Failed> {
        let mut child = skyscan()
            .args(["relay", "--zone", "here", "--upstream", upstream])
            .args(["--listen", listen])
            .stderr(Stdio::piped())
            .spawn()?;
        let mut told = BufReader::new(child.stderr.take().ok_or("it is piped")?);
        let mut line = String::new();
        told.read_line(&mut line)?;
        let relay = Self { child, told };
        match line.contains("relay of zone here: scans from") && line.contains(listen) {
            true => Ok(relay),
            false => Err(format!("a relay is up and says {line:?}").into()),
        }
    }

    /// SIGKILL.
    fn kill(mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; it must end well. Returns its last words.
    fn leave(mut self) -> Result<String, Failed> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let mut words = String::new();
        std::io::Read::read_to_string(&mut self.told, &mut words)?;
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(words),
            false => {
                Err(format!("a relay that was asked to leave ended with {status}: {words}").into())
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Three workers of a zone, one copy of the event over its boundary, the map of a scan without one.
/// The relay outlives the scan, serves the next, and leaves when asked.
pub(crate) fn one_copy_for_a_zone() -> Result<(), Failed> {
    let (above, zone) = (zeromq_url()?, zeromq_url()?);
    let relay = Relay::start(&above, &zone)?;
    let workers = [
        Worker::start(&zone)?,
        Worker::start(&zone)?,
        Worker::start(&zone)?,
    ];
    for _ in 0..2 {
        let scanned = Scan::start(Subject::Demo, &above)?.finish()?;
        same(&scanned, &Subject::Demo.map_in_memory()?)?;
        if scanned.n_lost != 0 {
            return Err(format!("{} leases were lost", scanned.n_lost).into());
        }
    }
    workers.into_iter().try_for_each(Worker::leave)?;
    let words = relay.leave()?;
    // Both scans are of one event: what is kept is not fetched again.
    match words.contains(" 1 payloads, ") && words.contains(" 0 too late") {
        true => Ok(()),
        false => Err(words.into()),
    }
}

/// The relay is killed in the middle of a scan while its zone holds leases; another one takes its
/// place.
pub(crate) fn a_killed_relay_loses_nothing() -> Result<(), Failed> {
    let (above, zone) = (zeromq_url()?, zeromq_url()?);
    let relay = Relay::start(&above, &zone)?;
    let workers = [Worker::start(&zone)?, Worker::start(&zone)?];
    let mut scan = Scan::start(Subject::Demo, &above)?;
    scan.wait_for_round("nside 8")?;
    relay.kill()?;
    let relay = Relay::start(&above, &zone)?;
    let scanned = scan.finish()?;
    same(&scanned, &Subject::Demo.map_in_memory()?)?;
    workers.into_iter().try_for_each(Worker::leave)?;
    relay.leave().map(drop)
}

/// RabbitMQ above, ZeroMQ in the zone, and a relay under the relay.
pub(crate) fn relays_stand_below_relays() -> Result<(), Failed> {
    let node = Node::start()?;
    let (above, region, zone) = (node.url(), zeromq_url()?, zeromq_url()?);
    let lower = Relay::start(&region, &zone)?;
    let upper = Relay::start(&above, &region)?;
    let workers = [Worker::start(&zone)?, Worker::start(&zone)?];
    let scanned = Scan::start(Subject::Demo, &above)?.finish()?;
    same(&scanned, &Subject::Demo.map_in_memory()?)?;
    workers.into_iter().try_for_each(Worker::leave)?;
    let words = [lower.leave()?, upper.leave()?];
    match words.iter().all(|words| words.contains(" 1 payloads, ")) {
        true => Ok(()),
        false => Err(words.concat().into()),
    }
}

/// What makes no sense is told, and what to do instead.
pub(crate) fn refuses_what_makes_no_sense() -> Result<(), Failed> {
    for (upstream, listen, told) in [
        ("memory:", "zmq://127.0.0.1:5555", "zmq:// or amqp://"),
        ("zmq://127.0.0.1:5555", "zmq://127.0.0.1:5555", "of its own"),
        (
            "zmq://127.0.0.1:5555",
            "http://127.0.0.1",
            "amqp://USER@HOST",
        ),
    ] {
        let output = skyscan()
            .args(["relay", "--zone", "here", "--upstream", upstream])
            .args(["--listen", listen])
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !words.contains(told) {
            return Err(format!("{upstream} to {listen}: {}: {words}", output.status).into());
        }
    }
    Ok(())
}
