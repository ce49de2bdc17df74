//! Scans that are sealed end to end over a broker that is not trusted: the same map; and keys that do not fit are told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::Failed;
use skyscan_rabbitmq_node::Node;

use super::{Place, Running, same_map};
use crate::transports::remote::{Subject, skyscan};

/// Reads what a process tells until it tells this.
fn tells(process: &mut Running, words: &str) -> Result<(), Failed> {
    let stderr = process.0.stderr.take().ok_or("it is piped")?;
    let mut lines = BufReader::new(stderr);
    let mut told = String::new();
    while !told.contains(words) {
        if lines.read_line(&mut told)? == 0 {
            return Err(format!("{words:?} was not told: {told}").into());
        }
    }
    Ok(())
}

/// With a key of its own, with a token, and by the scanner itself.
pub(crate) fn workers_make_the_same_map() -> Result<(), Failed> {
    let node = Node::start()?;
    let place = Place::at("broker", node.url())?;
    place.workers_make_the_same_map()?;
    let alone = skyscan()
        .arg("scan")
        .arg(Subject::Demo.path())
        .args(["--reco", "pandel-mpe", "--nside", "8,64"])
        .args(["--format", "json", "--workers", "2"])
        .args(["--transport", &place.url, "--keys"])
        .arg(&place.dir)
        .output()?;
    same_map(&alone)
}

/// Workers with another key, or none, are told so, and change nothing; so is a scan without keys, and its workers.
pub(crate) fn keys_that_do_not_fit_are_told() -> Result<(), Failed> {
    let node = Node::start()?;
    let (place, elsewhere) = (
        Place::at("misfits", node.url())?,
        Place::at("misfits-elsewhere", node.url())?,
    );
    let scan = place.scan()?;
    let mut plain = worker(&place.url, None)?;
    tells(
        &mut plain,
        "a scan here is sealed, and this end has no keys",
    )?;
    let pins_another = elsewhere.dir.join("for-here");
    let mut stranger = worker(&place.url, Some(&pins_another))?;
    tells(
        &mut stranger,
        "it may have another key than the one that is pinned here",
    )?;
    drop(stranger);
    // It pins the right place, but its key is not on the list.
    std::fs::copy(
        place.dir.join("scanner.pub"),
        pins_another.join("scanner.pub"),
    )?;
    let mut stranger = worker(&place.url, Some(&pins_another))?;
    tells(&mut stranger, "this key is not known here")?;
    let _good = place.worker(&place.dir.join("for-here"))?;
    same_map(&scan.wait_with_output()?)?;
    let mut open = Running(
        skyscan()
            .arg("scan")
            .arg(Subject::Demo.path())
            .args(["--workers", "0", "--transport", &place.url])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let mut keyed = worker(&place.url, Some(&place.dir.join("for-here")))?;
    tells(&mut keyed, "is not sealed, and this worker has keys")?;
    tells(&mut open, "a worker with keys is at")?;
    let refused = skyscan()
        .arg("scan")
        .arg(Subject::Demo.path())
        .args(["--workers", "0", "--transport", &place.url, "--keys"])
        .arg(place.dir.join("for-here"))
        .output()?;
    let told = String::from_utf8_lossy(&refused.stderr);
    match !refused.status.success() && told.contains("is the folder of a worker") {
        true => Ok(()),
        false => Err(format!("{}: {told}", refused.status).into()),
    }
}

fn worker(url: &str, keys: Option<&Path>) -> Result<Running, Failed> {
    let worker = skyscan()
        .args(["worker", "--slots", "1", "--transport", url])
        .args(keys.map(|keys| format!("--keys={}", keys.display())))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(Running(worker))
}
