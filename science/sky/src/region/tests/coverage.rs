//! Regions by a coverage file, on likelihoods whose regions are known in closed form.

use std::f64::consts::PI;
use std::sync::Arc;

use super::{DEG, assert_close, at, bowl, offset_deg, scan};
use crate::Equatorial;
use crate::map::SkyMap;
use crate::region::{
    COVERAGE_FORMAT, Coverage, CoverageTable, DomClass, Gap, RecoCoverage, Region, RegionChoice,
    RegionMethod, StudyNote, WILKS_90, excess_with_floor, wilks_level,
};

/// Levels that are `factor` times Wilks', and a floor.
fn coverage(factor: f64, floor_deg: f64) -> RegionMethod {
    let class = DomClass {
        fewest_doms: 0,
        n_events: 400,
        levels: (1..20)
            .map(|n| 0.05 * f64::from(n))
            .map(|share| [share, factor * wilks_level(share)])
            .collect(),
    };
    let table = CoverageTable {
        format: COVERAGE_FORMAT.to_owned(),
        detector: "IceCube-86".to_owned(),
        study: StudyNote {
            producer: "a test".to_owned(),
            numerics: 1,
            light: "none".to_owned(),
            seed: 0,
            more_seeds: Vec::new(),
            n_events: 400,
            energies_gev: [1e3, 1e7],
            ices: Vec::new(),
        },
        recos: [(
            "bowl".to_owned(),
            RecoCoverage {
                floor_deg,
                classes: vec![class],
            },
        )]
        .into(),
    };
    let file = Coverage::from_json(&serde_json::to_vec(&table).unwrap()).unwrap();
    RegionMethod::Coverage(Arc::new(file.levels("bowl", Some(50)).unwrap()))
}

/// A map like that of a scan, of a Gaussian with these widths in degrees.
fn gaussian(centre: Equatorial, widths_deg: [f64; 2]) -> SkyMap {
    // The bowl has the half axes of its 90 % ellipse.
    let axes = widths_deg.map(|width| width * WILKS_90.sqrt());
    let finest = 3.5 * widths_deg[0].max(0.1);
    scan(
        &[(8, 180.0), (64, 4.0 * finest), (512, finest)],
        centre,
        bowl(centre, axes, 0.4),
    )
}

fn ninety(method: &RegionMethod, map: &SkyMap) -> Region {
    method.regions(map).pop().unwrap()
}

#[test]
fn levels_are_those_of_the_file_and_a_scan_encloses_them() {
    let method = coverage(1.5, 0.0);
    let map = gaussian(at(77.0, -12.0), [0.6, 0.4]);
    let regions = method.regions(&map);
    for (region, share) in regions.iter().zip([0.5, 0.9]) {
        assert!((region.level - 1.5 * wilks_level(share)).abs() < 1e-12);
    }
    let usual = RegionChoice::from(method.clone());
    assert_eq!(usual.scan_level(), regions[1].level);
    let wider = RegionChoice::new(method.clone(), vec![0.5, 0.68, 0.95]).unwrap();
    let wide = wider.regions(&map);
    assert!((wide[1].level - 1.5 * wilks_level(0.68)).abs() < 1e-12);
    assert_eq!(wider.scan_level(), wide[2].level);
    assert!(method.includes_systematics());
    assert!(method.description().contains("from 400 simulated events"));
    assert_eq!(method.coverage_sha256().unwrap().len(), 64);
}

#[test]
fn a_floor_adds_in_quadrature_along_each_axis() {
    let centres = [at(150.0, 31.0), at(359.9, -3.0), at(20.0, 88.9)];
    for (centre, widths) in centres
        .into_iter()
        .zip([[0.3, 0.2], [0.15, 0.1], [0.5, 0.3]])
    {
        let map = gaussian(centre, widths);
        let best = 2.0 * map.best().unwrap().1.llh;
        for floor in [0.1, 0.2, 0.3] {
            let region = ninety(&coverage(1.2, floor), &map);
            let [a, b] = widths.map(|width: f64| width.hypot(floor));
            // Levels count from the best pixel, which lies above the bottom.
            let level = 1.2 * WILKS_90 + best;
            assert_close(region.area_deg2, PI * level * a * b, 0.04, "with a floor");
            assert!(region.is_closed() && !region.is_coarse);
            let pixels = region.cover(&map);
            let covered: f64 = pixels.iter().map(|p| p.nside.pixel_area_deg2()).sum();
            assert_close(covered, region.area_deg2, 0.02, "its pixels");
        }
    }
}

