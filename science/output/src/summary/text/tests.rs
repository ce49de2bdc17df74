use std::collections::BTreeMap;

use crate::summary::{BestFit, PutAsideWorker, RegionExtent, Summary};
use crate::{Doubt, EventIdentity, FailedFile, SubPixel};
use skyscan_scan::TaskCounts;
use skyscan_sky::Nside;
use skyscan_sky::region::{Gap, MethodNote, RegionMethod};

fn region(containment: f64, level: f64, area_deg2: f64, reach: [f64; 4]) -> RegionExtent {
    RegionExtent {
        containment,
        level,
        contour_level: level,
        area_deg2,
        ra_plus_deg: reach[0],
        ra_minus_deg: reach[1],
        dec_plus_deg: reach[2],
        dec_minus_deg: reach[3],
        closed: true,
        gaps: Vec::new(),
    }
}

fn summary() -> Summary {
    Summary {
        event: EventIdentity {
            run_id: 136_766,
            event_id: 7_637_140,
            mjd: 59_754.675_884_320_13,
            stream: "GOLD".to_owned(),
        },
        reco: "pandel-mpe".to_owned(),
        numerics: 1,
        variations: None,
        transport: "memory:".to_owned(),
        best_fit: Some(BestFit {
            ra_deg: 224.12,
            dec_deg: 41.31,
            zenith_deg: 131.3,
            azimuth_deg: 12.25,
            llh: 1847.1616,
        }),
        truth: None,
        second_minimum: None,
        systematics: None,
        sub_pixel: Some(SubPixel {
            ra_deg: 224.091,
            dec_deg: 41.287,
            llh: 1847.05,
            sigma_major_deg: 0.31,
            sigma_minor_deg: 0.22,
            position_angle_deg: 74.6,
        }),
        regions_made: MethodNote::from(&RegionMethod::Calibrated),
        regions: vec![
            region(0.5, 22.2, 2.353, [1.12, 1.01, 0.8, 0.81]),
            region(0.9, 64.2, 7.487, [2.2, 1.93, 1.5, 1.47]),
        ],
        quality: Vec::new(),
        tasks: TaskCounts {
            planned: 96,
            accepted: 96,
            ..TaskCounts::default()
        },
        pixels: [(8, 768), (64, 896), (512, 1926)]
            .map(|(nside, n)| (Nside::try_from(nside).unwrap(), n))
            .into(),
        failed_pixels: BTreeMap::new(),
        put_aside: Vec::new(),
        complete: true,
        ending: "fulfilled".to_owned(),
        wall_seconds: 18.24,
        cpu_seconds: 36.2,
        busy_seconds: 35.9,
        map_sha256: "ab".repeat(32),
        files: vec!["out/a.json".into(), "out/a.sky.png".into()],
        files_failed: Vec::new(),
        failures: BTreeMap::new(),
    }
}

/// The text in one line.
fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let mut summary = summary();
    summary.transport = "amqp://somebody@broker.somewhere.example:5672/a-virtual-host".to_owned();
    summary.quality = Doubt::ALL.to_vec();
    summary.complete = false;
    summary.regions[1].gaps = vec![Gap::Unscanned, Gap::Failed, Gap::Unfinished, Gap::Unrefined];
    summary.event.stream = "a-stream-with-a-long-name".to_owned();
    let text = summary.to_string();
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| widest <= 80), "{text}");
}

#[test]
fn an_answer_stands_on_the_90_percent_region_whatever_others_there_are() {
    let mut summary = summary();
    summary.regions.push(region(0.997, 11.6, 20.0, [9.0; 4]));
    let text = summary.to_string();
    assert!(
        text.contains("+2.20 -1.93") && text.contains("edge of the 90 % region"),
        "{text}"
    );
    assert!(
        text.contains("  99.7 %     20.0 deg2       2 dllh < 11.60\n"),
        "{text}"
    );
}

