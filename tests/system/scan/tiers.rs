//! Tiers stand for options, and other starts for other fits.

use libtest_mimic::Failed;

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, map_sha256, run, scan, stderr, text};
use crate::scan::systematics::SET;

/// Coarse and fast.
const COARSE: [&str; 2] = ["--nside", "4,16"];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_tier_is_what_it_stands_for", stands_for),
        ("an_option_that_is_given_wins_over_its_tier", given),
        ("the_map_under_variations_is_always_the_same", variations),
    ]
}

fn with<'a>(more: &[&[&'a str]]) -> Vec<&'a str> {
    more.concat()
}

fn stands_for() -> Result<(), Failed> {
    let pole = [
        "--reco",
        "linefit",
        "--nside",
        "4,8,16,32,64",
        "--regions",
        "wilks",
    ];
    let archival = [
        "--reco",
        "photon-mpe",
        "--regions",
        "coverage",
        "--systematics",
        SET,
    ];
    let table: [(&[&str], &[&str]); 3] = [
        (&["--tier", "pole"], &pole),
        (
            &["--tier", "mma", "--nside", "4,16"],
            &[
                "--reco",
                "photon-mpe",
                "--regions",
                "coverage",
                "--nside",
                "4,16",
            ],
        ),
        (
            &[
                "--tier",
                "archival",
                "--nside",
                "4,16",
                "--systematics",
                SET,
            ],
            &with(&[&archival, &COARSE]),
        ),
    ];
    for (tier, options) in table {
        let (short, long) = (scan(DEMO, tier)?, scan(DEMO, options)?);
        assert_eq!(map_sha256(&short)?, map_sha256(&long)?, "{tier:?}");
        assert_eq!(short["regions"], long["regions"], "{tier:?}");
        assert_eq!(short["reco"], long["reco"], "{tier:?}");
    }
    Ok(())
}

fn given() -> Result<(), Failed> {
    let output = run(&with(&[
        &["scan", DEMO, "--format", "json", "--tier", "pole"],
        &COARSE,
        &["--regions", "posterior"],
    ]))?;
    let told = stderr(&output);
    let line = "tier pole stands for --reco linefit; as given: --nside --regions";
    assert!(told.contains(line), "{told}");
    let short: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let options = ["--reco", "linefit", "--regions", "posterior"];
    let long = scan(DEMO, &with(&[&options, &COARSE]))?;
    assert_eq!(map_sha256(&short)?, map_sha256(&long)?);
    assert_eq!(short["regions_method"], "posterior");
    // What makes no sense when it is typed makes none as a tier.
    for (more, expected) in [
        (["--tier", "archival", "--reco", "linefit"], "linefit"),
        (["--tier", "pole", "--strategy", "direct"], "one nside"),
        (["--tier", "mma", "--resume", "results"], "--resume"),
    ] {
        let output = run(&with(&[&["scan"], &more, &[DEMO]]))?;
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    Ok(())
}

fn variations() -> Result<(), Failed> {
    let folder = empty_folder("variations")?;
    let asked = with(&[&COARSE, &["--variations", "octahedron"]]);
    let one = scan(DEMO, &with(&[&asked, &["--out", text(&folder)?]]))?;
    let many = scan(DEMO, &with(&[&asked, &["--workers", "3", "--chunk", "5"]]))?;
    assert_eq!(map_sha256(&one)?, map_sha256(&many)?);
    assert_eq!(one["variations"], "octahedron");
    // Another start never makes the best fit worse.
    let point = scan(DEMO, &COARSE)?;
    assert!(point.get("variations").is_none());
    let llh = |found: &serde_json::Value| found["best_fit"]["llh"].as_f64().ok_or("no llh");
    assert!(llh(&one)? <= llh(&point)? + 1e-3);
    let other = run(&with(&[&["scan", DEMO, "--out", text(&folder)?], &COARSE]))?;
    let told = stderr(&other);
    assert_eq!(other.status.code(), Some(2), "{told}");
    assert!(told.contains("variations: point, not octahedron"), "{told}");
    Ok(())
}
