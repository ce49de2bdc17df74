//! Real events, where they are at hand: directions known from elsewhere, sizes, memory.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::needs::Check;
use crate::scan::command::{
    json, map_sha256, number, off_by_deg, run, same_keys, scan, skyscan, stderr,
};
use crate::scan::event::{SHOWN, SHOWN_ALERT, SHOWN_SEED};

const UP_GOING: &str = "138632_31747601.json";
const CONTAINED: &str = "hese_event_01.json";
const CONTAINED_I3: &str = "run00127907.evt000020178442.HESE_GCDQP.i3";
const LONG_TRACK: &str = "hese_event_02.json";
const GOLD: &str = "run00136766-evt000007637140-GOLD.pkl";

/// Where the online SplineMPE that it carries puts it; those of IceCube's catalogues lie 0.7 and 0.9 degrees away.
const ONLINE_GOLD: (f64, f64) = (224.397, 40.686);

/// The most memory that a default scan may take.
const MOST_MEMORY_KB: u64 = 150_000;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/events")
}

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("gold_is_found_in_bounded_memory", gold),
        ("an_up_going_track_is_found", up_going),
        ("a_long_track_is_found", long_track),
        ("pandel_mpe_ends_where_it_did", pandel_mpe),
        ("a_frame_file_and_an_alert_give_the_same_map", same_in_i3),
        ("are_shown_with_their_numbers", shown),
        ("are_listed_and_chosen_by_id", chosen_by_id),
    ]
}

fn found_within(event: &str, ra_deg: f64, dec_deg: f64, within_deg: f64) -> Result<(), Failed> {
    let scan = scan(folder().join(event), &[])?;
    let off_deg = off_by_deg(&scan, ra_deg, dec_deg)?;
    assert!(
        off_deg < within_deg,
        "{off_deg} deg off: {}",
        scan["best_fit"]
    );
    assert_eq!(scan["complete"], true);
    Ok(())
}

fn up_going() -> Result<(), Failed> {
    found_within(UP_GOING, 138.65, 0.15, 0.12)
}

fn long_track() -> Result<(), Failed> {
    found_within(LONG_TRACK, 239.9, -56.6, 1.5)
}

/// The older likelihood, for comparison: around where IceCube's first catalogue and the online fit put them.
fn pandel_mpe() -> Result<(), Failed> {
    for (event, ra_deg, dec_deg) in [(UP_GOING, 138.65, 0.14), (GOLD, 224.12, 41.31)] {
        let near = format!("--near={},{}", ra_deg - 0.3, dec_deg + 0.2);
        let scan = scan(
            folder().join(event),
            &[
                "--reco=pandel-mpe",
                "--strategy=direct",
                "--nside=512",
                &near,
                "--within=0.9",
            ],
        )?;
        let off_deg = off_by_deg(&scan, ra_deg, dec_deg)?;
        assert!(off_deg < 0.4, "{off_deg} deg off: {}", scan["best_fit"]);
        assert_eq!(scan["numerics"], 3);
    }
    Ok(())
}

/// Two checks in one, since the scan takes long.
fn gold() -> Result<(), Failed> {
    let mut child = skyscan()
        .args(["scan", "--format", "json"])
        .arg(folder().join(GOLD))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("it is piped")?;
    let (send, printed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut stdout, &mut text);
        // Nobody listens any more if the test has failed.
        let _ = send.send(read.map(|_| text));
    });
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most_kb = 0;
    let text = loop {
        // The kernel keeps the highest value, and forgets it when the process ends.
        most_kb = high_water_kb(&status).unwrap_or(most_kb);
        match printed.recv_timeout(Duration::from_millis(20)) {
            Ok(text) => break text?,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(error) => return Err(error.into()),
        }
    };
    assert_eq!(child.wait()?.code(), Some(0));
    let scan: Value = serde_json::from_slice(&text)?;
    let off_deg = off_by_deg(&scan, ONLINE_GOLD.0, ONLINE_GOLD.1)?;
    assert!(off_deg < 0.3, "{off_deg} deg off: {}", scan["best_fit"]);
    if cfg!(target_os = "linux") {
        assert!(
            (1_000..MOST_MEMORY_KB).contains(&most_kb),
            "{most_kb} kB of memory"
        );
    }
    Ok(())
}

