use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{file_name, write};
use crate::{Doubt, Drafts, EventIdentity, ScanRecord, Withheld, read_scan_file, write_all};
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::region::RegionMethod;
use skyscan_sky::{Nside, Pixel};

fn pixel(nside: u32, index: u64) -> Pixel {
    Pixel::new(Nside::try_from(nside).unwrap(), index).unwrap()
}

fn fitted(llh: f64) -> PixelOutcome {
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [1.5, f64::NAN, -3.0],
        time_ns: 9800.25,
        energy_inside_gev: None,
        energy_total_gev: Some(1e5),
    })
}

fn failed(reason: &str) -> PixelOutcome {
    PixelOutcome::Failed(reason.to_owned())
}

fn record<'a>(map: &'a SkyMap, complete: &[u32]) -> ScanRecord<'a> {
    let event = EventIdentity {
        run_id: 136_766,
        event_id: 7_637_140,
        mjd: 59_754.675_884_320_13,
        stream: "GOLD".to_owned(),
    };
    ScanRecord {
        numerics: Some(1),
        detector: "IceCube-86",
        complete: complete
            .iter()
            .map(|&n| Nside::try_from(n).unwrap())
            .collect::<BTreeSet<_>>(),
        best_fit: None,
        hit_doms: Some(57),
        ..ScanRecord::of_map(map, event, "pandel-mpe")
    }
}

