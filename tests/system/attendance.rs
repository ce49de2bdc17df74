//! Who is there: told as workers come and go, in a table by SIGUSR1, as JSON at `/links`, in logs that are
//! JSON.

use std::io::Read;
use std::net::TcpStream;
use std::time::Instant;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use skyscan_free_ports::free_port;

use crate::needs::group;
use crate::scan::command::{DEMO, skyscan};
use crate::told::Told;

pub(crate) fn trials() -> Vec<Trial> {
    group(
        "attendance",
        None,
        [
            (
                "who_comes_and_goes_is_told_and_shown",
                who_comes as fn() -> _,
            ),
            ("a_log_is_json_if_that_is_asked_for", a_log_of_json),
            ("quiet_scans_say_nothing_of_it", quiet),
        ],
    )
}

fn url() -> Result<String, Failed> {
    Ok(format!("zmq://127.0.0.1:{}", free_port()?))
}

fn page(address: &str, path: &str) -> Result<String, Failed> {
    use std::io::Write;
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no head")?;
    head.starts_with("HTTP/1.1 200 ")
        .then(|| body.to_owned())
        .ok_or_else(|| head.to_owned().into())
}

fn worker(url: &str) -> Result<Told, Failed> {
    Told::start(&[
        "worker",
        "--transport",
        url,
        "--slots",
        "2",
        "--reco",
        "photon-mpe",
    ])
}

fn who_comes() -> Result<(), Failed> {
    let url = url()?;
    let mut scan = Told::start(&[
        "scan",
        DEMO,
        "--nside",
        "8,64,512",
        "--workers",
        "0",
        "--transport",
        &url,
        "--metrics",
        "127.0.0.1:0",
    ])?;
    let told = scan.until(&["metrics at http://"])?;
    let address = told
        .split_once("http://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(address, _)| address.to_owned())
        .ok_or("no address")?;
    scan.until(&["scan: workers come with --transport", &url])?;
    scan.signal("USR1")?;
    scan.until(&["scan: nobody is connected"])?;

    let mut first = worker(&url)?;
    scan.until(&["came: 2 slots for photon-mpe; 1 worker and 2 slots now"])?;
    first.until(&["serves scan"])?;
    first.signal("USR1")?;
    first.until(&["worker: 1 scans"])?;
    scan.signal("USR1")?;
    scan.until(&["scan: 1 links, 2 slots"])?;
    scan.until(&["recos"])?;
    scan.until(&["  2 ", "photon-mpe"])?;
    let links: Value = serde_json::from_str(&page(&address, "/links")?)?;
    assert_eq!(
        (&links["role"], &links["skyscan_links"]),
        (&"scan".into(), &1.into())
    );
    assert_eq!(links["links"][0]["slots"], 2, "{links}");
    assert_eq!(
        links["links"][0]["recos"],
        serde_json::json!(["photon-mpe"])
    );
    // Who comes is told by the one who keeps the list; the scan itself may hear of it later.
    let begun = Instant::now();
    while !page(&address, "/metrics")?.contains("\nskyscan_scan_workers 1\n") {
        assert!(begun.elapsed().as_secs() < 20, "it never does");
    }
    assert!(page(&address, "/nothing").is_err());

    // Another one asked to leave says goodbye, a killed one is missed.
    let second = worker(&url)?;
    scan.until(&["came", "2 workers and 4 slots now"])?;
    second.signal("TERM")?;
    scan.until(&["said goodbye", "1 worker and 2 slots now"])?;
    first.kill()?;
    scan.until(&["was lost", "0 workers and 0 slots now"])?;
    let _third = worker(&url)?;
    scan.until(&["came"])?;
    Ok(())
}

fn a_log_of_json() -> Result<(), Failed> {
    let url = url()?;
    let mut scan = Told::start(&[
        "scan",
        DEMO,
        "--nside",
        "4",
        "--workers",
        "1",
        "--transport",
        &url,
        "--log",
        "json",
    ])?;
    let (status, lines) = scan.ended()?;
    assert!(status.success() && lines.len() >= 3, "{lines:?}");
    let mut messages = Vec::new();
    for line in &lines {
        let entry: Value =
            serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        assert!(
            entry["timestamp"].is_string() && entry["level"].is_string(),
            "{line}"
        );
        messages.push(
            entry["message"]
                .as_str()
                .ok_or_else(|| line.clone())?
                .to_owned(),
        );
    }
    for words in [
        "workers come with",
        "came: 1 slot",
        "nside 4: 192 of 192 pixels",
    ] {
        assert!(
            messages.iter().any(|message| message.contains(words)),
            "{words}: {messages:?}"
        );
    }
    Ok(())
}

fn quiet() -> Result<(), Failed> {
    let url = url()?;
    let output = skyscan()
        .args([
            "scan",
            DEMO,
            "--nside",
            "2",
            "--workers",
            "1",
            "--transport",
            &url,
        ])
        .args(["--progress", "none"])
        .output()?;
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Ok(())
}
