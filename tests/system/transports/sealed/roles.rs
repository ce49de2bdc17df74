//! Every role goes through the door: relays with keys on both sides, scans one after the other, studies, replays.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

use super::{Place, Running, same_map};
use crate::transports::remote::{Subject, skyscan};

fn piped(command: &mut Command) -> Result<Child, Failed> {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

/// The scanner knows the relay, and the relay its workers; neither knows the others.
pub(crate) fn relays_have_keys_on_both_sides() -> Result<(), Failed> {
    let (above, zone) = (Place::new("above")?, Place::new("zone")?);
    let scan = above.scan()?;
    let mut relay = Running(piped(
        skyscan()
            .args(["relay", "--zone", "here", "--upstream", &above.url])
            .args(["--listen", &zone.url, "--upstream-keys"])
            .arg(above.dir.join("for-here"))
            .arg("--keys")
            .arg(&zone.dir),
    )?);
    let _worker = zone.worker(&zone.dir.join("for-here"))?;
    same_map(&scan.wait_with_output()?)?;
    relay.0.kill()?;
    // The zone's key opens nothing above.
    let unknown = zone.dir.join("for-here");
    std::fs::copy(above.dir.join("scanner.pub"), unknown.join("scanner.pub"))?;
    let mut scan = Running(above.scan()?);
    let mut stranger = above.worker(&unknown)?;
    let stderr = stranger.0.stderr.take().ok_or("it is piped")?;
    let mut lines = BufReader::new(stderr).lines();
    let told = lines.find(|line| {
        line.as_ref()
            .is_ok_and(|line| line.contains("this key is not known here"))
    });
    told.ok_or("it was not told")??;
    Ok(scan.0.kill()?)
}

/// Scans of several events open the same door one after the other, and a study does for each event.
pub(crate) fn doors_open_again_for_the_next() -> Result<(), Failed> {
    let place = Place::new("again")?;
    let _worker = place.worker(&place.dir.join("for-here"))?;
    let event = Subject::Demo.path();
    let scans = piped(
        skyscan()
            .arg("scan")
            .args([&event, &event])
            .args(["--nside", "4,8", "--format", "json", "--workers", "0"])
            .args(["--transport", &place.url, "--keys"])
            .arg(&place.dir),
    )?;
    let output = scans.wait_with_output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let lines = String::from_utf8(output.stdout)?;
    let complete = lines.lines().filter(|line| {
        serde_json::from_str::<Value>(line).is_ok_and(|scan| scan["complete"] == Value::Bool(true))
    });
    if complete.count() != 2 {
        return Err(format!("not both are complete: {lines}{told}").into());
    }
    let study = piped(
        skyscan()
            .args(["reco", "validate", "--events", "2", "--light", "density"])
            .args([
                "--nside",
                "2,4",
                "--energies-gev",
                "300,1000",
                "--seed",
                "5",
            ])
            .args(["--format", "json", "--workers", "0", "--out"])
            .arg(place.dir.join("study"))
            .args(["--transport", &place.url, "--keys"])
            .arg(&place.dir),
    )?;
    let output = study.wait_with_output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {told}"))?;
    match report["answers"].as_array().map(Vec::len) {
        Some(2) => Ok(()),
        n => Err(format!("{n:?} answers: {told}").into()),
    }
}

/// A replay makes keys for its stage and gives its fleet what it needs; behind a relay, too.
pub(crate) fn replays_make_their_own_keys() -> Result<(), Failed> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/closed-loop.toml");
    for event in ["by_ref", "relay"] {
        let replay = piped(
            skyscan()
                .arg("replay")
                .arg(&fixture)
                .args(["--quick", "--format", "json", "--set"])
                .arg("transport.kind=zeromq_sealed")
                .args(["--set", &format!("messages.event={event}")]),
        )?;
        let output = replay.wait_with_output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let reports: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {told}"))?;
        if reports[0]["complete"] != Value::Bool(true) {
            return Err(format!("{event}: {told}").into());
        }
    }
    let output = skyscan()
        .arg("replay")
        .arg(&fixture)
        .args([
            "--quick",
            "--transport",
            "zmqs://127.0.0.1:1",
            "--keys",
            "/nowhere",
        ])
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    match told.contains("transport.kind=zeromq_sealed") {
        true => Ok(()),
        false => Err(format!("{}: {told}", output.status).into()),
    }
}
