//! The result file, read by the program that it is for.
//!
//! `tests/consumers/skyreader_reads.py` reads it with `skyreader` under the interpreter that
//! `SKYSCAN_PYTHON` names (packages: `tests/consumers/requirements.txt`) and tells what it found.

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use skyscan::output::{self, EventIdentity, ScanRecord};
use skyscan::sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan::sky::{Equatorial, Nside, Pixel};

use crate::needs::{self, Check, group};

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 2] = [
        ("skyreader_finds_the_best_fit_rows_and_metadata", || {
            with_python(finds_everything)
        }),
        ("skyreader_finds_the_best_fit_in_a_coarse_round", || {
            with_python(finds_coarse_best)
        }),
    ];
    group("output_skyreader", needs::python(), checks)
}

fn with_python(test: fn(&OsStr) -> Result<(), Box<dyn Error>>) -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    test(&python).map_err(Failed::from)
}

/// Three rounds around a source, with a failed pixel in each.
fn three_rounds() -> Result<SkyMap, Box<dyn Error>> {
    let source = Equatorial {
        ra_rad: 3.9116,
        dec_rad: 0.7210,
    };
    let mut map = SkyMap::default();
    for (n, radius_rad) in [(8, 3.2), (64, 0.2), (512, 0.03)] {
        let nside = Nside::try_from(n)?;
        for (k, pixel) in nside.within(source, radius_rad).into_iter().enumerate() {
            let distance = pixel.center().separation_rad(source);
            let outcome = if k == 5 {
                PixelOutcome::Failed("minimiser \"stuck\"".to_owned())
            } else {
                fit(1800.0 + 0.1 / f64::from(n) + 5e3 * distance * distance, k)
            };
            map.insert(pixel, outcome);
        }
    }
    Ok(map)
}

fn fit(llh: f64, k: usize) -> PixelOutcome {
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [k as f64 + 0.25, -20.0, 30.0],
        time_ns: 9800.0 + k as f64,
        energy_inside_gev: None,
        energy_total_gev: Some(1e5 + k as f64),
    })
}

fn record<'a>(map: &'a SkyMap, complete: &[u32]) -> Result<ScanRecord<'a>, Box<dyn Error>> {
    let complete: Result<BTreeSet<Nside>, _> =
        complete.iter().map(|&n| Nside::try_from(n)).collect();
    let event = EventIdentity {
        run_id: 136_766,
        event_id: 7_637_140,
        mjd: 59_754.675_884_320_13,
        stream: "GOLD".to_owned(),
    };
    Ok(ScanRecord {
        numerics: Some(1),
        detector: "IceCube-86",
        complete: complete?,
        ..ScanRecord::of_map(map, event, "pandel-mpe")
    })
}

fn finds_everything(python: &OsStr) -> Result<(), Box<dyn Error>> {
    let map = three_rounds()?;
    let (file, read) = understood(python, "everything", &record(&map, &[8, 64])?)?;
    same(
        "file name",
        &read["file_name"],
        &json!(file.file_name().and_then(OsStr::to_str)),
    )?;
    same(
        "event",
        &read["event"],
        &json!("run00136766.evt000007637140.GOLD"),
    )?;
    same("mjd", &read["mjd"], &json!(59_754.675_884_320_13))?;
    same("is_real_event", &read["is_real_event"], &json!(true))?;
    same(
        "minimal metadata",
        &read["has_minimal_metadata"],
        &json!(true),
    )?;
    same("nsides", &read["nsides"], &json!([8, 64, 512]))?;
    for (nside, pixels) in map.rounds() {
        let nside = nside.to_string();
        same("rows", &read["rows"][&nside], &json!(pixels.len() - 1))?;
        let metadata = &read["metadata"][&nside];
        same("complete", &metadata["complete"], &json!(nside != "512"))?;
        same("n_failed", &metadata["n_failed"], &json!(1))?;
        for (key, value) in [
            ("frame", "ICRS"),
            ("equinox", "J2000"),
            ("ordering", "RING"),
            ("declination", "pi/2 - theta"),
            ("llh_definition", "-ln L"),
            ("reco", "pandel-mpe"),
        ] {
            same(key, &metadata[key], &json!(value))?;
        }
        let failed = pixels
            .iter()
            .find(|(_, outcome)| matches!(outcome, PixelOutcome::Failed(_)))
            .ok_or("a pixel failed")?;
        let line = format!("{} minimiser \"stuck\"", failed.0);
        same("failed", &metadata["failed"], &json!(line))?;
    }
    same_best(&map, &read["best"])?;
    let (_, fit) = map.best().ok_or("something was fitted")?;
    same(
        "llh at the best direction",
        &read["llh_at_best_direction"],
        &json!(fit.llh),
    )?;
    for what in ["npz_is_close", "json_is_close"] {
        same(what, &read[what], &json!(true))?;
    }
    same("event in npz", &read["npz_event"], &read["event"])
}

fn finds_coarse_best(python: &OsStr) -> Result<(), Box<dyn Error>> {
    let mut map = three_rounds()?;
    let pixel = Pixel::new(Nside::try_from(64)?, 12_345)?;
    map.insert(pixel, fit(1000.0, 3));
    let (_, read) = understood(python, "coarse", &record(&map, &[8, 64, 512])?)?;
    same("nside", &read["best"]["nside"], &json!(64))?;
    same_best(&map, &read["best"])
}

/// The best pixel, its numbers and its direction, which `skyreader` works out for itself.
fn same_best(map: &SkyMap, read: &Value) -> Result<(), Box<dyn Error>> {
    let (pixel, fit) = map.best().ok_or("something was fitted")?;
    same("best nside", &read["nside"], &json!(pixel.nside))?;
    same("best index", &read["index"], &json!(pixel.index))?;
    same("best llh", &read["llh"], &json!(fit.llh))?;
    same("best X", &read["X"], &json!(fit.position_m[0]))?;
    same("best T", &read["T"], &json!(fit.time_ns))?;
    same("best E_tot", &read["E_tot"], &json!(fit.energy_total_gev))?;
    same("unknown energy", &read["E_in_is_nan"], &json!(true))?;
    let centre = pixel.center();
    for (what, ours) in [("ra_rad", centre.ra_rad), ("dec_rad", centre.dec_rad)] {
        let theirs = read[what].as_f64().ok_or("no direction")?;
        if (ours - theirs).abs() > 1e-12 {
            return Err(format!("{what}: {ours} here, {theirs} there").into());
        }
    }
    Ok(())
}

/// Writes the result and returns what skyreader makes of it.
fn understood(
    python: &OsStr,
    name: &str,
    record: &ScanRecord<'_>,
) -> Result<(PathBuf, Value), Box<dyn Error>> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("skyreader-{name}"));
    let scratch = dir.join("written-by-skyreader");
    std::fs::create_dir_all(&scratch)?;
    let file = output::write_result(&dir, record)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/skyreader_reads.py");
    let run = Command::new(python)
        .arg(script)
        .arg(&file)
        .arg(&scratch)
        .output()?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let read = serde_json::from_slice(&run.stdout)?;
    std::fs::remove_dir_all(&dir)?;
    Ok((file, read))
}

fn same(what: &str, found: &Value, expected: &Value) -> Result<(), Box<dyn Error>> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found}, not {expected}").into())
    }
}