#[test]
fn reads_like_this() {
    let expected = format!(
        "\
Run 136766  event 7637140  GOLD  2022-06-24 16:13:16 UTC  (MJD 59754.675884)

  RA       224.12 deg  +2.20 -1.93    14h 56m 28.8s
  Dec      +41.31 deg  +1.50 -1.47    +41d 18m 36s
          J2000; send this one. Errors reach to the edge of the 90 % region

  50 %       2.35 deg2       2 dllh < 22.20
  90 %       7.49 deg2       2 dllh < 64.20
          2 dllh of 22.2 and 64.2, simulated for IC160427A with varied ice

  Fit     llh 1847.162, zenith 131.30 deg, azimuth 12.25 deg, pandel-mpe
  Pixels  768 at nside 8, 896 at nside 64, 1926 at nside 512
  Tasks   96 of 96 done
  Time    18.2 s on the clock, 35.9 s of workers' time, over memory:
  sha256  {}
",
        "ab".repeat(32)
    );
    assert_eq!(summary().to_string(), expected);
    assert_eq!(summary().files_text(), "  Files   2 in out\n");
}

#[test]
fn an_open_region_is_told_first_beside_its_size_and_among_the_doubts() {
    let mut summary = summary();
    summary.regions[1].closed = false;
    summary.regions[1].gaps = vec![Gap::Unscanned];
    summary.quality = vec![Doubt::Open, Doubt::FewDoms];
    let text = summary.to_string();
    assert!(
        text.starts_with(
            "WARNING: OPEN REGION: it reaches sky that was not scanned, so the source may lie\n         \
             outside.\n         Scan on: with --resume if stopped, else wider, into another --out.\n\nRun 136766"
        ),
        "{text}"
    );
    assert!(
        text.contains("50 %       2.35 deg2       2 dllh < 22.20\n"),
        "{text}"
    );
    assert!(
        text.contains("90 %       7.49 deg2       2 dllh < 64.20; OPEN\n"),
        "{text}"
    );
    let doubts = "  DOUBT   a region is open, so the source may lie outside of it\n          \
                  fewer than 20 DOMs saw light\n";
    assert!(text.contains(doubts), "{text}");
}

#[test]
fn files_that_failed_are_named() {
    let mut summary = summary();
    summary.files_failed = ["out/a.npz", "out/a.zoom.png"]
        .map(|path| FailedFile {
            path: path.into(),
            error: "No space left on device (os error 28)".to_owned(),
        })
        .into();
    assert_eq!(
        summary.files_text(),
        "  Files   2 in out\n  \
         FAILED  out/a.npz: No space left on device (os error 28)\n          \
         out/a.zoom.png: No space left on device (os error 28)\n"
    );
}

#[test]
fn an_incomplete_scan_says_so_before_anything_else() {
    let mut summary = summary();
    summary.complete = false;
    summary.tasks.accepted = 90;
    summary.quality = vec![Doubt::Incomplete];
    let text = summary.to_string();
    assert!(
        text.starts_with("WARNING: INCOMPLETE SCAN, 90 of 96 tasks done."),
        "{text}"
    );
    let advice = text.contains("J2000; not to be sent as it is, see DOUBT.");
    assert!(advice && !text.contains("send this one"), "{text}");
}

#[test]
fn failed_pixels_come_with_their_most_frequent_reasons() {
    let mut summary = summary();
    summary.failures = [
        ("no light", 2),
        ("did not converge", 7),
        ("timed out", 2),
        ("odd", 1),
    ]
    .map(|(reason, n)| (reason.to_owned(), n))
    .into();
    let text = summary.to_string();
    assert!(
        words(&text).contains(
            "FAILED 12 pixels: 7 did not converge; 2 no light; 2 timed out; 1 for other reasons"
        ),
        "{text}"
    );
}

