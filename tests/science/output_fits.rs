//! Maps in FITS, read back: skyscan's own, and those that healpy and ligo.skymap write, compared with
//! what these programs say of them.
//!
//! `tests/consumers/maps_written.py` writes the maps of others under the interpreter that
//! `SKYSCAN_PYTHON` names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::needs::{self, Check, group};

pub(crate) fn trials() -> Vec<Trial> {
    let python: [(&str, Check); 1] = [(
        "e12_maps_of_others_have_the_regions_that_they_say",
        of_others,
    )];
    let always: [(&str, Check); 3] = [
        ("e12_own_maps_say_what_the_scan_said", own),
        ("e12_damage_is_told_in_one_line", damaged),
        ("e16_maps_of_two_events_are_told_apart", of_two_events),
    ];
    let mut trials = group("output_fits", needs::python(), python);
    trials.extend(group("output_fits", None, always));
    trials
}

fn skyscan(arguments: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()?)
}

/// The JSON document that the program prints.
fn told(arguments: &[&str]) -> Result<Value, Failed> {
    let output = skyscan(arguments)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn shown(path: &Path) -> Result<Value, Failed> {
    let path = path.to_str().ok_or("a strange path")?;
    told(&["map", "show", path, "--format", "json"])
}

fn folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(folder)
}

fn near(found: &Value, wanted: &Value, share: f64, what: &str) -> Result<(), Failed> {
    let (Some(a), Some(b)) = (found.as_f64(), wanted.as_f64()) else {
        return Err(format!("{what}: {found} and {wanted}").into());
    };
    match (a - b).abs() <= share * b.abs() {
        true => Ok(()),
        false => Err(format!("{what}: {a}, not {b}").into()),
    }
}

fn of_others() -> Result<(), Failed> {
    let folder = folder("fits-of-others")?;
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let run = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/maps_written.py"))
        .arg(&folder)
        .output()?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let written: Value = serde_json::from_slice(&run.stdout)?;
    let written = written.as_object().ok_or("no maps")?;
    assert_eq!(written.len(), 8);
    for (name, wanted) in written {
        let view = shown(&folder.join(name))?;
        for angle in ["ra_deg", "dec_deg"] {
            near(&view["best_fit"][angle], &wanted[angle], 1e-9, name)?;
        }
        let values = match name.as_str() {
            "llh.fits" => json!(["llh", "wilks"]),
            _ => json!(["probability", "posterior"]),
        };
        assert_eq!(
            json!([view["values"], view["regions_method"]]),
            values,
            "{name}"
        );
        for region in [0, 1] {
            let area = &view["regions"][region]["area_deg2"];
            near(area, &wanted["areas_deg2"][region], 0.01, name)?;
        }
    }
    for (name, part) in [
        ("galactic.fits", "COORDSYS) is \"G\", not equatorial"),
        ("counts.fits", "add up to 7.0000, not to 1"),
    ] {
        let path = folder.join(name);
        refused(path.to_str().ok_or("a strange path")?, part)?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn refused(path: &str, part: &str) -> Result<(), Failed> {
    let output = skyscan(&["map", "show", path])?;
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_told = output.status.code() == Some(2) && line.lines().count() == 1;
    match is_told && line.contains(part) {
        true => Ok(()),
        false => Err(format!("{path}: {:?}, {line}", output.status.code()).into()),
    }
}

fn scan(name: &str, event: &str) -> Result<(Value, PathBuf), Failed> {
    let folder = folder(name)?;
    let out = folder.to_str().ok_or("a strange path")?;
    let summary = told(&[
        "scan", event, "--nside", "4,32", "--format", "json", "--out", out,
    ])?;
    Ok((summary, folder))
}

/// The file of a folder with this end.
fn one(folder: &Path, end: &str) -> Result<PathBuf, Failed> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(end) {
            return Ok(path);
        }
    }
    Err(format!("no file {end}").into())
}

