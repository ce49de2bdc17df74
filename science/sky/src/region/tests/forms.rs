//! Levels by every method, and regions as pixels and as polygons.

use super::{DEG, at, bowl, containment, ninety, nside, places, scan};
use crate::Equatorial;
use crate::map::SkyMap;
use crate::map::fitted;
use crate::region::{Region, RegionChoice, RegionMethod, WILKS_50, WILKS_90};

#[test]
fn levels_are_those_of_the_method() {
    let centre = at(359.97, 3.0);
    let map = scan(
        &[(8, 180.0), (64, 12.0), (512, 6.0)],
        centre,
        bowl(centre, [0.9, 0.6], 0.4),
    );
    let levels = |method: RegionMethod| {
        let regions = method.regions(&map);
        assert!(regions.iter().all(Region::is_resolved), "{method:?}");
        [0, 1].map(|i| (regions[i].containment, regions[i].level))
    };
    assert_eq!(
        levels(RegionMethod::Wilks),
        [(0.5, WILKS_50), (0.9, WILKS_90)]
    );
    assert_eq!(levels(RegionMethod::Calibrated), [(0.5, 22.2), (0.9, 64.2)]);
    // A bowl's probability is a Gaussian's, for which Wilks' levels are exact; they count from the
    // bowl's bottom, the posterior's from the best pixel.
    let best = map.best().unwrap().1.llh;
    let posterior = levels(RegionMethod::Posterior);
    for ((share, level), (_, wilks)) in posterior.into_iter().zip(levels(RegionMethod::Wilks)) {
        let expected = wilks - 2.0 * best;
        assert!(
            (level - expected).abs() < 0.01 * expected,
            "{share}: {level}, expected {expected}"
        );
    }
}

#[test]
fn a_scan_for_a_method_encloses_its_region() {
    let centre = at(10.0, 89.97);
    let map = scan(
        &[(8, 180.0), (64, 12.0), (512, 6.0)],
        centre,
        bowl(centre, [0.9, 0.6], 0.4),
    );
    for method in [
        RegionMethod::Wilks,
        RegionMethod::Calibrated,
        RegionMethod::Posterior,
    ] {
        let ninety = method.regions(&map)[1].level;
        assert!(
            ninety <= RegionChoice::from(method.clone()).scan_level(),
            "{method:?}: {ninety}"
        );
    }
}

#[test]
fn a_region_below_a_pixel_is_grown_to_one() {
    let mut n_grown = 0;
    for centre in places() {
        let map = scan(
            &[(4, 180.0), (16, 30.0)],
            centre,
            bowl(centre, [0.05, 0.03], 1.0),
        );
        let pixel_deg2 = nside(16).pixel_area_deg2();
        let best = map.best().unwrap().0.center();
        for method in [RegionMethod::Wilks, RegionMethod::Posterior] {
            let regions = method.regions(&map);
            for region in &regions {
                let pixels = region.area_deg2 / pixel_deg2;
                assert!(pixels >= 1.0, "{centre:?} {method:?}: {pixels}");
                assert!(region.is_resolved() || pixels < 1.03, "{pixels}");
                // Of a region that was not grown, the best pixel's centre may be the very edge.
                let holds_best = region.is_resolved() || region.contains(best);
                assert!(holds_best, "{centre:?} {method:?}");
                n_grown += u32::from(!region.is_resolved());
            }
            assert!(regions[0].area_deg2 <= regions[1].area_deg2);
        }
    }
    // Where the bottom is far from any centre, all that is better than the best pixel may be more.
    assert!(n_grown >= 20, "{n_grown}");
}

#[test]
fn without_a_fit_there_are_no_regions() {
    for method in [RegionMethod::Wilks, RegionMethod::Posterior] {
        assert!(method.regions(&SkyMap::default()).is_empty());
    }
    let mut lone = SkyMap::default();
    lone.insert(nside(8).containing(at(5.0, 5.0)), fitted(1.0));
    for method in [RegionMethod::Wilks, RegionMethod::Posterior] {
        assert_eq!(method.regions(&lone).len(), 2);
    }
}

#[test]
fn pixels_cover_a_region_everywhere() {
    for centre in places() {
        let map = scan(
            &[(8, 180.0), (64, 9.0), (512, 4.0)],
            centre,
            bowl(centre, [1.5, 0.8], 0.6),
        );
        let region = ninety(&map);
        let cover = region.cover(&map);
        let area: f64 = cover.iter().map(|p| p.nside.pixel_area_deg2()).sum();
        assert!(
            (area / region.area_deg2 - 1.0).abs() < 0.01,
            "{centre:?}: {area}, not {}",
            region.area_deg2
        );
        for (i, pixel) in cover.iter().enumerate() {
            let whole = |other| cover[..i].contains(&pixel.parent(other));
            assert!(
                !cover
                    .iter()
                    .any(|c| c.nside < pixel.nside && whole(c.nside))
            );
        }
        assert!(
            cover.iter().any(|p| p.nside != cover[0].nside),
            "{centre:?}"
        );
    }
}

#[test]
fn islands_and_holes_belong_together() {
    for centre in [at(0.0, -20.0), at(0.0, 90.0), at(33.0, 89.0)] {
        let ring = |point: Equatorial| {
            let off = centre.separation_rad(point) / DEG - 3.0;
            0.5 * WILKS_90 * off * off
        };
        let map = scan(&[(8, 180.0), (64, 12.0), (512, 7.0)], centre, ring);
        let polygons = ninety(&map).polygons();
        assert_eq!(polygons.len(), 1, "{centre:?}");
        assert_eq!(polygons[0].holes.len(), 1, "{centre:?}");
        let radius = |line: &crate::contour::Contour| centre.separation_rad(line.points[0]) / DEG;
        assert!(
            polygons[0]
                .edge
                .as_ref()
                .is_some_and(|edge| radius(edge) > 3.0)
        );
        assert!(radius(&polygons[0].holes[0]) < 3.0);
    }
}

#[test]
fn the_whole_sky_has_no_edge() {
    let flat = scan(&[(8, 180.0)], at(0.0, 0.0), |_| 1.0);
    let everywhere = containment(&flat, WILKS_90, 0.9).unwrap().polygons();
    assert_eq!(everywhere.len(), 1);
    assert!(everywhere[0].edge.is_none() && everywhere[0].holes.is_empty());

    let pole = at(0.0, 90.0);
    let but_one_cap = scan(&[(64, 180.0)], pole, |point| {
        let distance = pole.separation_rad(point) / DEG;
        if distance < 20.0 {
            100.0 * (1.0 - distance / 20.0)
        } else {
            0.0
        }
    });
    let most = containment(&but_one_cap, WILKS_90, 0.9).unwrap().polygons();
    assert_eq!(most.len(), 1);
    assert!(most[0].edge.is_none());
    assert_eq!(most[0].holes.len(), 1);
}