fn high_water_kb(status: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn same_in_i3() -> Result<(), Failed> {
    let shown = |event| {
        let path = folder().join(event);
        json(&[
            "event".as_ref(),
            "show".as_ref(),
            path.as_os_str(),
            "--format=json".as_ref(),
        ])
    };
    let (alert, frames) = (shown(CONTAINED)?, shown(CONTAINED_I3)?);
    assert_eq!(alert["pulses"], 410);
    for what in [
        "run_id",
        "event_id",
        "mjd",
        "pulses",
        "hlc_pulses",
        "doms",
        "strings",
        "charge_pe",
        "first_ns",
        "last_ns",
        "brightest",
    ] {
        assert_eq!(alert[what], frames[what], "{what}");
    }
    let hash = |event| map_sha256(&scan(folder().join(event), &["--nside", "8,64"])?);
    assert_eq!(hash(CONTAINED)?, hash(CONTAINED_I3)?);
    Ok(())
}

/// MJD, pulses, hard ones, DOMs, strings, charge, first, last, and of the brightest DOM string,
/// number and charge.
type Known = (f64, [u64; 4], f64, [f64; 2], (u64, u64, f64));

fn shown() -> Result<(), Failed> {
    #[rustfmt::skip]
    let known: [(&str, [u64; 2], Known); 4] = [
        (GOLD, [136_766, 7_637_140],
         (59754.675884, [1781, 1657, 321, 62], 2875.6, [731_452.0, 751_088.0], (11, 60, 557.0))),
        (UP_GOING, [138_632, 31_747_601],
         (60280.714168, [948, 870, 216, 50], 885.5, [6161.0, 21_032.0], (1, 41, 31.0))),
        (CONTAINED, [127_907, 20_178_442],
         (57517.643542, [410, 353, 75, 39], 2050.2, [6085.0, 24_934.0], (23, 9, 869.0))),
        (LONG_TRACK, [127_908, 38_887_237],
         (57518.057912, [1157, 1034, 316, 51], 2787.2, [5972.0, 27_154.0], (47, 31, 1316.0))),
    ];
    for (event, ids, (mjd, counts, charge_pe, times, brightest)) in known {
        let path = folder().join(event);
        let view = json(&[
            "event".as_ref(),
            "show".as_ref(),
            path.as_os_str(),
            "--format=json".as_ref(),
        ])?;
        let mut members = SHOWN.to_vec();
        members.extend((!view[SHOWN_ALERT].is_null()).then_some(SHOWN_ALERT));
        same_keys(&view, &members)?;
        same_keys(&view["brightest"], &["string", "dom", "charge_pe"])?;
        let seeds = view["seeds"].as_array().ok_or("seeds are a list")?;
        assert!(!seeds.is_empty(), "{event} came without seeds");
        for seed in seeds {
            same_keys(seed, &SHOWN_SEED)?;
        }
        assert_eq!(
            [&view["run_id"], &view["event_id"]],
            [ids[0], ids[1]],
            "{event}"
        );
        let found = ["pulses", "hlc_pulses", "doms", "strings"].map(|what| &view[what]);
        assert_eq!(found, counts, "{event}");
        for (what, found, expected, tolerance) in [
            ("mjd", &view["mjd"], mjd, 1e-6),
            ("charge", &view["charge_pe"], charge_pe, 0.06),
            ("first", &view["first_ns"], times[0], 0.51),
            ("last", &view["last_ns"], times[1], 0.51),
            (
                "brightest",
                &view["brightest"]["charge_pe"],
                brightest.2,
                0.6,
            ),
        ] {
            let found = number(found)?;
            assert!(
                (found - expected).abs() < tolerance,
                "{event}, {what}: {found}, not {expected}"
            );
        }
        assert_eq!(view["brightest"]["string"], brightest.0, "{event}");
        assert_eq!(view["brightest"]["dom"], brightest.1, "{event}");
    }
    Ok(())
}

fn chosen_by_id() -> Result<(), Failed> {
    let path = folder().join(CONTAINED_I3);
    let show = |more: &[&str]| {
        let mut arguments = vec!["event".as_ref(), "show".as_ref(), path.as_os_str()];
        arguments.extend(
            more.iter()
                .map(|argument| -> &std::ffi::OsStr { argument.as_ref() }),
        );
        run(&arguments)
    };
    let list = show(&["--list"])?;
    assert!(String::from_utf8_lossy(&list.stdout).contains("event 20178442"));
    assert_eq!(show(&["--event", "20178442"])?.status.code(), Some(0));
    let other = show(&["--event", "5"])?;
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains('5'), "{}", stderr(&other));
    let no_pulses = show(&["--pulses", "NoSuchPulses"])?;
    assert_eq!(no_pulses.status.code(), Some(2));
    let told = stderr(&no_pulses);
    assert!(
        told.contains("NoSuchPulses") && told.contains("SplitUncleanedInIcePulses"),
        "the keys that there are belong in it: {told}"
    );
    Ok(())
}
