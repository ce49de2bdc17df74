//! The files of a scan, from the outside: what is written, and that pictures show what the map says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use skyscan::output::{self, EventIdentity, ScanRecord, plot};
use skyscan::sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan::sky::region::{self, Region, WILKS_50, WILKS_90};
use skyscan::sky::{Equatorial, Nside, Pixel};
use tiny_skia::Pixmap;

use crate::needs::{Check, group};

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 7] = [
        (
            "a_scan_leaves_every_file_and_again_the_same_bytes",
            a_scan_leaves_every_file_and_again_the_same_bytes,
        ),
        (
            "right_ascension_grows_to_the_left_in_both_pictures",
            right_ascension_grows_to_the_left_in_both_pictures,
        ),
        (
            "the_zoom_is_dark_at_the_best_fit_and_pale_outside_the_regions",
            the_zoom_is_dark_at_the_best_fit_and_pale_outside_the_regions,
        ),
        (
            "failed_and_unscanned_places_look_different_from_every_value",
            failed_and_unscanned_places_look_different_from_every_value,
        ),
        (
            "pictures_can_be_drawn_anywhere_on_the_sky",
            pictures_can_be_drawn_anywhere_on_the_sky,
        ),
        (
            "without_a_fit_only_the_result_is_written",
            without_a_fit_only_the_result_is_written,
        ),
        (
            "an_unwritable_folder_is_named",
            an_unwritable_folder_is_named,
        ),
    ];
    group("output_plots", None, checks)
}

fn direction(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg.to_radians(),
        dec_rad: dec_deg.to_radians(),
    }
}

fn nside(n: u32) -> Nside {
    Nside::try_from(n).expect("a power of two")
}

fn fitted(pixel: Pixel, source: Equatorial, sigma_deg: f64) -> PixelOutcome {
    let sigmas = pixel.center().separation_rad(source).to_degrees() / sigma_deg;
    PixelOutcome::Fitted(PixelFit {
        llh: 1000.0 + 0.5 * sigmas * sigmas,
        position_m: [0.0; 3],
        time_ns: 0.0,
        energy_inside_gev: None,
        energy_total_gev: None,
    })
}

/// The whole sky at nside 8, finer and finer towards the source.
fn round_likelihood(source: Equatorial, sigma_deg: f64) -> SkyMap {
    let mut map = SkyMap::default();
    for pixel in nside(8).pixels() {
        map.insert(pixel, fitted(pixel, source, sigma_deg));
    }
    for (n, sigmas) in [(32, 8.0), (128, 4.0)] {
        for pixel in nside(n).within(source, (sigmas * sigma_deg).min(10.0).to_radians()) {
            map.insert(pixel, fitted(pixel, source, sigma_deg));
        }
    }
    map
}

fn regions(map: &SkyMap) -> Vec<Region> {
    [(WILKS_50, 0.5), (WILKS_90, 0.9)]
        .into_iter()
        .filter_map(|(level, containment)| region::containment(map, level, containment))
        .collect()
}

fn record<'a>(map: &'a SkyMap, regions: &'a [Region]) -> ScanRecord<'a> {
    let event = EventIdentity {
        run_id: 136_766,
        event_id: 7_637_140,
        mjd: 59_754.675_884_320_13,
        stream: "GOLD".to_owned(),
    };
    ScanRecord {
        numerics: Some(1),
        detector: "IceCube-86",
        regions,
        ..ScanRecord::of_map(map, event, "simulated")
    }
}

fn pixels(figure: &skyscan::drawing::Figure) -> Pixmap {
    Pixmap::decode_png(&skyscan::drawing::png(figure).expect("the page is drawn"))
        .expect("it is a PNG")
}

/// Red, green and blue added up.
fn brightness(page: &Pixmap, x: u32, y: u32) -> u32 {
    let colour = page.pixel(x, y).expect("inside the page");
    u32::from(colour.red()) + u32::from(colour.green()) + u32::from(colour.blue())
}

fn empty_folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn a_scan_leaves_every_file_and_again_the_same_bytes() -> Result<(), Failed> {
    let map = round_likelihood(direction(224.1, 41.3), 1.0);
    let regions = regions(&map);
    let dir = empty_folder("every-file");
    let files = output::write_all(&dir, &record(&map, &regions)).files;
    let stem = "run00136766.evt000007637140.GOLD";
    let expected = [
        "_8_32_128.json",
        "_8_32_128.npz",
        ".skymap_nside_128_probability.fits.gz",
        ".multiorder.fits",
        ".region_50.moc.fits",
        ".contour_50.txt",
        ".region_90.moc.fits",
        ".contour_90.txt",
        ".regions.geojson",
        ".regions.reg",
        ".gcn.json",
        ".errors.json",
        ".sky.png",
        ".sky.svg",
        ".zoom.png",
        ".zoom.svg",
    ]
    .map(|end| dir.join(format!("{stem}{end}")));
    assert_eq!(files, expected);
    let bytes = |file: &PathBuf| std::fs::read(file).expect("it was written");
    let first: Vec<Vec<u8>> = files.iter().map(bytes).collect();
    assert_eq!(
        std::fs::read_dir(&dir).expect("it is a folder").count(),
        files.len()
    );

    let again = output::write_all(&dir, &record(&map, &regions)).files;
    let second: Vec<Vec<u8>> = again.iter().map(bytes).collect();
    assert!(first == second, "the same scan gives the same bytes");
    std::fs::remove_dir_all(&dir).expect("nobody holds it");
    Ok(())
}

