//! Every file of `scan --out`, read by the program that it is for, and the numbers compared.
//!
//! `tests/consumers/files_read.py` reads the folder under the interpreter that `SKYSCAN_PYTHON` names
//! (packages: `tests/consumers/requirements.txt`): skyreader, healpy, ligo.skymap, astropy, mocpy
//! and shapely.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::needs::{self, Check, group, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    let (reference, missing) = needs::reference_scan();
    let python: [(&str, Check); 1] = [("every_file_says_the_same_to_its_reader", every_file)];
    let always: [(&str, Check); 3] = [
        ("a_map_read_back_is_the_same_map", read_back),
        ("a_map_read_back_has_the_same_levels", same_levels),
        ("two_maps_are_compared", compared),
    ];
    let mut trials = group("output_files", needs::python(), python);
    trials.extend(group("output_files", None, always));
    let name = "output_files::a_mirrored_file_is_never_misread";
    trials.push(trial_with(missing, name, move || mirrored(&reference)));
    trials
}

/// Scans the demo event into an empty folder; the summary and the folder.
fn scan(name: &str, more: &[&str]) -> Result<(Value, PathBuf), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let out = folder.to_str().ok_or("a strange path")?;
    let mut arguments = vec!["scan", "demo/event.json", "--format", "json", "--out", out];
    arguments.extend(more);
    Ok((told(&arguments)?, folder))
}