#[test]
fn the_excess_with_a_floor_is_that_of_the_wider_gaussian() {
    let (centre, widths, floor) = (at(40.0, 10.0), [0.25, 0.15], 0.2);
    let map = gaussian(centre, widths);
    let best = 2.0 * map.best().unwrap().1.llh;
    for point in [
        at(40.3, 10.1),
        at(39.9, 10.4),
        at(40.0, 9.3),
        at(40.9, 10.6),
    ] {
        let [x, y] = offset_deg(centre, point);
        let (sin, cos) = 0.4_f64.sin_cos();
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let expected = (u / widths[0].hypot(floor)).powi(2) + (v / widths[1].hypot(floor)).powi(2);
        let found = excess_with_floor(&map, floor * DEG, point, 20.0).unwrap() + best;
        assert!(
            (found - expected).abs() < 0.03 * expected + 0.05,
            "{found} {expected}"
        );
        let plain = excess_with_floor(&map, 0.0, point, 20.0).unwrap();
        assert!(plain > found);
    }
}

/// The source is where the likelihood says, and the whole event shifted on top: nine of ten are in the
/// region for nine of ten.
#[test]
fn regions_hold_what_they_say() {
    let (centre, widths, floor) = (at(200.0, -40.0), [0.3, 0.2], 0.25);
    let map = gaussian(centre, widths);
    let regions = coverage(1.0, floor).regions(&map);
    let n_sources = 4000;
    let mut inside = [0; 2];
    let mut state = 1_u64;
    // The generator of Knuth's MMIX; its upper bits are good enough to draw with.
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 40) as f64 + 0.5) / (1_u64 << 24) as f64
    };
    for _ in 0..n_sources {
        let (radius, turn) = ((-2.0 * uniform().ln()).sqrt(), 2.0 * PI * uniform());
        let u = radius * turn.cos() * widths[0].hypot(floor);
        let v = radius * turn.sin() * widths[1].hypot(floor);
        let (sin, cos) = 0.4_f64.sin_cos();
        let (x, y) = (u * cos - v * sin, u * sin + v * cos);
        let dec = -40.0 + y;
        let source = at(200.0 + x / (dec * DEG).cos(), dec);
        for (held, region) in inside.iter_mut().zip(&regions) {
            *held += u32::from(region.contains(source));
        }
    }
    for (held, share) in inside.into_iter().zip([0.5, 0.9]) {
        let error = (share * (1.0 - share) / f64::from(n_sources)).sqrt();
        let found = f64::from(held) / f64::from(n_sources);
        assert!(
            (found - share).abs() < 3.0 * error + 0.01,
            "{share}: {found}"
        );
    }
}

#[test]
fn a_floor_changes_nothing_where_the_region_is_large() {
    let map = gaussian(at(12.0, 34.0), [3.0, 2.0]);
    let (with, without) = (coverage(1.0, 0.1), coverage(1.0, 0.0));
    let (with, without) = (ninety(&with, &map), ninety(&without, &map));
    assert_eq!(with.area_deg2, without.area_deg2);
}

#[test]
fn a_floor_beyond_the_scan_leaves_the_region_open() {
    let centre = at(80.0, 0.0);
    let axes = [0.2 * WILKS_90.sqrt(); 2];
    let map = scan(&[(512, 0.7)], centre, bowl(centre, axes, 0.0));
    assert!(ninety(&coverage(1.0, 0.0), &map).is_closed());
    let widened = ninety(&coverage(1.0, 0.5), &map);
    assert_eq!(widened.gaps, [Gap::Unscanned]);
}