fn right_ascension_grows_to_the_left_in_both_pictures() -> Result<(), Failed> {
    // Mollweide at declination 0: right ascension 270 is halfway to the left rim.
    let map = round_likelihood(direction(270.0, 0.0), 3.0);
    let regions = regions(&map);
    let record = record(&map, &regions);
    let sky = pixels(&plot::full_sky(&record).expect("something was fitted"));
    assert_eq!((sky.width(), sky.height()), (1920, 1080));
    let (left, right, y) = (960 - 424, 960 + 424, 548 - 12);
    assert!(
        brightness(&sky, left, y) < 250,
        "{}",
        brightness(&sky, left, y)
    );
    assert!(
        brightness(&sky, right, y) > 550,
        "{}",
        brightness(&sky, right, y)
    );

    let mut east_failed = map.clone();
    for pixel in nside(128).within(direction(275.0, 0.0), 0.05) {
        east_failed.insert(pixel, PixelOutcome::Failed("no light".to_owned()));
    }
    let before = pixels(&plot::zoom(&record).expect("something was fitted"));
    let record = ScanRecord {
        map: &east_failed,
        ..record
    };
    let after = pixels(&plot::zoom(&record).expect("something was fitted"));
    let changed = |columns: std::ops::Range<u32>| {
        columns
            .flat_map(|x| (160..950).map(move |y| (x, y)))
            .filter(|&(x, y)| before.pixel(x, y) != after.pixel(x, y))
            .count()
    };
    assert!(changed(180..700) > 1000);
    assert_eq!(changed(800..1320), 0);
    Ok(())
}

fn the_zoom_is_dark_at_the_best_fit_and_pale_outside_the_regions() -> Result<(), Failed> {
    let map = round_likelihood(direction(83.6, 22.0), 1.0);
    let regions = regions(&map);
    let zoom = pixels(&plot::zoom(&record(&map, &regions)).expect("something was fitted"));
    assert!(brightness(&zoom, 750 + 14, 555 + 14) < 200);
    assert!(brightness(&zoom, 180, 160) > 600);
    Ok(())
}

fn failed_and_unscanned_places_look_different_from_every_value() -> Result<(), Failed> {
    let source = direction(180.0, 0.0);
    let mut map = SkyMap::default();
    for pixel in nside(16).within(source, 0.5) {
        map.insert(pixel, fitted(pixel, source, 1.0));
    }
    let hole = nside(16).containing(direction(195.0, 2.0));
    map.insert(hole, PixelOutcome::Failed("no light".to_owned()));
    let sky = pixels(&plot::full_sky(&record(&map, &[])).expect("something was fitted"));
    let rgb = |x, y| {
        let c = sky.pixel(x, y).expect("inside the page");
        (c.red(), c.green(), c.blue())
    };
    // Far from everything: unscanned.
    assert_eq!(rgb(300, 640), (226, 228, 232));
    // The failed pixel is striped. Close to the equator Mollweide's projection is even.
    let centre = hole.center();
    let turn = (centre.ra_rad - std::f64::consts::PI) / std::f64::consts::PI;
    let place = (
        (960.0 - 848.0 * turn) as u32,
        (548.0 - 333.0 * centre.dec_rad) as u32,
    );
    let stripes = (0..10)
        .map(|i| rgb(place.0 + i, place.1))
        .collect::<BTreeSet<_>>();
    assert!(stripes.contains(&(120, 124, 132)), "{stripes:?}");
    assert!(stripes.contains(&(226, 228, 232)), "{stripes:?}");
    Ok(())
}

fn pictures_can_be_drawn_anywhere_on_the_sky() -> Result<(), Failed> {
    for (ra_deg, dec_deg) in [
        (0.0, 90.0),
        (10.0, -89.9),
        (0.0, 0.0),
        (359.99, 60.0),
        (180.0, -30.0),
    ] {
        for sigma_deg in [0.05, 20.0] {
            let map = round_likelihood(direction(ra_deg, dec_deg), sigma_deg);
            let regions = regions(&map);
            let record = record(&map, &regions);
            for figure in [plot::full_sky(&record), plot::zoom(&record)] {
                let svg = figure
                    .and_then(|figure| skyscan::drawing::svg(&figure).ok())
                    .expect("it is drawn");
                let shapes: String = svg
                    .lines()
                    .filter(|line| !line.starts_with("<image"))
                    .collect();
                assert!(
                    !shapes.contains("NaN") && !shapes.contains("inf"),
                    "{ra_deg} {dec_deg}"
                );
                assert!(
                    svg.len() < 4_000_000,
                    "{} bytes at {ra_deg} {dec_deg}",
                    svg.len()
                );
                assert!(!svg.contains("<text") && !svg.contains("href=\"http"));
            }
        }
    }
    Ok(())
}

fn without_a_fit_only_the_result_is_written() -> Result<(), Failed> {
    let mut map = SkyMap::default();
    let pixel = Pixel::new(nside(8), 3).expect("it exists");
    map.insert(pixel, PixelOutcome::Failed("no light".to_owned()));
    let dir = empty_folder("no-fit");
    let files = output::write_all(&dir, &record(&map, &[])).files;
    let stem = "run00136766.evt000007637140.GOLD";
    assert_eq!(
        files,
        ["json", "npz"].map(|end| dir.join(format!("{stem}.{end}")))
    );
    std::fs::remove_dir_all(&dir).expect("nobody holds it");
    Ok(())
}

fn an_unwritable_folder_is_named() -> Result<(), Failed> {
    let written = output::write_all(Path::new("/dev/null/out"), &record(&SkyMap::default(), &[]));
    assert!(written.files.is_empty());
    let told: Vec<String> = written.failed.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["failed to create folder /dev/null/out"]);
    Ok(())
}
