//! The map depends on the event and on what is asked, and on nothing else.

use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::needs::Check;
use crate::scan::command::{
    DEMO, empty_folder, map_sha256, number, off_by_deg, run, same_keys, scan, separation_deg,
    stderr, text,
};

const QUICK: [&str; 2] = ["--nside", "4,32"];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("the_demo_event_is_found_and_its_truth_covered", demo),
        (
            "the_map_does_not_depend_on_workers_or_chunks",
            workers_and_chunks,
        ),
        (
            "the_map_does_not_depend_on_naming_the_shipped_detector",
            detector,
        ),
        ("another_detector_gives_another_map", other_detector),
        ("a_direct_scan_looks_where_it_is_told", direct),
        ("a_direct_scan_takes_in_the_whole_sky", direct_whole_sky),
    ]
}

/// Where the demo event really came from.
fn truth() -> Result<(f64, f64), Failed> {
    let demo = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(DEMO))?;
    let demo: Value = serde_json::from_slice(&demo)?;
    let direction = &demo["event"]["truth"]["direction"];
    Ok((
        number(&direction["azimuth_rad"])?.to_degrees(),
        90.0 - number(&direction["zenith_rad"])?.to_degrees(),
    ))
}

fn demo() -> Result<(), Failed> {
    let scan = scan(DEMO, &[])?;
    same_keys(
        &scan,
        &[
            "event",
            "reco",
            "numerics",
            "transport",
            "best_fit",
            "sub_pixel",
            "second_minimum",
            "regions_method",
            "coverage_sha256",
            "regions",
            "truth",
            "quality",
            "tasks",
            "pixels",
            "failed_pixels",
            "complete",
            "ending",
            "wall_seconds",
            "cpu_seconds",
            "busy_seconds",
            "map_sha256",
            "files",
            "files_failed",
        ],
    )?;
    same_keys(&scan["event"], &["run_id", "event_id", "mjd"])?;
    same_keys(
        &scan["best_fit"],
        &["ra_deg", "dec_deg", "zenith_deg", "azimuth_deg", "llh"],
    )?;
    same_keys(
        &scan["tasks"],
        &[
            "planned",
            "accepted",
            "duplicate",
            "lost",
            "failed",
            "speculated",
            "ahead",
            "asked_for",
        ],
    )?;
    same_keys(
        &scan["pixels"],
        &["4", "8", "16", "32", "64", "128", "256", "512"],
    )?;
    let regions = scan["regions"].as_array().ok_or("regions are a list")?;
    for region in regions {
        same_keys(
            region,
            &[
                "containment",
                "level",
                "contour_level",
                "area_deg2",
                "ra_plus_deg",
                "ra_minus_deg",
                "dec_plus_deg",
                "dec_minus_deg",
                "closed",
                "gaps",
            ],
        )?;
    }
    let contained: Vec<&Value> = regions
        .iter()
        .map(|region| &region["containment"])
        .collect();
    assert_eq!(contained, [0.5, 0.9]);
    let areas = [
        number(&regions[0]["area_deg2"])?,
        number(&regions[1]["area_deg2"])?,
    ];
    assert!(
        0.0 < areas[0] && areas[0] < areas[1] && areas[1] < 10.0,
        "{areas:?}"
    );
    assert_eq!(scan["pixels"]["4"], 192);
    assert_eq!(scan["reco"], "photon-mpe");
    assert_eq!(scan["transport"], "memory:");
    assert_eq!(
        (&scan["complete"], &scan["files"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(scan["files_failed"], json!([]));
    assert_eq!(scan["tasks"]["planned"], scan["tasks"]["accepted"]);
    // Light that was not seen to either side of the track leaves room for another one.
    assert_eq!(scan["quality"], json!(["second_minimum"]));
    assert!((2.0..5.0).contains(&number(&scan["second_minimum"]["separation_deg"])?));
    assert!(number(&scan["cpu_seconds"])? > 0.0 && number(&scan["busy_seconds"])? > 0.0);
    assert!(number(&scan["wall_seconds"])? > 0.0);
    map_sha256(&scan)?;
    same_keys(
        &scan["truth"],
        &["ra_deg", "dec_deg", "separation_deg", "inside"],
    )?;

    let best = &scan["best_fit"];
    let found = (
        number(&best["azimuth_deg"])?,
        90.0 - number(&best["zenith_deg"])?,
    );
    let off_deg = separation_deg(found, truth()?);
    assert!(off_deg < 0.5, "{off_deg} deg off: {best}");
    Ok(())
}

fn workers_and_chunks() -> Result<(), Failed> {
    let hash = |more: &[&str]| map_sha256(&scan(DEMO, &[&QUICK, more].concat())?);
    let expected = hash(&[])?;
    for more in [
        ["--workers", "1"].as_slice(),
        &["--workers", "2"],
        &["--workers", "7"],
        &["--chunk", "1"],
        &["--chunk", "5"],
        &["--chunk", "64", "--workers", "3"],
    ] {
        assert_eq!(hash(more)?, expected, "{more:?}");
    }
    Ok(())
}

fn detector() -> Result<(), Failed> {
    let hash = |more: &[&str]| map_sha256(&scan(DEMO, &[&["--nside", "4"], more].concat())?);
    assert_eq!(
        hash(&["--detector", "detectors/icecube86.json"])?,
        hash(&[])?
    );
    Ok(())
}

/// A description that was changed counts, so that the check above cannot pass by neglect.
fn other_detector() -> Result<(), Failed> {
    let folder = empty_folder("other-detector")?;
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("detectors/icecube86.json");
    let mut description: Value = serde_json::from_slice(&std::fs::read(shipped)?)?;
    for layer in description["ice"].as_array_mut().ok_or("ice is a list")? {
        layer[1] = json!(2.0 * number(&layer[1])?);
    }
    let clearer = folder.join("clearer.json");
    std::fs::write(&clearer, description.to_string())?;
    let quick = ["--nside", "4"];
    let other = scan(
        DEMO,
        &[&quick, ["--detector", text(&clearer)?].as_slice()].concat(),
    )?;
    assert_ne!(map_sha256(&other)?, map_sha256(&scan(DEMO, &quick)?)?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn direct() -> Result<(), Failed> {
    let near = scan(DEMO, &QUICK)?;
    let best = &near["best_fit"];
    let (ra_deg, dec_deg) = (number(&best["ra_deg"])?, number(&best["dec_deg"])?);
    let center = format!("{ra_deg},{dec_deg}");
    let direct = scan(
        DEMO,
        &[
            "--strategy",
            "direct",
            "--nside",
            "128",
            "--near",
            &center,
            "--within",
            "3",
        ],
    )?;
    let off_deg = off_by_deg(&direct, ra_deg, dec_deg)?;
    assert!(off_deg < 1.5, "{off_deg} deg off");
    same_keys(&direct["pixels"], &["128"])?;
    // A disc of 3 degrees over pixels of a fifth of a square degree.
    let n_pixels = number(&direct["pixels"]["128"])?;
    let expected = 12.0 * 128.0 * 128.0 * (1.0 - 3f64.to_radians().cos()) / 2.0;
    assert!((n_pixels / expected - 1.0).abs() < 0.1, "{n_pixels} pixels");

    // A disc that misses the source finds its best inside all the same.
    let (elsewhere_ra, elsewhere_dec) = ((ra_deg + 180.0) % 360.0, -dec_deg);
    let elsewhere = format!("{elsewhere_ra},{elsewhere_dec}");
    let missed = scan(
        DEMO,
        &[
            "--strategy",
            "direct",
            "--nside",
            "64",
            "--near",
            &elsewhere,
            "--within",
            "4",
        ],
    )?;
    assert!(off_by_deg(&missed, elsewhere_ra, elsewhere_dec)? < 4.0);
    assert!(number(&missed["best_fit"]["llh"])? > number(&direct["best_fit"]["llh"])?);
    Ok(())
}

fn direct_whole_sky() -> Result<(), Failed> {
    let output = run(&["scan", DEMO, "--strategy", "direct", "--nside", "8"])?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("768 at nside 8"), "{told}");
    Ok(())
}
