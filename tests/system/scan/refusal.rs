//! Bad input: exit code 2, and a line on stderr that says what is wrong with which thing.

use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, number, run, stderr, text};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("bad_command_lines_are_refused", command_lines),
        ("bad_files_are_refused", files),
        ("bad_detectors_are_refused", detectors),
    ]
}

/// Nothing on stdout, code 2, and a first line on stderr with these words in it; where the
/// program itself speaks (and not its command line parser, which adds the usage), the only line.
fn refused(arguments: &[&str], words: &[&str]) -> Result<(), Failed> {
    let output = run(arguments)?;
    let told = stderr(&output);
    let fail = |what: &str| Err(format!("{arguments:?}: {what}: {told}").into());
    if output.status.code() != Some(2) {
        return fail(&format!("{}", output.status));
    }
    if !output.stdout.is_empty() {
        return fail("something on stdout");
    }
    let lines: Vec<&str> = told.lines().collect();
    let (ours, theirs) = (told.starts_with("skyscan: "), told.starts_with("error: "));
    if !(ours && lines.len() == 1 || theirs) {
        return fail("not one clear line");
    }
    if lines[0].len() > 400 || told.contains("panicked") {
        return fail("not clear");
    }
    let reason = lines[0].rsplit(": ").next().unwrap_or_default();
    if lines[0].matches(reason).count() > 1 && reason.len() > 20 {
        return fail("says it twice");
    }
    // The parser puts the names of missing arguments below its first line.
    let shown = if ours { lines[0] } else { told.as_str() };
    for word in words {
        if !shown.contains(word) {
            return fail(&format!("{word:?} is not in it"));
        }
    }
    Ok(())
}