fn skyscan(arguments: &[&str]) -> Result<std::process::Output, Failed> {
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

fn every_file() -> Result<(), Failed> {
    let (summary, folder) = scan(
        "files-every",
        &["--nside", "8,64,256", "--regions", "wilks"],
    )?;
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let run = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/files_read.py"))
        .arg(&folder)
        .output()?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let read: Value = serde_json::from_slice(&run.stdout)?;
    let best = &summary["best_fit"];
    let (fifty, ninety) = (&summary["regions"][0], &summary["regions"][1]);

    for reader in ["json", "npz", "flat", "multi_order"] {
        for angle in ["ra_deg", "dec_deg"] {
            near(&read[reader][angle], &best[angle], 1e-9, reader)?;
        }
    }
    for format in ["json", "npz"] {
        let read = &read[format];
        assert_eq!(read["llh"], best["llh"]);
        assert_eq!(read["rows"], summary["pixels"]);
        assert_eq!(
            read["event"],
            json!("run00000000.evt000000000010.SYNTHETIC")
        );
        assert_eq!(read["declination"], json!("pi/2 - theta"));
        assert_eq!(read["regions"], json!("wilks"));
    }
    assert_eq!(read["npz_is_json"], json!(true));

    for (map, sum) in [
        ("flat", "sum"),
        ("multi_order", "sum"),
        ("multi_order", "astropy_sum"),
    ] {
        near(&read[map][sum], &json!(1.0), 1e-6, map)?;
    }
    near(
        &read["multi_order"]["tiled_sr"],
        &json!(4.0 * std::f64::consts::PI),
        1e-9,
        "sky",
    )?;
    assert_eq!(read["flat"]["ordering"], json!("RING"));
    // Pixels that hold 90 % and the contour of Wilks' theorem agree as far as the bowl is round.
    near(
        &read["flat"]["area_90_deg2"],
        &ninety["area_deg2"],
        0.15,
        "healpy's area",
    )?;

    for (place, region) in [("50", fifty), ("90", ninety)] {
        let moc = &read[format!("region_{place}")];
        near(
            &moc["area_deg2"],
            &region["area_deg2"],
            0.01,
            "mocpy's area",
        )?;
        assert_eq!(moc["holds_best"], json!(true));
        let text = &read[format!("contour_{place}")];
        assert_eq!(text["columns"], json!(["ra (rad)", "dec (rad)"]));
        near(&text["ra_deg"], &best["ra_deg"], 0.02, "contour")?;
        near(&text["dec_deg"], &best["dec_deg"], 0.02, "contour")?;
    }
    for (polygon, region) in [(0, fifty), (1, ninety)] {
        let polygon = &read["polygons"][polygon];
        near(&polygon["area_deg2"], &region["area_deg2"], 1e-4, "polygon")?;
    }

    let shape = |kind: &str, name: &str| json!({"kind": kind, "name": name, "frame": "icrs"});
    assert_eq!(
        read["ds9"],
        json!([
            shape("PointSkyRegion", "best fit"),
            shape("PolygonSkyRegion", "50 %"),
            shape("PolygonSkyRegion", "90 %"),
        ])
    );

    let notice = &read["notice"];
    assert_eq!(notice["wrong"], json!([]));
    assert_eq!(notice["alert_tense"], json!("test"));
    assert_eq!(notice["trigger_time"], json!("2024-01-01T06:00:00.000Z"));
    assert_eq!(notice["cells_sent"], read["multi_order"]["cells"]);
    near(&notice["ra"], &best["ra_deg"], 1e-12, "notice")?;
    near(&notice["dec"], &best["dec_deg"], 1e-12, "notice")?;

    let headers = read["headers"].as_object().ok_or("no headers")?;
    assert_eq!(headers.len(), 4);
    for (file, header) in headers {
        assert_eq!(header["frame"], json!("ICRS"), "{file}");
        assert_eq!(header["declination"], json!("pi/2 - theta"), "{file}");
        assert_eq!(header["llh"], json!("-ln L"), "{file}");
        assert_eq!(header["regions"], json!("wilks"), "{file}");
        assert_eq!(header["date"], json!("2024-01-01T06:00:00.000"), "{file}");
        near(&header["RA"], &best["ra_deg"], 1e-12, file)?;
        near(&header["area_90"], &ninety["area_deg2"], 1e-12, file)?;
    }
    let errors = &read["errors"];
    assert_eq!(errors["regions"], summary["regions"]);
    assert_eq!(errors["sub_pixel"], summary["sub_pixel"]);
    assert!(errors["sub_pixel"]["sigma_major_deg"].as_f64() > Some(0.05));
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// The levels of a region go by the number of DOMs that saw light: every map tells it.
fn same_levels() -> Result<(), Failed> {
    let (summary, folder) = scan("files-same-levels", &["--nside", "4,16"])?;
    let levels = |view: &Value| [0, 1].map(|i| view["regions"][i]["level"].clone());
    for extension in ["16.json", "16.npz", ".multiorder.fits", ".fits.gz"] {
        let file = ending(&summary, extension)?;
        let arguments = ["map", "show", &file, "--format", "json"];
        let view = told(&[arguments.as_slice(), &["--regions", "coverage"]].concat())?;
        assert_eq!(levels(&view), levels(&summary), "{extension}");
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn read_back() -> Result<(), Failed> {
    let (summary, folder) = scan(
        "files-read-back",
        &["--nside", "4,16", "--regions", "posterior"],
    )?;
    for extension in ["4_16.json", "4_16.npz"] {
        let file = ending(&summary, extension)?;
        let view = told(&[
            "map",
            "show",
            &file,
            "--regions",
            "posterior",
            "--format",
            "json",
        ])?;
        for key in [
            "map_sha256",
            "regions",
            "sub_pixel",
            "pixels",
            "complete",
            "regions_method",
        ] {
            assert_eq!(view[key], summary[key], "{extension}: {key}");
        }
        assert_eq!(view["event"], summary["event"]);
        assert_eq!(view["best_fit"]["llh"], summary["best_fit"]["llh"]);
    }
    // The last round is far coarser than the region: that is said, not hidden.
    let pixel_deg2 = 41_252.96 / (12.0 * 16.0 * 16.0);
    for region in summary["regions"].as_array().ok_or("no regions")? {
        let grown = region["contour_level"].as_f64() > region["level"].as_f64();
        assert!(
            grown && region["area_deg2"].as_f64() > Some(pixel_deg2),
            "{region}"
        );
    }
    let again = folder.join("again");
    let copy = again.to_str().ok_or("a strange path")?;
    let file = ending(&summary, "npz")?;
    let output = skyscan(&[
        "map",
        "convert",
        &file,
        "--regions",
        "posterior",
        "--out",
        copy,
    ])?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for extension in [
        "4_16.npz",
        "multiorder.fits",
        "probability.fits.gz",
        "contour_90.txt",
    ] {
        let first = PathBuf::from(ending(&summary, extension)?);
        let second = again.join(first.file_name().ok_or("no name")?);
        assert_eq!(
            std::fs::read(&first)?,
            std::fs::read(second)?,
            "{extension}"
        );
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn compared() -> Result<(), Failed> {
    let (coarse, first) = scan("files-compared-coarse", &["--nside", "4,16"])?;
    let (fine, second) = scan("files-compared-fine", &["--nside", "4,32"])?;
    let (a, b) = (ending(&coarse, "4_16.json")?, ending(&fine, "4_32.npz")?);
    let pictures = first.join("comparison");
    let out = pictures.to_str().ok_or("a strange path")?;
    let told_both = told(&["map", "compare", &a, &b, "--out", out, "--format", "json"])?;
    let mut names: Vec<_> = std::fs::read_dir(&pictures)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()?;
    names.sort();
    assert_eq!(names, ["comparison.png", "comparison.svg"]);
    assert_eq!(told_both["is_same_map"], json!(false));
    assert_eq!(told_both["pixels"]["in_both"], json!(192), "{told_both}");
    assert_eq!(told_both["pixels"]["only_in_first"], coarse["pixels"]["16"]);
    assert_eq!(told_both["pixels"]["only_in_second"], fine["pixels"]["32"]);
    // Not further apart than the corners of a coarse pixel.
    assert!(
        told_both["separation_deg"].as_f64() < Some(5.2),
        "{told_both}"
    );
    for (region, [one, other]) in [0, 1].map(|i| (i, [&coarse, &fine])) {
        let overlap = &told_both["regions"][region];
        let areas = [one, other].map(|scan| &scan["regions"][region]["area_deg2"]);
        near(&overlap["first_deg2"], areas[0], 1e-6, "area of the first")?;
        near(
            &overlap["second_deg2"],
            areas[1],
            1e-6,
            "area of the second",
        )?;
        let shared = overlap["shared_deg2"].as_f64();
        assert!(shared <= areas[1].as_f64() && shared >= Some(0.0));
    }
    let same = told(&["map", "compare", &a, &a, "--format", "json"])?;
    assert_eq!(same["is_same_map"], json!(true));
    assert_eq!(same["separation_deg"], json!(0.0));
    std::fs::remove_dir_all(first)?;
    std::fs::remove_dir_all(second)?;
    Ok(())
}

fn ending(summary: &Value, end: &str) -> Result<String, Failed> {
    let files = summary["files"].as_array().ok_or("files are a list")?;
    let mut paths = files.iter().filter_map(Value::as_str);
    Ok(paths
        .find(|p| p.ends_with(end))
        .ok_or("not written")?
        .to_owned())
}

/// An npz of version 0 with the old convention: its best fit is at Dec -41.31, the event at +41.31.
fn mirrored(reference: &Path) -> Result<(), Failed> {
    let file = reference.to_str().ok_or("a strange path")?;
    let refused = skyscan(&["map", "show", file])?;
    assert_eq!(refused.status.code(), Some(2));
    let told_why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told_why.contains("--declination"), "{told_why}");

    let show = |sign: &str, method: &str| {
        told(&[
            "map",
            "show",
            file,
            "--declination",
            sign,
            "--regions",
            method,
            "--format",
            "json",
        ])
    };
    let view = show("mirrored", "calibrated")?;
    assert_eq!(view["declination_was_mirrored"], json!(true));
    near(&view["best_fit"]["ra_deg"], &json!(224.12), 1e-4, "ra")?;
    near(&view["best_fit"]["dec_deg"], &json!(41.31), 1e-3, "dec")?;
    for (region, area_deg2) in [(0, 2.353), (1, 7.487)] {
        let found = &view["regions"][region]["area_deg2"];
        near(found, &json!(area_deg2), 0.01, "skyreader's area")?;
    }
    near(
        &show("mirrored", "wilks")?["regions"][1]["area_deg2"],
        &json!(0.1553),
        0.01,
        "wilks",
    )?;
    near(
        &show("standard", "wilks")?["best_fit"]["dec_deg"],
        &json!(-41.31),
        1e-3,
        "as it is",
    )
}

fn near(found: &Value, expected: &Value, share: f64, what: &str) -> Result<(), Failed> {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) if (found / expected - 1.0).abs() <= share => Ok(()),
        _ => Err(format!("{what}: {found}, expected {expected}").into()),
    }
}
