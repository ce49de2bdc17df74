use super::*;
use crate::refinement::{self, Next};
use skyscan_sky::Equatorial;
use skyscan_sky::map::{PixelFit, PixelOutcome, fitted};

/// `2 dllh` that is enclosed.
const LEVEL: f64 = 8.0;

fn at(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg.to_radians(),
        dec_rad: dec_deg.to_radians(),
    }
}

fn plan(strategy: Strategy) -> Plan {
    let rounds: &[u32] = match strategy {
        Strategy::Zoom => &[4, 16, 64],
        Strategy::Direct { .. } => &[64],
    };
    let rounds = rounds.iter().map(|n| Nside::try_from(*n).unwrap());
    Plan::new(strategy, rounds.collect(), LEVEL).unwrap()
}

/// A bowl of a degree whose minimum is here, so much above another one.
type Bowl = (Equatorial, f64);

fn llh((centre, above): Bowl, pixel: Pixel) -> f64 {
    let off = pixel.center().separation_rad(centre).to_degrees();
    100.0 + above + 0.5 * off * off
}

/// Scans until nothing comes next, the first bowl at first, then the others as systematics. Returns the waves of
/// these, too.
fn scanned(plan: &Plan, bowls: &[Bowl]) -> (Atlas, Vec<Vec<Point>>) {
    let mut atlas = Atlas::default();
    while let Next::Wave(pixels) = refinement::next(&atlas.nominal, plan) {
        for pixel in pixels {
            atlas.insert(pixel.into(), fitted(llh(bowls[0], pixel)));
        }
    }
    let mut waves = Vec::new();
    loop {
        let wave = next(&atlas, plan, bowls.len() as u32 - 1);
        if wave.is_empty() {
            return (atlas, waves);
        }
        for &point in &wave {
            let bowl = bowls[point.systematic as usize];
            atlas.insert(point, fitted(llh(bowl, point.pixel)));
        }
        waves.push(wave);
    }
}

fn fit(map: &SkyMap, pixel: Pixel) -> PixelFit {
    match map.get(pixel) {
        Some(PixelOutcome::Fitted(fit)) => *fit,
        other => panic!("{pixel:?}: {other:?}"),
    }
}

/// Every systematic has all pixels of one area, which encloses the region of each, wherever it has moved to.
#[test]
fn the_area_grows_until_every_region_is_enclosed() {
    let plan = plan(Strategy::Zoom);
    let (first, moved) = (at(80.0, 20.0), at(86.0, 23.0));
    let (atlas, waves) = scanned(&plan, &[(first, 0.0), (first, 0.0), (moved, 5.0)]);
    assert!(waves.len() > 2, "{} waves", waves.len());
    assert!(
        waves.iter().all(|wave| wave.is_sorted()),
        "one systematic after the other"
    );
    let pixels = |number: u32| {
        atlas.varied[&number]
            .rounds()
            .clone()
            .into_values()
            .next()
            .unwrap()
    };
    assert!(pixels(1).keys().eq(pixels(2).keys()));
    let nside = Nside::try_from(64).unwrap();
    for (number, centre) in [(1, first), (2, moved)] {
        for pixel in nside.within(centre, LEVEL.sqrt().to_radians()) {
            assert!(
                pixels(number).contains_key(&pixel.index),
                "{pixel:?} is in a region"
            );
        }
    }
    let shifts = Combined::of(&atlas).unwrap().shifts;
    assert!(shifts[0].best.separation_rad(first).to_degrees() < 0.01);
    assert!(shifts[1].best.separation_rad(moved).to_degrees() < 0.01);
}

/// The mean of two Gaussians a degree wide, whatever the likelihood of the one is beside the other.
#[test]
fn probabilities_are_averaged_and_the_envelope_is_the_least() {
    let plan = plan(Strategy::Zoom);
    let (one, other) = (at(80.0, 20.0), at(82.0, 20.0));
    let (atlas, _) = scanned(&plan, &[(one, 0.0), (one, 0.0), (other, 40.0)]);
    let combined = Combined::of(&atlas).unwrap();
    let nside = Nside::try_from(64).unwrap();
    let density = |centre: Equatorial, pixel: Pixel| libm::exp(100.0 - llh((centre, 0.0), pixel));
    let both = |pixel| density(one, pixel) + density(other, pixel);
    let [a, b] = [at(80.5, 20.4), at(82.7, 19.1)].map(|place| nside.containing(place));
    let found = fit(&combined.map, a).llh - fit(&combined.map, b).llh;
    let expected = libm::log(both(b) / both(a));
    // The area cuts off tails, not quite the same of both.
    assert!((found - expected).abs() < 0.01, "{found} {expected}");
    let (_, best) = combined.map.best().unwrap();
    let (_, before) = atlas.nominal.best().unwrap();
    assert_eq!(best.llh, before.llh, "the lowest stays what it was");
    let least = fit(&combined.envelope, b).llh - before.llh;
    let (_, theirs) = atlas.varied[&2].best().unwrap();
    assert!((least - (llh((other, 40.0), b) - theirs.llh)).abs() < 1e-9);
}

#[test]
fn a_pixel_that_failed_under_one_has_failed() {
    let plan = plan(Strategy::Zoom);
    let centre = at(80.0, 20.0);
    let (mut atlas, _) = scanned(&plan, &[(centre, 0.0), (centre, 0.0), (centre, 0.0)]);
    let pixel = Nside::try_from(64).unwrap().containing(at(80.5, 20.4));
    let point = Point {
        systematic: 2,
        pixel,
    };
    atlas.insert(point, PixelOutcome::Failed("too dark".to_owned()));
    assert!(atlas.has_failed());
    let failed = PixelOutcome::Failed("systematic 2: too dark".to_owned());
    assert_eq!(Combined::of(&atlas).unwrap().map.get(pixel), Some(&failed));
}

#[test]
fn a_direct_scan_stays_where_it_was_asked_to() {
    let disc = crate::plan::Disc {
        center: at(80.0, 20.0),
        radius_rad: 2.0_f64.to_radians(),
    };
    let plan = plan(Strategy::Direct { within: Some(disc) });
    let (first, beyond) = (at(80.0, 20.0), at(86.0, 23.0));
    let (atlas, waves) = scanned(&plan, &[(first, 0.0), (beyond, 0.0)]);
    assert!(!waves.is_empty());
    let all = atlas.varied[&1]
        .rounds()
        .values()
        .flat_map(|pixels| pixels.keys());
    let nside = Nside::try_from(64).unwrap();
    for &index in all {
        assert!(atlas.nominal.get(Pixel { nside, index }).is_some());
    }
}

#[test]
fn a_seam_is_all_around_but_in_a_direct_scan_what_was_asked_for() {
    let nside = Nside::try_from(64).unwrap();
    let middle = nside.containing(at(80.0, 20.0));
    let known = middle.neighbours()[2];
    let mut nominal = SkyMap::default();
    for pixel in [middle, known] {
        nominal.insert(pixel, fitted(100.0));
    }
    let seam = |strategy| -> Vec<Pixel> {
        let plan = plan(strategy);
        seam(&[middle], &nominal, &plan).collect()
    };
    assert_eq!(seam(Strategy::Zoom), middle.neighbours());
    assert_eq!(seam(Strategy::Direct { within: None }), [known]);
}
