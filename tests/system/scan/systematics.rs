//! Scans repeated under systematics.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{
    DEMO, empty_folder, json, map_sha256, number, run, scan, skyscan, stderr, text,
};

/// Three systematics that `pandel-mpe` knows of.
pub(crate) const SET: &str = "tests/fixtures/systematics.json";
/// Coarse and fast.
const PLAN: [&str; 4] = ["--reco", "pandel-mpe", "--nside", "8,64"];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("systematics_are_told_beside_the_answer_without_them", told),
        ("a_scan_that_was_killed_in_its_systematics_goes_on", resumed),
        (
            "systematics_that_a_reco_knows_nothing_of_are_refused",
            refused,
        ),
    ]
}

fn asked<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut asked: Vec<&str> = PLAN.to_vec();
    asked.extend(["--systematics", SET]);
    asked.extend(more);
    asked
}

fn told() -> Result<(), Failed> {
    let plain = scan(DEMO, &PLAN)?;
    let folder = empty_folder("systematics")?;
    let varied = scan(DEMO, &asked(&["--out", text(&folder)?]))?;
    assert!(plain.get("systematics").is_none());
    let said = &varied["systematics"];
    assert_eq!(said["without"]["map_sha256"], plain["map_sha256"]);
    assert_eq!(said["without"]["regions"], plain["regions"]);
    assert_ne!(map_sha256(&varied)?, map_sha256(&plain)?);
    let names: Vec<&Value> = said["shifts"]
        .as_array()
        .ok_or("no shifts")?
        .iter()
        .map(|shift| &shift["name"])
        .collect();
    assert_eq!(names, ["dusty", "clear", "late"]);
    let area = |regions: &Value| number(&regions[1]["area_deg2"]);
    // No direction is in more of the regions than in any of them.
    assert!(area(&said["envelope"])? >= area(&plain["regions"])?);
    assert_eq!(varied["complete"], true);
    let written = |end: &str| {
        let mut names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        names.any(|entry| entry.file_name().to_string_lossy().ends_with(end))
    };
    for end in [
        ".systematics.json",
        ".systematics.png",
        ".systematics.svg",
        ".systematics_envelope.npz",
    ] {
        assert!(written(end), "no {end}");
    }
    // The result files are those of the average: what reads them finds the same map.
    let shown = json(&["map", "show", "--format", "json", text(&journal(&folder)?)?])?;
    assert_eq!(shown["map_sha256"], varied["map_sha256"]);
    let named = |doubt: &str, view: &Value| {
        view["quality"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == doubt))
    };
    assert!(!named("without_systematics", &shown), "{shown}");
    // Nobody takes the envelope for an answer.
    let envelope = ending(&folder, ".systematics_envelope.npz")?;
    let shown = json(&["map", "show", "--format", "json", text(&envelope)?])?;
    assert!(named("envelope", &shown), "{shown}");
    Ok(())
}

fn journal(folder: &Path) -> Result<PathBuf, Failed> {
    ending(folder, ".scan.db")
}

fn ending(folder: &Path, end: &str) -> Result<PathBuf, Failed> {
    let mut paths = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path());
    Ok(paths
        .find(|path| path.to_string_lossy().ends_with(end))
        .ok_or_else(|| format!("no {end}"))?)
}

/// Killed as soon as some of the systematics are done; the map is that of a scan nobody disturbed.
fn resumed() -> Result<(), Failed> {
    let expected = map_sha256(&scan(DEMO, &asked(&[]))?)?;
    let folder = empty_folder("systematics-resumed")?;
    let mut scanner = skyscan()
        .args(["scan", DEMO])
        .args(asked(&[
            "--out",
            text(&folder)?,
            "--workers",
            "1",
            "--chunk",
            "1",
            "--progress",
            "json",
        ]))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let told = BufReader::new(scanner.stderr.take().ok_or("it is piped")?);
    let is_under_way = |line: &String| {
        let state: Value = serde_json::from_str(line).unwrap_or_default();
        let rounds = state["rounds"].as_array();
        rounds
            .and_then(|rounds| rounds.last())
            .is_some_and(|round| round["systematics"] == json!(true))
    };
    let begun = told
        .lines()
        .map_while(Result::ok)
        .any(|line| is_under_way(&line));
    scanner.kill()?;
    scanner.wait()?;
    assert!(begun, "the scan ended before its systematics began");
    let journal = journal(&folder)?;
    assert!(!skyscan::journal::read(&journal)?.is_finished);
    let resumed = json(&["scan", "--resume", text(&folder)?, "--format", "json"])?;
    assert_eq!(map_sha256(&resumed)?, expected);
    assert_eq!(
        resumed["systematics"]["shifts"].as_array().map(Vec::len),
        Some(3)
    );
    // Asked for again it is not repeated, and without systematics it is another scan.
    let again = scan(DEMO, &asked(&["--out", text(&folder)?]))?;
    assert_eq!(map_sha256(&again)?, expected);
    let mut without = vec!["scan", DEMO];
    without.extend(PLAN);
    without.extend(["--out", text(&folder)?]);
    let other = run(&without)?;
    assert_eq!(other.status.code(), Some(2));
    assert!(
        stderr(&other).contains("systematics: none, not three"),
        "{}",
        stderr(&other)
    );
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let refusal = |more: &[&str]| -> Result<String, Failed> {
        let mut arguments = vec!["scan", DEMO];
        arguments.extend(more);
        let output = run(&arguments)?;
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        Ok(stderr(&output))
    };
    let told = refusal(&["--reco", "pandel-mpe", "--systematics", "quick"])?;
    assert!(
        told.contains("\"older holes\"") && told.contains("hole_ice"),
        "{told}"
    );
    let told = refusal(&["--systematics", "nowhere.json"])?;
    assert!(told.contains("quick, full or a file"), "{told}");
    Ok(())
}
