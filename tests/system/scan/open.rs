//! Nothing open is shown as closed: not in the answer, not in any file, not by what reads them.

use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{self, DEMO, empty_folder, run, scan, stderr, text};

/// A patch beside the demo event's source, at RA 30, Dec +7: fifteen pixels.
const BESIDE: [&str; 7] = [
    "--strategy",
    "direct",
    "--nside",
    "32",
    "--near",
    "45,7",
    "--within=4",
];
/// A patch around it. Pixels this wide lie far apart for the narrower density of `photon-mpe`.
const AROUND: [&str; 9] = [
    "--reco",
    "pandel-mpe",
    "--strategy",
    "direct",
    "--nside",
    "64",
    "--near",
    "30,7",
    "--within=5",
];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "open::a_patch_beside_the_source_is_open_in_every_file",
            beside,
        ),
        ("open::a_patch_around_the_source_is_closed", around),
        (
            "open::what_the_event_gives_reason_to_doubt_is_told",
            event_doubts,
        ),
    ]
}

/// Those that need events from elsewhere.
pub(crate) fn real_checks() -> Vec<(&'static str, Check)> {
    vec![
        ("open::gold_is_open_where_the_patch_misses_it", gold_open),
        ("open::gold_is_closed_where_the_patch_holds_it", gold_closed),
        ("open::one_string_leaves_a_patch_open", one_string),
    ]
}

/// That the 90 % region is open for want of scanned sky, or closed, and that the doubts agree.
fn is_open(answer: &Value) -> Result<bool, Failed> {
    let region = &answer["regions"][1];
    let doubts = answer["quality"].as_array().ok_or("quality is a list")?;
    let is_doubted = doubts.contains(&json!("open"));
    match (&region["closed"], &region["gaps"]) {
        (Value::Bool(false), gaps) if gaps == &json!(["unscanned"]) && is_doubted => Ok(true),
        (Value::Bool(true), gaps) if gaps == &json!([]) && !is_doubted => Ok(false),
        _ => Err(format!("{region} beside {doubts:?}").into()),
    }
}

/// The file whose name ends so, if it is there.
fn ending(folder: &Path, end: &str) -> Result<Option<PathBuf>, Failed> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(end) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn read(folder: &Path, end: &str) -> Result<Vec<u8>, Failed> {
    let path = ending(folder, end)?.ok_or_else(|| format!("no file {end}"))?;
    Ok(std::fs::read(path)?)
}