fn own() -> Result<(), Failed> {
    let (summary, folder) = scan("fits-own", "demo/event.json")?;
    let json_file = one(&folder, "4_32.json")?;
    for end in ["multiorder.fits", "probability.fits.gz"] {
        let path = one(&folder, end)?;
        let view = shown(&path)?;
        assert_eq!(view["event"], summary["event"], "{end}");
        assert_eq!(
            (&view["values"], &view["reco"]),
            (&json!("llh"), &summary["reco"])
        );
        for angle in ["ra_deg", "dec_deg"] {
            near(
                &view["best_fit"][angle],
                &summary["best_fit"][angle],
                1e-9,
                end,
            )?;
        }
        for region in [0, 1] {
            // Of the flat map a coarse pixel next to fine ones is one like them.
            let (found, wanted) = (&view["regions"][region], &summary["regions"][region]);
            near(&found["area_deg2"], &wanted["area_deg2"], 0.01, end)?;
        }
        let paths = [&json_file, &path].map(|path| path.to_str().unwrap_or_default());
        let both = told(&["map", "compare", paths[0], paths[1], "--format", "json"])?;
        assert_eq!(both["is_same_event"], json!(true));
        assert_eq!(both["separation_deg"], json!(0.0));
        let again = folder.join(format!("again-{}", end.len()));
        let again = again.to_str().ok_or("a strange path")?;
        for command in ["plot", "convert"] {
            let output = skyscan(&["map", command, paths[1], "--out", again])?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{command} {end}: {error}");
        }
        // What was written of it says the same again.
        let copy = one(Path::new(again), "multiorder.fits")?;
        assert_eq!(shown(&copy)?["regions"], view["regions"], "{end}");
    }
    let region = one(&folder, "region_90.moc.fits")?;
    refused(
        region.to_str().ok_or("a strange path")?,
        "none of PROB, PROBDENSITY, 2DLLH: it is no map of a direction",
    )?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Any digit of a header, any cut: no panic, no endless loop, no memory asked for.
fn damaged() -> Result<(), Failed> {
    let (_, folder) = scan("fits-damaged", "demo/event.json")?;
    let file = std::fs::read(one(&folder, "multiorder.fits")?)?;
    let header = 4 * 2880;
    let digits: Vec<usize> = (0..header)
        .filter(|at| file[*at].is_ascii_digit())
        .collect();
    let path = folder.join("damaged.fits");
    let show = |bytes: &[u8]| -> Result<(), Failed> {
        std::fs::write(&path, bytes)?;
        let output = Command::new("sh")
            .args([
                "-c",
                "ulimit -t 2; ulimit -d 204800; exec \"$0\" map show \"$1\"",
            ])
            .arg(env!("CARGO_BIN_EXE_skyscan"))
            .arg(&path)
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Ok(()),
            Some(2) if error.lines().count() == 1 => Ok(()),
            code => Err(format!("{code:?}: {error}").into()),
        }
    };
    for (n, at) in digits.iter().enumerate().step_by(19) {
        let mut bytes = file.clone();
        bytes[*at] = b'9';
        // More digits before it, as far as there is room.
        for before in (at.saturating_sub(n % 15)..*at).rev() {
            if bytes[before] != b' ' || bytes[before - 1] == b'=' {
                break;
            }
            bytes[before] = b'9';
        }
        show(&bytes)?;
    }
    for part in 0..15 {
        show(&file[..file.len() * part / 15])?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn of_two_events() -> Result<(), Failed> {
    let (_, first) = scan("fits-two/first", "demo/event.json")?;
    let event = first.join("other.json");
    let event = event.to_str().ok_or("a strange path")?;
    skyscan(&["event", "generate", "--seed", "3", "--output", event])?;
    let (_, second) = scan("fits-two/second", event)?;
    let names = ["first", "second"];
    for (folder, name) in [&first, &second].into_iter().zip(names) {
        let link = folder.join("result.json");
        std::fs::copy(one(folder, "4_32.json")?, &link)?;
        assert!(link.exists(), "{name}");
    }
    let paths = [&first, &second].map(|folder| folder.join("result.json"));
    let [a, b] = paths
        .each_ref()
        .map(|path| path.to_str().unwrap_or_default());
    let out = first.join("pictures");
    let out = out.to_str().ok_or("a strange path")?;
    let text = skyscan(&["map", "compare", a, b, "--out", out])?;
    let text = String::from_utf8(text.stdout)?;
    assert!(
        text.starts_with(
            "WARNING: the maps are of different events: run 0 event 10, and run 0 event 3"
        ),
        "{text}"
    );
    assert!(text.contains("first/result.json") && text.contains("second/result.json"));
    let object = told(&["map", "compare", a, b, "--format", "json"])?;
    assert_eq!(object["is_same_event"], json!(false));
    let picture = std::fs::read_to_string(Path::new(out).join("comparison.svg"))?;
    assert!(picture.len() > 1000);
    let own = told(&["map", "compare", a, a, "--format", "json"])?;
    assert_eq!(own["is_same_event"], json!(true));
    std::fs::remove_dir_all(first.parent().ok_or("no parent")?)?;
    Ok(())
}
