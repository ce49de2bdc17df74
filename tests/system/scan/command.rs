//! Runs the program and takes apart what it says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

pub(crate) const DEMO: &str = "demo/event.json";

/// The program, started at the top of the project.
pub(crate) fn skyscan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("SKYSCAN_LOG")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Result<Output, Failed> {
    Ok(skyscan().args(arguments).output()?)
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the program, which must succeed and print one JSON document and nothing else.
pub(crate) fn json<S: AsRef<OsStr>>(arguments: &[S]) -> Result<Value, Failed> {
    let output = run(arguments)?;
    if output.status.code() != Some(0) {
        return Err(format!("{}: {}", output.status, stderr(&output)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs `skyscan scan EVENT ... --format json`.
pub(crate) fn scan(event: impl AsRef<OsStr>, more: &[&str]) -> Result<Value, Failed> {
    let mut arguments = vec![OsStr::new("scan"), event.as_ref()];
    arguments.extend(more.iter().map(OsStr::new));
    arguments.extend(["--format", "json"].map(OsStr::new));
    json(&arguments)
}

/// The map's hash in hexadecimal.
pub(crate) fn map_sha256(scan: &Value) -> Result<String, Failed> {
    let hash = scan["map_sha256"].as_str().ok_or("no map_sha256")?;
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("{hash:?} is no SHA-256").into());
    }
    Ok(hash.to_owned())
}

/// Names of an object's members, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object
        .as_object()
        .map(|members| members.keys().map(String::as_str).collect())
        .unwrap_or_default();
    keys.sort_unstable();
    keys
}

/// That an object has exactly these members.
pub(crate) fn same_keys(object: &Value, expected: &[&str]) -> Result<(), Failed> {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    if keys(object) == expected {
        return Ok(());
    }
    Err(format!("members {:?}, not {expected:?}", keys(object)).into())
}

pub(crate) fn number(value: &Value) -> Result<f64, Failed> {
    value
        .as_f64()
        .ok_or_else(|| format!("{value} is no number").into())
}

/// Angle between two directions, all in degrees.
pub(crate) fn separation_deg(a: (f64, f64), b: (f64, f64)) -> f64 {
    let vector = |(lon, lat): (f64, f64)| {
        let ((sin_lon, cos_lon), (sin_lat, cos_lat)) =
            (lon.to_radians().sin_cos(), lat.to_radians().sin_cos());
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
    };
    let (a, b) = (vector(a), vector(b));
    let chord: f64 = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum();
    2.0 * (chord.sqrt() / 2.0).min(1.0).asin().to_degrees()
}

/// Angle from the best fit to a direction.
pub(crate) fn off_by_deg(scan: &Value, ra_deg: f64, dec_deg: f64) -> Result<f64, Failed> {
    let best = &scan["best_fit"];
    let found = (number(&best["ra_deg"])?, number(&best["dec_deg"])?);
    Ok(separation_deg(found, (ra_deg, dec_deg)))
}

/// An empty folder of this test's own.
pub(crate) fn empty_folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("scan")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> Result<&str, Failed> {
    Ok(path.to_str().ok_or("the path is not UTF-8")?)
}
