//! A service of scans, from the outside: alerts in by every door, maps out, whatever is killed meanwhile.

mod generated;
mod hook;
mod running;
mod sealed;
mod storm;

use std::fs;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use skyscan_free_ports::free_port;

use crate::needs::{group, python};
use crate::scan::command::{DEMO, empty_folder, map_sha256, run, scan, stderr, text};
use crate::told::Told;
use hook::Hook;
use running::Running;

/// A scan that takes no time worth speaking of.
const QUICK: [&str; 4] = ["--reco", "linefit", "--nside", "4,8,16"];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = always();
    trials.extend(group(
        "service",
        python(),
        [
            (
                "a_client_made_from_its_description_submits_and_fetches",
                generated::submits_and_fetches as fn() -> _,
            ),
            ("behind_a_proxy_with_tls_it_is_asked", sealed::is_asked),
        ],
    ));
    trials.extend(storm::trials());
    trials
}

fn always() -> Vec<Trial> {
    group(
        "service",
        None,
        [
            (
                "an_alert_comes_by_a_folder_and_its_map_goes_to_a_webhook",
                folder_to_hook as fn() -> _,
            ),
            (
                "killed_again_and_again_it_ends_every_scan_with_its_map",
                killed,
            ),
            ("terminals_bring_watch_fetch_and_cancel", terminals),
            ("tokens_let_in_and_keep_out", tokens),
            (
                "workers_from_elsewhere_wait_at_it_and_an_urgent_alert_goes_first",
                urgent,
            ),
            ("an_open_door_is_refused", open_door),
        ],
    )
}

/// What a lone scan of an event has as its hash.
fn lone(event: &str, options: &[&str]) -> Result<String, Failed> {
    map_sha256(&scan(event, options)?)
}

/// Different events of a few hundred pulses each.
fn events(folder: &std::path::Path, n: u32) -> Result<Vec<String>, Failed> {
    (1..=n)
        .map(|seed| {
            let path = folder.join(format!("event-{seed}.json"));
            let path = text(&path)?.to_owned();
            let seed = seed.to_string();
            let made = run(&["event", "generate", "--seed", &seed, "--output", &path])?;
            match made.status.success() {
                true => Ok(path),
                false => Err(stderr(&made).into()),
            }
        })
        .collect()
}

fn folder_to_hook() -> Result<(), Failed> {
    let data = empty_folder("service-hook")?;
    let alerts = empty_folder("service-hook-alerts")?;
    let secret = alerts.with_extension("secret");
    running::write_secret(&secret, "0123456789abcdef0123456789abcdef")?;
    let hook = Hook::listen()?;
    let service = Running::start(
        &data,
        &[
            "--watch",
            text(&alerts)?,
            "--webhook",
            &hook.url(),
            "--webhook-secret-file",
            text(&secret)?,
        ],
    )?;
    fs::copy(DEMO, alerts.join("alert.json.part"))?;
    fs::rename(alerts.join("alert.json.part"), alerts.join("alert.json"))?;
    let mut moments = Vec::new();
    let last = loop {
        let letter = hook.next()?;
        moments.push(letter["moment"].as_str().unwrap_or_default().to_owned());
        if matches!(moments.last().map(String::as_str), Some("final" | "failed")) {
            break letter;
        }
    };
    if moments.last().map(String::as_str) != Some("final") || moments.len() > 3 {
        return Err(format!("{moments:?}").into());
    }
    let expected = lone(DEMO, &[])?;
    if map_sha256(&last["result"])? != expected {
        return Err(format!("another map: {last}").into());
    }
    let listed = service.json(&["status", "--format", "json"])?;
    match listed.as_array().map(Vec::as_slice) {
        Some([scan])
            if scan["from"]
                .as_str()
                .is_some_and(|from| from.starts_with("folder")) =>
        {
            Ok(())
        }
        _ => Err(listed.to_string().into()),
    }
}

fn killed() -> Result<(), Failed> {
    let data = empty_folder("service-killed")?;
    let folder = empty_folder("service-killed-events")?;
    let events = events(&folder, 6)?;
    let options = ["--nside", "4,8,16,32"];
    let mut service = Running::start(&data, &[])?;
    let mut ids = Vec::new();
    for event in &events {
        let mut words = vec!["submit", event, "--format", "json"];
        words.extend(options);
        let scan = service.json(&words)?;
        ids.push(scan["id"].as_str().ok_or("no id")?.to_owned());
    }
    for n_killed in 1..=3 {
        // Killed once something new has ended.
        service.until(|scans| ended(scans) >= n_killed)?;
        service.kill()?;
        service = Running::start(&data, &[])?;
    }
    for (event, id) in events.iter().zip(&ids) {
        service.until(|scans| ended(scans) == events.len())?;
        let found = service.json(&["result", id, "--format", "json"])?;
        let expected = lone(event, &options)?;
        if map_sha256(&found)? != expected {
            return Err(format!("{event}: another map than a lone scan's: {found}").into());
        }
    }
    // Without its catalogue the list is made again.
    service.kill()?;
    fs::remove_file(data.join("catalogue.sqlite"))?;
    let service = Running::start(&data, &[])?;
    service.until(|scans| scans.len() == events.len() && ended(scans) == events.len())
}