#[test]
fn a_map_with_failed_pixels_says_so_before_anything_else() {
    let mut summary = summary();
    summary.complete = false;
    summary.failed_pixels = [(Nside::try_from(64).unwrap(), 3)].into();
    summary.put_aside = vec![PutAsideWorker {
        worker: "ab12".to_owned(),
        reason: "disk full".to_owned(),
    }];
    let text = summary.to_string();
    let first = "WARNING: INCOMPLETE MAP, 3 of 3590 pixels failed.";
    assert!(text.starts_with(first), "{text}");
    let aside = "ASIDE 1 workers, which failed at what others could do; worker ab12: disk full";
    assert!(words(&text).contains(aside), "{text}");
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["failed_pixels"], serde_json::json!({"64": 3}));
    assert_eq!(json["put_aside"][0]["reason"], "disk full");
}

#[test]
fn without_a_best_fit_no_direction_is_printed() {
    let mut summary = summary();
    summary.best_fit = None;
    let text = summary.to_string();
    assert!(text.contains("NO BEST FIT"), "{text}");
    assert!(!text.contains("RA "), "{text}");
}

#[test]
fn json_has_exactly_the_promised_keys() {
    let json = serde_json::to_value(summary()).unwrap();
    let expected = serde_json::json!({
        "event": {"run_id": 136766, "event_id": 7637140, "mjd": 59754.67588432013},
        "reco": "pandel-mpe",
        "numerics": 1,
        "transport": "memory:",
        "best_fit": {"ra_deg": 224.12, "dec_deg": 41.31, "zenith_deg": 131.3,
                     "azimuth_deg": 12.25, "llh": 1847.1616},
        "sub_pixel": {"ra_deg": 224.091, "dec_deg": 41.287, "llh": 1847.05, "sigma_major_deg": 0.31,
                      "sigma_minor_deg": 0.22, "position_angle_deg": 74.6},
        "regions_method": "calibrated",
        "regions": [
            {"containment": 0.5, "level": 22.2, "contour_level": 22.2, "area_deg2": 2.353, "ra_plus_deg": 1.12,
             "ra_minus_deg": 1.01, "dec_plus_deg": 0.8, "dec_minus_deg": 0.81, "closed": true, "gaps": []},
            {"containment": 0.9, "level": 64.2, "contour_level": 64.2, "area_deg2": 7.487, "ra_plus_deg": 2.2,
             "ra_minus_deg": 1.93, "dec_plus_deg": 1.5, "dec_minus_deg": 1.47, "closed": true, "gaps": []},
        ],
        "ending": "fulfilled",
        "quality": [],
        "tasks": {"planned": 96, "accepted": 96, "duplicate": 0, "lost": 0, "failed": 0, "speculated": 0,
                  "ahead": 0, "asked_for": 0},
        "pixels": {"8": 768, "64": 896, "512": 1926},
        "failed_pixels": {},
        "complete": true,
        "wall_seconds": 18.24,
        "cpu_seconds": 36.2,
        "busy_seconds": 35.9,
        "map_sha256": "ab".repeat(32),
        "files": ["out/a.json", "out/a.sky.png"],
        "files_failed": [],
    });
    assert_eq!(json, expected);
    let text = serde_json::to_string(&summary()).unwrap();
    let read: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(read.pixels, summary().pixels);
}

#[test]
fn a_region_around_a_pole_holds_every_right_ascension() {
    let mut summary = summary();
    summary.regions = vec![region(0.9, 4.61, 5.8, [180.0, 180.0, 0.7, 1.7])];
    let text = summary.to_string();
    assert!(text.contains("224.12 deg  any  "), "{text}");
    assert!(text.contains("+0.70 -1.70"), "{text}");
}

#[test]
fn a_region_that_is_not_resolved_says_so() {
    let mut summary = summary();
    assert!(!summary.to_string().contains("LESS THAN A PIXEL"));
    summary.regions[0].contour_level = 30.0;
    let text = summary.to_string();
    let line = text
        .lines()
        .find(|line| line.starts_with("  50 %"))
        .unwrap();
    assert!(line.contains("LESS THAN A PIXEL"), "{text}");
}