fn written(record: &ScanRecord<'_>) -> Value {
    let mut bytes = Vec::new();
    write(record, &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A bowl between four pixels of the finest round, so that the one around them all is the best.
fn best_is_coarse() -> SkyMap {
    let best = pixel(8, 300);
    let llh = |pixel: Pixel| {
        let off = pixel.center().separation_rad(best.center()).to_degrees() / 5.0;
        fitted(100.0 + 0.5 * off * off)
    };
    let mut map = SkyMap::default();
    let near = |nside: u32| {
        let nside = Nside::try_from(nside).unwrap();
        nside.within(best.center(), 40_f64.to_radians())
    };
    for some in Nside::try_from(8).unwrap().pixels().chain(near(16)) {
        map.insert(some, llh(some));
    }
    map
}

/// Flat and multi-order maps have finer pixels in the place of the best one, each of them worse.
#[test]
fn maps_tell_the_direction_of_the_scan_where_finer_pixels_are_worse() {
    let map = best_is_coarse();
    let (best, _) = map.best().unwrap();
    assert_eq!(u32::from(best.nside), 8);
    let regions = RegionMethod::Wilks.regions(&map);
    let record = ScanRecord {
        best_fit: Some(best.center()),
        regions: &regions,
        ..record(&map, &[8, 16])
    };
    let dir = std::env::temp_dir().join(format!("skyscan-best-{}", std::process::id()));
    let written = write_all(&dir, &record);
    assert_eq!(written.failed.len(), 0);
    let read = |end: &str| {
        let mut files = written.files.iter();
        let file = files.find(|file| file.to_str().unwrap().ends_with(end));
        read_scan_file(file.unwrap(), None).unwrap()
    };
    for end in [".multiorder.fits", "_probability.fits.gz"] {
        let file = read(end);
        assert_eq!(file.map.best().unwrap().0, best, "{end}");
        let again = RegionMethod::Wilks.regions(&file.map);
        for (one, other) in regions.iter().zip(&again) {
            let ratio = other.area_deg2 / one.area_deg2;
            assert!((ratio - 1.0).abs() < 0.01, "{end}: {ratio}");
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_scan_that_was_stopped_among_its_systematics_is_incomplete_in_every_file() {
    let map = best_is_coarse();
    let regions = RegionMethod::Wilks.regions(&map);
    let record = ScanRecord {
        regions: &regions,
        event_doubts: &[Doubt::WithoutSystematics],
        drafts: Drafts::Always,
        ..record(&map, &[8, 16])
    };
    let doubts = record.doubts();
    assert!(doubts.contains(&Doubt::Incomplete), "{doubts:?}");
    let dir = std::env::temp_dir().join(format!("skyscan-stopped-{}", std::process::id()));
    let written = write_all(&dir, &record);
    let ends = |end: &str| {
        let mut files = written.files.iter();
        files.find(|file| file.to_str().unwrap().ends_with(end))
    };
    assert_eq!(written.withheld, Some(Withheld::Forbidden("incomplete")));
    assert_eq!(ends(".gcn.json"), None);
    let errors = std::fs::read(ends(".errors.json").unwrap()).unwrap();
    let errors: Value = serde_json::from_slice(&errors).unwrap();
    assert_eq!(errors["complete"], false);
    let fits = read_scan_file(ends(".multiorder.fits").unwrap(), None).unwrap();
    assert!(fits.complete.is_empty());
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn blocks_have_exactly_the_keys_and_columns_of_version_1() {
    let mut map = SkyMap::default();
    map.insert(pixel(8, 7), fitted(10.5));
    map.insert(pixel(8, 3), fitted(11.0));
    map.insert(pixel(64, 40), fitted(9.0));
    let json = written(&record(&map, &[8]));
    let blocks = json.as_object().unwrap();
    assert_eq!(blocks.keys().collect::<Vec<_>>(), ["nside-64", "nside-8"]);
    let block = blocks["nside-8"].as_object().unwrap();
    assert_eq!(
        block.keys().collect::<Vec<_>>(),
        ["columns", "data", "metadata"]
    );
    assert_eq!(
        block["columns"],
        json!(["index", "llh", "E_in", "E_tot", "X", "Y", "Z", "T"])
    );
    let nan = "<skyreader.nan>";
    assert_eq!(
        block["data"],
        json!([
            [3, 11.0, nan, 1e5, 1.5, nan, -3.0, 9800.25],
            [7, 10.5, nan, 1e5, 1.5, nan, -3.0, 9800.25]
        ])
    );
    assert_eq!(block["metadata"]["complete"], json!(true));
    assert_eq!(blocks["nside-64"]["metadata"]["complete"], json!(false));
    assert_eq!(blocks["nside-64"]["metadata"]["nside"], json!(64));
}

#[test]
fn failed_pixels_have_no_row_but_a_reason() {
    let mut map = SkyMap::default();
    map.insert(pixel(8, 1), fitted(10.0));
    map.insert(pixel(8, 2), failed("no light"));
    map.insert(pixel(8, 4), failed("two\nlines"));
    map.insert(pixel(8, 5), fitted(f64::INFINITY));
    let block = &written(&record(&map, &[8]))["nside-8"];
    assert_eq!(block["data"].as_array().unwrap().len(), 1);
    assert_eq!(block["metadata"]["n_failed"], json!(3));
    assert_eq!(
        block["metadata"]["failed"],
        json!("2 no light\n4 two lines\n5 llh is not finite")
    );
}

#[test]
fn a_round_without_a_fit_has_no_block_but_is_not_forgotten() {
    let mut map = SkyMap::default();
    map.insert(pixel(8, 1), fitted(10.0));
    map.insert(pixel(64, 2), failed("no light"));
    let record = record(&map, &[8]);
    let json = written(&record);
    assert!(json.get("nside-64").is_none());
    assert_eq!(
        json["nside-8"]["metadata"]["failed_nside_64"],
        json!("2 no light")
    );
    assert_eq!(
        file_name(&record, "json"),
        "run00136766.evt000007637140.GOLD_8.json"
    );
}

#[test]
fn an_empty_map_is_an_empty_object() {
    assert_eq!(written(&record(&SkyMap::default(), &[])), json!({}));
}

#[test]
fn only_run_numbers_of_the_real_detector_are_real() {
    let mut map = SkyMap::default();
    map.insert(pixel(8, 1), fitted(10.0));
    for (run_id, real) in [
        (1, false),
        (99_999, false),
        (136_766, true),
        (1_000_000, false),
    ] {
        let mut record = record(&map, &[8]);
        record.event.run_id = run_id;
        assert_eq!(
            written(&record)["nside-8"]["metadata"]["is_real_event"],
            json!(real)
        );
    }
}

#[test]
fn a_stream_name_cannot_leave_the_folder() {
    let mut map = SkyMap::default();
    map.insert(pixel(8, 1), fitted(10.0));
    let mut record = record(&map, &[8]);
    record.event.stream = "../../etc/GOLD\0".to_owned();
    let expected = "run00136766.evt000007637140.______etc_GOLD__8.json";
    assert_eq!(file_name(&record, "json"), expected);
}