fn ended(scans: &[Value]) -> usize {
    scans.iter().filter(|scan| scan["state"] == "done").count()
}

fn terminals() -> Result<(), Failed> {
    let data = empty_folder("service-terminals")?;
    let service = Running::start(&data, &[])?;
    let told = service.run(&[&["submit", DEMO, "--wait"][..], &QUICK].concat())?;
    let words = String::from_utf8_lossy(&told.stdout).into_owned();
    if told.status.code() != Some(0) || !words.contains("RA ") || !words.contains("linefit") {
        return Err(format!("{words}{}", stderr(&told)).into());
    }
    // Brought again it is the same scan.
    let again = service.json(&[&["submit", DEMO, "--format", "json"][..], &QUICK].concat())?;
    let id = again["id"].as_str().ok_or("no id")?;
    if again["state"] != "done" {
        return Err(again.to_string().into());
    }
    let out = empty_folder("service-terminals-out")?;
    let fetched = service.run(&["result", id, "--out", text(&out)?])?;
    let n_files = fs::read_dir(&out)?.count();
    if fetched.status.code() != Some(0) || n_files < 10 {
        return Err(format!("{n_files} files: {}", stderr(&fetched)).into());
    }
    let watched = service.run(&["watch", id])?;
    if watched.status.code() != Some(0) {
        return Err(stderr(&watched).into());
    }
    let other = service.json(&[
        "submit", "--rescan", id, "--reco", "linefit", "--nside", "4,8", "--format", "json",
    ])?;
    if other["id"] == again["id"] {
        return Err(other.to_string().into());
    }
    let unknown = service.run(&["cancel", "nothing"])?;
    if unknown.status.code() != Some(2) || !stderr(&unknown).contains("no scan of this name") {
        return Err(stderr(&unknown).into());
    }
    let refused = service.run(&["submit", "Cargo.toml"])?;
    if refused.status.code() != Some(2) {
        return Err(stderr(&refused).into());
    }
    let nobody = run(&["status", "--server", "http://127.0.0.1:9"])?;
    match (
        nobody.status.code(),
        stderr(&nobody).contains("is skyscan serve running"),
    ) {
        (Some(1), true) => Ok(()),
        _ => Err(stderr(&nobody).into()),
    }
}

fn tokens() -> Result<(), Failed> {
    let data = empty_folder("service-tokens")?;
    let service = Running::start(&data, &[])?;
    let without = run(&["status", "--server", &service.url])?;
    if without.status.code() != Some(2) || !stderr(&without).contains("--token-file") {
        return Err(stderr(&without).into());
    }
    let data = text(&data)?;
    let made = run(&["token", "add", "shift", "--role", "read", "--data", data])?;
    let file = std::path::Path::new(data).join("shift-token");
    running::write_secret(&file, String::from_utf8(made.stdout)?.trim())?;
    let as_shift = |words: &[&str]| {
        let more = ["--server", &service.url, "--token-file", text(&file)?];
        run(&[words, &more].concat())
    };
    let seen = as_shift(&["status"])?;
    let brought = as_shift(&["submit", DEMO])?;
    if seen.status.code() != Some(0) || brought.status.code() != Some(2) {
        return Err(format!("{}{}", stderr(&seen), stderr(&brought)).into());
    }
    run(&["token", "remove", "shift", "--data", data])?;
    let gone = as_shift(&["status"])?;
    match gone.status.code() {
        Some(2) => Ok(()),
        _ => Err("a token that was removed lets in".into()),
    }
}

fn urgent() -> Result<(), Failed> {
    let data = empty_folder("service-urgent")?;
    let folder = empty_folder("service-urgent-events")?;
    let url = format!("zmq://127.0.0.1:{}", free_port()?);
    let service = Running::start(&data, &["--transport", &url, "--workers", "0"])?;
    let mut worker = Told::start(&["worker", "--transport", &url, "--slots", "2"])?;
    // It waits where alerts will come, and the service knows of it.
    worker.until(&["is connected to", "waits for alerts"])?;
    for event in events(&folder, 8)? {
        service.json(&["submit", &event, "--format", "json"])?;
    }
    service.until(|scans| ended(scans) >= 1)?;
    let begun = Instant::now();
    let words = [
        "submit",
        DEMO,
        "--priority",
        "urgent",
        "--wait",
        "--format",
        "json",
    ];
    let found = service.json(&words)?;
    let took = begun.elapsed();
    if map_sha256(&found)? != lone(DEMO, &[])? {
        return Err(format!("another map: {found}").into());
    }
    let n_ended = ended(&service.scans()?);
    // One after the other it would have been the last.
    if n_ended >= 9 || took > Duration::from_secs(60) {
        return Err(format!("{n_ended} had ended when it had, after {took:?}").into());
    }
    service.until(|scans| ended(scans) == 9)
}

fn open_door() -> Result<(), Failed> {
    let data = empty_folder("service-door")?;
    let refused = run(&["serve", "--data", text(&data)?, "--http", "0.0.0.0:0"])?;
    let words = stderr(&refused);
    match (
        refused.status.code(),
        words.contains("--insecure") && words.contains("reverse proxy"),
    ) {
        (Some(2), true) => Ok(()),
        _ => Err(words.into()),
    }
}
