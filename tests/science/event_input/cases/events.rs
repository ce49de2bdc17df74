//! What files say beside their events, in which words, and where they come from.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use serde_json::json;

use super::super::packing::{self, Python};
use super::super::sample::{self, EVENT, modern_alert};
use super::{SCAN, SHOW, error, event_on, limited, object, told};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "cases::e3_python_writes_nan_and_a_number_that_is_needed_is_asked_for",
            nan_in_alerts,
        ),
        ("cases::e13_a_pipe_is_as_good_as_a_file", pipes),
        (
            "cases::e16_what_alert_and_simulation_say_is_shown",
            claims_and_truth,
        ),
        (
            "cases::e16_an_escape_in_a_name_never_reaches_the_terminal",
            escapes,
        ),
    ]
}

fn nan_in_alerts() -> Result<(), Failed> {
    let alert = |more: &str| {
        let text = modern_alert(Python::Three).to_string();
        text.replacen("\"reco\":{", &format!("\"reco\":{{{more}"), 1)
    };
    let text = alert("\"fit\":{\"zen\":NaN,\"azi\":-Infinity,\"llh\":Infinity,\"name\":\"NaN\"},");
    let shown = object(&told(&SHOW, text.as_bytes())?)?;
    assert_eq!(shown["event_id"], json!(EVENT));
    assert_eq!(
        shown["alert"]["reco"][0],
        json!({"name": "fit", "ra_deg": null, "dec_deg": null,
               "values": {"zen": null, "azi": null, "llh": null, "name": "NaN"}})
    );
    let mut own = Vec::new();
    skyscan::event::write_json(&sample::expected(), &mut own)?;
    let own = String::from_utf8(own)?.replacen("\"mjd\":57389.25", "\"mjd\":NaN", 1);
    let line = error(&told(&SHOW, own.as_bytes())?);
    assert!(
        line.contains("JSON: NaN, Infinity or null stands where a number is needed"),
        "{line}"
    );
    Ok(())
}

fn piped(arguments: &[&str], bytes: &[u8]) -> Result<Output, Failed> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    stdin.write_all(bytes)?;
    drop(stdin);
    Ok(child.wait_with_output()?)
}

fn pipes() -> Result<(), Failed> {
    let i3 = packing::gzip(&sample::i3());
    let from_file = told(&["event", "show", "@"], &i3)?.stdout;
    for path in ["-", "/dev/stdin"] {
        assert_eq!(
            piped(&["event", "show", path], &i3)?.stdout,
            from_file,
            "{path}"
        );
        let listed = piped(&["event", "show", path, "--list"], &i3)?;
        assert!(String::from_utf8(listed.stdout)?.contains("event 789"));
        let converted = piped(&["event", "convert", path], &i3)?;
        let scan = [
            "scan",
            path,
            "--strategy",
            "direct",
            "--nside",
            "1",
            "--near",
            "0,0",
            "--within",
            "1",
        ];
        let scanned = piped(&scan, &event_on(20, 0, &json!({})))?;
        assert_eq!(scanned.status.code(), Some(0), "{}", error(&scanned));
        let again = piped(&["event", "show", path], &converted.stdout)?;
        assert!(
            again.stdout.starts_with(b"run 123456 event 789"),
            "{}",
            error(&again)
        );
    }
    Ok(())
}

fn claims_and_truth() -> Result<(), Failed> {
    let shown = object(&told(
        &SHOW,
        modern_alert(Python::Two).to_string().as_bytes(),
    )?)?;
    let fit = &shown["alert"]["reco"][0];
    assert_eq!(
        (&fit["name"], &fit["values"]["zen"]),
        (&json!("spefit2"), &json!(0.5))
    );
    // The same angles as those of a first guess in the frames.
    let seed = &shown["seeds"][0];
    assert_eq!(
        (&fit["ra_deg"], &fit["dec_deg"]),
        (&seed["ra_deg"], &seed["dec_deg"])
    );
    assert_eq!(shown["alert"]["neutrino"], json!({"bdt_down": null}));
    let text = told(
        &["event", "show", "@"],
        modern_alert(Python::Two).to_string().as_bytes(),
    )?;
    let text = String::from_utf8(text.stdout)?;
    assert!(
        text.contains("what the alert says\n  spefit2 ") && text.contains("bdt_down none"),
        "{text}"
    );

    let generated = limited(&["event", "generate", "--seed", "5", "--from-deg", "60,135"])?;
    let shown = object(&told(&SHOW, &generated.stdout)?)?;
    assert!(shown["truth"]["ra_deg"].is_number(), "{shown}");
    let text = String::from_utf8(told(&["event", "show", "@"], &generated.stdout)?.stdout)?;
    assert!(
        text.contains("truth of the simulation\n  muon of"),
        "{text}"
    );
    let scanned = told(
        &[&SCAN[..], &["--format", "json"]].concat(),
        &generated.stdout,
    )?;
    let truth = &object(&scanned)?["truth"];
    assert_eq!(truth["ra_deg"], shown["truth"]["ra_deg"]);
    assert!(truth["separation_deg"].is_number(), "{truth}");
    Ok(())
}

fn escapes() -> Result<(), Failed> {
    let evil = "GÖLD\u{1b}[31m\u{7}\u{202e}";
    let named = String::from_utf8(event_on(20, 0, &json!({})))?;
    let named = named.replacen("\"stream\":\"\"", &format!("\"stream\":{}", json!(evil)), 1);
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("event-input-escapes");
    let out = out.to_str().ok_or("a strange path")?;
    // `told` refuses control characters by itself.
    let shown = String::from_utf8(told(&["event", "show", "@"], named.as_bytes())?.stdout)?;
    assert!(
        shown.contains("GÖLD\u{fffd}[31m\u{fffd}\u{fffd}"),
        "{shown}"
    );
    told(&[&SCAN[..], &["--out", out]].concat(), named.as_bytes())?;
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name();
        let name = name.to_str().ok_or("a name that is no text")?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        assert!(name.chars().all(is_plain), "{name}");
    }
    std::fs::remove_dir_all(out)?;
    let map = json!({"nside-1": {
        "columns": ["index", "llh", "E_in", "E_tot", "X", "Y", "Z", "T"],
        "metadata": {"event_type": evil, "reco": evil, "run_id": 1, "event_id": 1, "mjd": 6e4},
        "data": (0..12).map(|i| json!([i, i, 0, 0, 0, 0, 0, 0])).collect::<Vec<_>>(),
    }});
    told(&["map", "show", "@"], map.to_string().as_bytes())?;
    let wrong = map
        .to_string()
        .replace("\"index\"", &json!(evil).to_string());
    told(&["map", "show", "@"], wrong.as_bytes())?;
    Ok(())
}