fn beside() -> Result<(), Failed> {
    let folder = empty_folder("open")?;
    let mut arguments = BESIDE.to_vec();
    arguments.extend(["--out", text(&folder)?]);
    let told = scan(DEMO, &arguments)?;
    assert!(is_open(&told)?);

    let errors: Value = serde_json::from_slice(&read(&folder, ".errors.json")?)?;
    assert!(is_open(&errors)?);
    let shapes: Value = serde_json::from_slice(&read(&folder, ".regions.geojson")?)?;
    assert_eq!(shapes["features"][1]["properties"]["closed"], false);
    assert_eq!(shapes["quality"], told["quality"]);
    let result: Value = serde_json::from_slice(&read(&folder, "_32.json")?)?;
    let metadata = &result["nside-32"]["metadata"];
    assert_eq!(metadata["closed_90"], false);
    assert!(
        metadata["quality"]
            .as_str()
            .is_some_and(|q| q.contains("open"))
    );
    for end in [".region_90.moc.fits", ".multiorder.fits"] {
        let header = String::from_utf8_lossy(&read(&folder, end)?).into_owned();
        assert!(header.contains("CLOSED90=                    F"), "{end}");
        assert!(
            header.contains("COMMENT OPEN REGION: it reaches sky that was not scanned"),
            "{end}"
        );
    }
    let edge = String::from_utf8(read(&folder, ".contour_90.txt")?)?;
    assert!(
        edge.contains("# OPEN REGION: ") && edge.contains("Scan on: "),
        "{edge}"
    );
    assert_eq!(ending(&folder, ".gcn.json")?, None, "a draft is there");

    let file = ending(&folder, "_32.npz")?.ok_or("no npz")?;
    let file = text(&file)?;
    assert!(is_open(&command::json(&[
        "map", "show", file, "--format", "json"
    ])?)?);
    let shown = String::from_utf8(run(&["map", "show", file])?.stdout)?;
    assert!(shown.starts_with("WARNING: OPEN REGION: "), "{shown}");
    let compared = String::from_utf8(run(&["map", "compare", file, file])?.stdout)?;
    assert!(
        compared.contains("OPEN: the first") && compared.contains("OPEN: the second"),
        "{compared}"
    );
    let again = folder.join("again");
    for (draft, is_there) in [(&[][..], false), (&["--draft-open"], true)] {
        let convert = [&["map", "convert", file, "--out", text(&again)?], draft].concat();
        let converted = run(&convert)?;
        assert_eq!(converted.status.code(), Some(0), "{}", stderr(&converted));
        assert_eq!(ending(&again, ".gcn.json")?.is_some(), is_there);
    }
    arguments.push("--draft-open");
    let people = run(&[&["scan", DEMO], arguments.as_slice()].concat())?;
    let people = String::from_utf8(people.stdout)?;
    assert!(people.starts_with("WARNING: OPEN REGION: "), "{people}");
    assert!(
        people.contains("Scan on: ") && people.contains("; OPEN\n"),
        "{people}"
    );
    let draft = String::from_utf8(read(&folder, ".gcn.json")?)?;
    assert!(draft.contains("OPEN REGION"), "{draft}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn around() -> Result<(), Failed> {
    let folder = empty_folder("closed")?;
    let mut arguments = AROUND.to_vec();
    arguments.extend(["--out", text(&folder)?]);
    let told = scan(DEMO, &arguments)?;
    assert!(!is_open(&told)?);
    let header = String::from_utf8_lossy(&read(&folder, ".multiorder.fits")?).into_owned();
    assert!(header.contains("CLOSED90=                    T"));
    assert!(ending(&folder, ".gcn.json")?.is_some(), "no draft");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// The demo event as few DOMs would have seen it, one of them saturated.
fn event_doubts() -> Result<(), Failed> {
    let folder = empty_folder("doubtful")?;
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join(DEMO);
    let mut event: Value = serde_json::from_slice(&std::fs::read(demo)?)?;
    event["sha256"].take();
    let pulses = event["event"]["pulses"].as_array_mut().ok_or("pulses")?;
    let mut doms: Vec<Value> = Vec::new();
    pulses.retain(|pulse| {
        if !doms.contains(&pulse["dom"]) && doms.len() < 19 {
            doms.push(pulse["dom"].clone());
        }
        doms.contains(&pulse["dom"])
    });
    event["event"]["excluded"] = json!([{"dom": doms[0], "start_ns": 1e6, "stop_ns": 2e6}]);
    let path = folder.join("few.json");
    std::fs::write(&path, serde_json::to_vec(&event)?)?;
    let out = folder.join("out");
    let mut arguments = BESIDE.to_vec();
    arguments.extend(["--out", text(&out)?]);
    let told = scan(&path, &arguments)?;
    let doubts = told["quality"].as_array().ok_or("quality is a list")?;
    for doubt in ["few_doms", "saturated_light"] {
        assert!(doubts.contains(&json!(doubt)), "{doubts:?}");
    }
    let result = ending(&out, "_32.json")?.ok_or("no result")?;
    let shown = command::json(&["map", "show", text(&result)?, "--format", "json"])?;
    assert_eq!(shown["quality"], told["quality"]);
    let people = String::from_utf8(run(&["map", "show", text(&result)?])?.stdout)?;
    assert!(people.contains("fewer than 20 DOMs saw light"), "{people}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn gold(patch: &[&str]) -> Result<Value, Failed> {
    let event = crate::scan::real::folder().join("run00136766-evt000007637140-GOLD.pkl");
    let direct = ["--strategy", "direct", "--nside", "64"];
    scan(event, &[&direct, patch].concat())
}

fn gold_open() -> Result<(), Failed> {
    assert!(is_open(&gold(&["--near", "215,41", "--within", "4"])?)?);
    Ok(())
}

fn gold_closed() -> Result<(), Failed> {
    assert!(!is_open(&gold(&["--near", "224,41", "--within", "6"])?)?);
    Ok(())
}

fn one_string() -> Result<(), Failed> {
    let event = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/one-string.json");
    let patch = [
        "--strategy",
        "direct",
        "--nside",
        "16",
        "--near",
        "0,0",
        "--within",
        "8",
    ];
    assert!(is_open(&scan(event, &patch)?)?);
    Ok(())
}