fn command_lines() -> Result<(), Failed> {
    #[rustfmt::skip]
    let table: [(&[&str], &[&str]); 46] = [
        (&["scam"], &["scam"]),
        (&["scan"], &["EVENT"]),
        (&["scan", DEMO, "--nside", "7"], &["--nside", "7"]),
        (&["scan", DEMO, "--give-up", "0"], &["--give-up", "above 0"]),
        (&["scan", DEMO, "--give-up", "soon"], &["--give-up", "soon"]),
        (&["scan", DEMO, "--fail-after", "0"], &["--fail-after", "0"]),
        (&["scan", DEMO, "--nside", "0"], &["--nside", "0"]),
        (&["scan", DEMO, "--nside", "-8"], &["-8"]),
        (&["scan", DEMO, "--nside", "8,"], &["--nside"]),
        (&["scan", DEMO, "--nside", "eight"], &["eight"]),
        (&["scan", DEMO, "--nside", "99999999999999"], &["99999999999999"]),
        (&["scan", DEMO, "--nside", "64,8"], &["nside", "8"]),
        (&["scan", DEMO, "--nside", "8,8"], &["nside", "8"]),
        (&["scan", DEMO, "--nside", "1024"], &["1024", "pixels"]),
        (&["scan", DEMO, "--reco", "magic"], &["magic", "pandel-mpe"]),
        (&["scan", DEMO, "--strategy", "spiral"], &["spiral", "zoom", "direct"]),
        (&["scan", DEMO, "--strategy", "direct", "--nside", "8,64"], &["direct", "one nside"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "10,20"], &["--within"]),
        (&["scan", DEMO, "--strategy", "direct", "--within", "5"], &["--near"]),
        (&["scan", DEMO, "--near", "10,20", "--within", "5"], &["--strategy direct"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "10", "--within", "5"], &["RA,DEC"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "10,91", "--within", "5"], &["10,91"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "NaN,1", "--within", "5"], &["NaN,1"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "1,1", "--within", "0"], &["--within"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "1,1", "--within", "181"], &["181"]),
        (&["scan", DEMO, "--strategy", "direct", "--near", "1,1", "--within", "NaN"], &["NaN"]),
        // Without the URL itself: there may be a password in it.
        (&["scan", DEMO, "--transport", "pigeon:"], &["transport", "memory:", "zmq://"]),
        (&["scan", DEMO, "--transport", "zmq://"], &["zmq://", "port"]),
        (&["scan", DEMO, "--transport", "zmq://here"], &["zmq://here", "port"]),
        (&["scan", DEMO, "--transport", "zmq://0.0.0.0:5555"], &["--insecure", "zmqs://0.0.0.0:5555", "keygen"]),
        (&["worker", "--transport", "zmq://192.0.2.1:5555"], &["--insecure", "zmqs://192.0.2.1:5555"]),
        (&["worker", "--transport", "zmq://no-such-host.invalid:5555"], &["--insecure"]),
        (&["worker", "--transport", "amqp://me:canary@192.0.2.1/v"], &["--insecure", "amqps://me@192.0.2.1/v"]),
        (&["scan", DEMO, "--metrics", "0.0.0.0:9464"], &["--insecure", "--metrics-token-file"]),
        (&["scan", DEMO, "--workers", "-1"], &["-1"]),
        (&["scan", DEMO, "--workers", "0"], &["--workers 0", "zmq://"]),
        (&["worker", "--transport", "memory:"], &["memory:", "zmq://"]),
        (&["worker", "--transport", "zmq://127.0.0.1:1", "--slots", "0"], &["--slots"]),
        (&["worker", "--transport", "zmq://127.0.0.1:1", "--reco", "magic"], &["magic", "pandel-mpe"]),
        (&["scan", DEMO, "--chunk", "0"], &["--chunk"]),
        (&["scan", DEMO, "--format", "xml"], &["xml", "json"]),
        (&["scan", DEMO, "--event", "4000000000"], &[DEMO, "4000000000"]),
        (&["event", "generate", "--energy-gev", "-3"], &["-3"]),
        (&["event", "generate", "--energy-gev", "inf"], &["inf", "positive"]),
        (&["event", "generate", "--from-deg", "190,0"], &["190,0", "ZENITH,AZIMUTH"]),
        (&["event", "generate", "--mjd", "zero"], &["zero"]),
    ];
    for (arguments, words) in table {
        refused(arguments, words)?;
    }
    Ok(())
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Result<(), Failed> {
    let folder = empty_folder("bad-files")?;
    let demo = std::fs::read(top().join(DEMO))?;
    let changed = |change: fn(&mut Value)| -> Result<Vec<u8>, Failed> {
        let mut event: Value = serde_json::from_slice(&demo)?;
        event["sha256"].take();
        change(&mut event);
        Ok(serde_json::to_vec(&event)?)
    };
    let mut flipped = demo.clone();
    let digit = flipped
        .iter()
        .rposition(u8::is_ascii_digit)
        .ok_or("no digit in it")?;
    flipped[digit] ^= 1;
    let table: [(&str, Vec<u8>); 12] = [
        ("empty.json", vec![]),
        ("text.json", b"not an event".to_vec()),
        ("other.json", br#"{"format":"recipe","version":1}"#.to_vec()),
        ("half.json", demo[..demo.len() / 2].to_vec()),
        ("flipped.json", flipped),
        (
            "version.json",
            changed(|event| event["version"] = json!(99))?,
        ),
        (
            "no-pulses.json",
            changed(|event| event["event"]["pulses"] = json!([]))?,
        ),
        (
            "null-time.json",
            changed(|event| event["event"]["pulses"][0]["time_ns"] = Value::Null)?,
        ),
        (
            "unknown-dom.json",
            changed(|event| {
                for pulse in event["event"]["pulses"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                {
                    pulse["dom"]["string"] = json!(999);
                }
            })?,
        ),
        (
            "frames.i3",
            b"[i3]\x05\0\0\0\x06\0\0\0Q\xff\xff\xff\xff".to_vec(),
        ),
        ("packed.i3.gz", vec![0x1f, 0x8b, 8, 0, 1, 2, 3]),
        (
            "evil.pkl",
            b"\x80\x03cos\nsystem\nX\x04\0\0\0true\x85R.".to_vec(),
        ),
    ];
    for (name, content) in table {
        let path = folder.join(name);
        std::fs::write(&path, content)?;
        let words = if name == "unknown-dom.json" {
            vec![]
        } else {
            vec![name]
        };
        refused(&["scan", text(&path)?], &words)?;
    }
    for name in ["missing.json", ""] {
        let path = folder.join(name);
        let named = name.trim_end_matches(".json");
        refused(&["scan", text(&path)?], &["bad-files", named])?;
        refused(&["event", "show", text(&path)?], &["bad-files", named])?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn detectors() -> Result<(), Failed> {
    let folder = empty_folder("bad-detectors")?;
    let shipped = std::fs::read(top().join("detectors/icecube86.json"))?;
    let changed = |change: fn(&mut Value)| -> Result<Vec<u8>, Failed> {
        let mut description: Value = serde_json::from_slice(&shipped)?;
        change(&mut description);
        Ok(serde_json::to_vec(&description)?)
    };
    // The descriptions are what they are said to be only if the shipped one is as expected.
    let description: Value = serde_json::from_slice(&shipped)?;
    number(&description["doms"][0][2])?;
    number(&description["ice"][0][1])?;
    let table: [(&str, Vec<u8>); 9] = [
        ("empty.json", vec![]),
        ("event.json", std::fs::read(top().join(DEMO))?),
        ("half.json", shipped[..shipped.len() / 2].to_vec()),
        (
            "format.json",
            changed(|d| d["format"] = json!("skyscan-detector-7"))?,
        ),
        ("no-doms.json", changed(|d| d["doms"] = json!([]))?),
        ("no-ice.json", changed(|d| d["ice"] = json!([]))?),
        ("far.json", changed(|d| d["doms"][0][2] = json!(1e300))?),
        (
            "twice.json",
            changed(|d| d["doms"][1] = d["doms"][0].clone())?,
        ),
        ("opaque.json", changed(|d| d["ice"][0][1] = json!(0.0))?),
    ];
    for (name, content) in table {
        let path = folder.join(name);
        std::fs::write(&path, content)?;
        refused(&["scan", DEMO, "--detector", text(&path)?], &[name])?;
        refused(&["event", "generate", "--detector", text(&path)?], &[name])?;
    }
    let missing = folder.join("missing.json");
    refused(
        &["scan", DEMO, "--detector", text(&missing)?],
        &["missing.json"],
    )?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
