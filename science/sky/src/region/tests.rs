//! Regions whose size is known, in every awkward place of the sky.

mod coverage;
mod forms;

use std::f64::consts::PI;

use super::{Region, WILKS_50, WILKS_90, containment, wilks_level};
use crate::map::{PixelOutcome, SkyMap, fitted};
use crate::{Equatorial, Nside, Pixel};

const DEG: f64 = PI / 180.0;

fn nside(n: u32) -> Nside {
    Nside::try_from(n).unwrap()
}

fn at(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg * DEG,
        dec_rad: dec_deg * DEG,
    }
}

/// Scans the whole sky at the first nside, then what lies within a radius of a direction.
fn scan(rounds: &[(u32, f64)], around: Equatorial, llh: impl Fn(Equatorial) -> f64) -> SkyMap {
    let mut map = SkyMap::default();
    for &(n, radius_deg) in rounds {
        for pixel in nside(n).within(around, radius_deg * DEG) {
            map.insert(pixel, fitted(llh(pixel.center())));
        }
    }
    map
}

/// Angles from a centre in its tangent plane, x to the east, in degrees.
fn offset_deg(centre: Equatorial, point: Equatorial) -> [f64; 2] {
    let distance = centre.separation_rad(point) / DEG;
    let (sin_a, cos_a) = (point.ra_rad - centre.ra_rad).sin_cos();
    let x = point.dec_rad.cos() * sin_a;
    let y = point.dec_rad.sin() * centre.dec_rad.cos()
        - point.dec_rad.cos() * centre.dec_rad.sin() * cos_a;
    let length = x.hypot(y);
    if length < 1e-300 {
        return [0.0, 0.0];
    }
    [distance * x / length, distance * y / length]
}

/// A likelihood with the ellipse of these half axes (degrees, long one turned from east to north)
/// where 2 (llh - lowest) is WILKS_90.
fn bowl(centre: Equatorial, axes: [f64; 2], turn: f64) -> impl Fn(Equatorial) -> f64 {
    move |point| {
        let [x, y] = offset_deg(centre, point);
        let (u, v) = (
            (x * turn.cos() + y * turn.sin()) / axes[0],
            (y * turn.cos() - x * turn.sin()) / axes[1],
        );
        0.5 * WILKS_90 * (u * u + v * v)
    }
}

/// The area of the ellipse that opens from the best pixel, which need not be the lowest point.
fn expected_deg2(map: &SkyMap, axes: [f64; 2]) -> f64 {
    let best = map.best().unwrap().1.llh;
    PI * axes[0] * axes[1] * (1.0 + best / (0.5 * WILKS_90))
}

fn assert_close(found: f64, expected: f64, share: f64, what: &str) {
    assert!(
        (found / expected - 1.0).abs() < share,
        "{what}: {found}, expected {expected}"
    );
}

fn ninety(map: &SkyMap) -> Region {
    containment(map, WILKS_90, 0.9).unwrap()
}

/// Ordinary places, RA 0 from both sides, both poles and close to them, where base pixels meet.
fn places() -> Vec<Equatorial> {
    vec![
        at(137.3, 12.2),
        at(224.12, 41.31),
        at(0.02, -33.0),
        at(359.97, 3.0),
        at(10.0, 89.97),
        at(200.0, 90.0),
        at(77.0, -90.0),
        at(300.0, -89.2),
        at(45.0, 41.8103),
        at(90.0, 0.0),
    ]
}

#[test]
fn wilks_levels_are_exact() {
    assert!((wilks_level(0.5) - WILKS_50).abs() < 1e-15);
    assert!((wilks_level(0.9) - WILKS_90).abs() < 1e-14);
    assert!((WILKS_50 - 1.386_294_361_119_890_6).abs() < 1e-15);
    assert!((WILKS_90 - 4.605_170_185_988_091).abs() < 1e-15);
    assert_eq!(wilks_level(0.0), 0.0);
}

#[test]
fn ellipses_have_their_area_everywhere() {
    for centre in places() {
        for (axes, turn) in [([1.5, 0.8], 0.6), ([0.5, 0.5], 0.0), ([3.0, 0.4], 2.0)] {
            let map = scan(
                &[(8, 180.0), (64, 9.0), (512, 4.0)],
                centre,
                bowl(centre, axes, turn),
            );
            let region = ninety(&map);
            let expected = expected_deg2(&map, axes);
            assert_close(
                region.area_deg2,
                expected,
                0.003,
                &format!("{centre:?} {axes:?}"),
            );
            assert_eq!(region.contours.len(), 1, "{centre:?} {axes:?}");
        }
    }
}

#[test]
fn regions_smaller_than_a_pixel_keep_their_size() {
    for centre in places() {
        for radius in [0.3, 0.1, 0.02] {
            let axes = [radius, 0.7 * radius];
            let map = scan(&[(8, 180.0), (64, 8.0)], centre, bowl(centre, axes, 1.0));
            let region = ninety(&map);
            let expected = expected_deg2(&map, axes);
            assert_close(
                region.area_deg2,
                expected,
                0.003,
                &format!("{centre:?} {axes:?}"),
            );
        }
    }
}

#[test]
fn a_region_that_leaves_the_finest_round_goes_on_in_the_coarser_one() {
    for centre in places() {
        let axes = [6.0, 3.0];
        let map = scan(
            &[(16, 180.0), (64, 5.0), (256, 2.0)],
            centre,
            bowl(centre, axes, 0.3),
        );
        let region = ninety(&map);
        let expected = expected_deg2(&map, axes);
        assert_close(region.area_deg2, expected, 0.003, &format!("{centre:?}"));
        assert_eq!(region.contours.len(), 1);
    }
}

#[test]
fn errors_reach_to_the_edge_on_both_sides_of_ra_0() {
    for ra in [0.01, 359.99, 180.0] {
        let centre = at(ra, 30.0);
        let map = scan(
            &[(8, 180.0), (512, 3.0)],
            centre,
            bowl(centre, [1.2, 0.6], 0.0),
        );
        let region = ninety(&map);
        let best = map.best().unwrap().0.center();
        let shift = offset_deg(centre, best);
        let cos_dec = best.dec_rad.cos();
        assert_close(
            region.ra_plus_deg,
            (1.2 - shift[0]) / cos_dec,
            0.02,
            "ra plus",
        );
        assert_close(
            region.ra_minus_deg,
            (1.2 + shift[0]) / cos_dec,
            0.02,
            "ra minus",
        );
        assert_close(region.dec_plus_deg, 0.6 - shift[1], 0.02, "dec plus");
        assert_close(region.dec_minus_deg, 0.6 + shift[1], 0.02, "dec minus");
    }
}

#[test]
fn a_region_with_a_pole_inside_has_every_right_ascension() {
    let centre = at(10.0, 89.5);
    let map = scan(
        &[(8, 180.0), (512, 3.0)],
        centre,
        bowl(centre, [1.0, 1.0], 0.0),
    );
    let region = ninety(&map);
    assert_eq!((region.ra_plus_deg, region.ra_minus_deg), (180.0, 180.0));
    let best_dec = map.best().unwrap().0.center().dec_rad / DEG;
    assert!((best_dec + region.dec_plus_deg - 90.0).abs() < 1e-9);
    assert_close(region.dec_minus_deg, best_dec - 88.5, 0.02, "dec minus");
    assert!(region.contains(at(123.0, 90.0)));
}

#[test]
fn a_small_region_beside_the_pole_keeps_its_right_ascension() {
    let centre = at(10.0, 88.0);
    let map = scan(
        &[(8, 180.0), (512, 3.0)],
        centre,
        bowl(centre, [1.0, 1.0], 0.0),
    );
    let region = ninety(&map);
    assert!((25.0..35.0).contains(&region.ra_plus_deg), "{region:?}");
    assert!((25.0..35.0).contains(&region.ra_minus_deg), "{region:?}");
}

#[test]
fn two_islands_are_both_counted() {
    let (first, second) = (at(359.0, 20.0), at(4.0, 21.0));
    let (deep, shallow) = (bowl(first, [1.0, 0.6], 0.0), bowl(second, [0.5, 0.8], 0.0));
    let map = scan(
        &[(8, 180.0), (64, 14.0), (512, 9.0)],
        at(1.5, 20.5),
        |point| deep(point).min(shallow(point)),
    );
    let region = ninety(&map);
    assert_eq!(region.contours.len(), 2);
    let expected = expected_deg2(&map, [1.0, 0.6]) + expected_deg2(&map, [0.5, 0.8]);
    assert_close(region.area_deg2, expected, 0.003, "both");
    assert!(region.contains(first) && region.contains(second));
    assert!(!region.contains(at(1.6, 20.5)));
    // Where the source may be else is the bottom of the other one.
    let best = map.best().unwrap().0.center();
    let (other, fit) = region.second_minimum(&map).unwrap();
    let bottoms = [first, second].map(|at| at.separation_rad(other.center()) / DEG);
    assert!(
        bottoms[0].min(bottoms[1]) < 0.1 && fit.llh < 0.1,
        "{bottoms:?}"
    );
    assert!(best.separation_rad(other.center()) / DEG > 4.0);
    // The second island's far edge is that far east of the best fit.
    assert!(region.ra_plus_deg > 5.0 || region.ra_minus_deg > 5.0);
}

#[test]
fn a_ring_has_a_hole() {
    for centre in [at(0.0, -20.0), at(0.0, 90.0), at(33.0, 89.0)] {
        let ring = |point: Equatorial| {
            let off = centre.separation_rad(point) / DEG - 3.0;
            0.5 * WILKS_90 * off * off
        };
        let map = scan(&[(8, 180.0), (64, 12.0), (512, 7.0)], centre, ring);
        let region = ninety(&map);
        assert_eq!(region.contours.len(), 2, "{centre:?}");
        assert!(region.second_minimum(&map).is_none());
        // The square root law of a bowl does not hold here: the edges shift by the best pixel's llh.
        let half = (1.0 + map.best().unwrap().1.llh / (0.5 * WILKS_90)).sqrt();
        let cap = |radius: f64| 2.0 * PI * (1.0 - (radius * DEG).cos()) / DEG / DEG;
        let expected = cap(3.0 + half) - cap(3.0 - half);
        assert_close(region.area_deg2, expected, 0.003, &format!("{centre:?}"));
        assert!(!region.contains(centre));
        let inside = Equatorial {
            ra_rad: centre.ra_rad,
            dec_rad: centre.dec_rad - 3.0 * DEG,
        };
        assert!(region.contains(inside));
        if centre.dec_rad > 80.0 * DEG {
            // Around the pole without holding it.
            assert_eq!((region.ra_plus_deg, region.ra_minus_deg), (180.0, 180.0));
        }
    }
}

#[test]
fn most_of_the_sky_can_be_inside() {
    // Everything but a cap of 20 degrees, which holds the antipode of the best fit, or doesn't.
    for hole in [at(200.0, -30.0), at(20.0, -60.0)] {
        let map = scan(&[(32, 180.0)], hole, |point| {
            let distance = hole.separation_rad(point) / DEG;
            let best = at(20.0, 30.0).separation_rad(point) / DEG;
            0.5 * WILKS_90 * ((40.0 - distance) / 20.0).max(0.0) + 1e-5 * best
        });
        let region = ninety(&map);
        let cap = 2.0 * PI * (1.0 - (20.0 * DEG).cos()) / DEG / DEG;
        assert_close(
            region.area_deg2,
            4.0 * PI / DEG / DEG - cap,
            0.002,
            "all but the cap",
        );
        assert!(!region.contains(hole), "{hole:?}");
        assert!(region.contains(map.best().unwrap().0.center()));
        let antipode = at(200.0, -30.0);
        assert_eq!(region.contains(antipode), hole != antipode);
    }
}

#[test]
fn contains_agrees_with_the_likelihood() {
    for centre in places() {
        let llh = bowl(centre, [1.5, 0.8], 0.6);
        let map = scan(&[(8, 180.0), (64, 8.0), (512, 4.0)], centre, &llh);
        let region = ninety(&map);
        let best = map.best().unwrap().1.llh;
        for pixel in nside(128).within(centre, 3.0 * DEG) {
            let share = 2.0 * (llh(pixel.center()) - best) / WILKS_90;
            if !(0.95..1.05).contains(&share) {
                assert_eq!(
                    region.contains(pixel.center()),
                    share < 1.0,
                    "{centre:?} {pixel:?}"
                );
            }
        }
        assert!(!region.contains(at(centre.ra_rad / DEG + 180.0, -centre.dec_rad / DEG)));
    }
}

#[test]
fn failed_pixels_leave_no_mark_on_a_smooth_likelihood() {
    let centre = at(137.3, 12.2);
    let mut map = scan(
        &[(8, 180.0), (64, 9.0), (512, 4.0)],
        centre,
        bowl(centre, [1.5, 0.8], 0.6),
    );
    let whole = ninety(&map).area_deg2;
    let best = map.best().unwrap().0;
    for pixel in nside(512).within(centre, 4.0 * DEG) {
        if pixel.index % 17 == 0 && pixel != best {
            map.insert(pixel, PixelOutcome::Failed("lost".into()));
        }
    }
    let region = ninety(&map);
    assert_close(region.area_deg2, whole, 0.01, "with failed pixels");
    assert_eq!(region.contours.len(), 1);
}

/// Noise as large as the level, a third of the pixels failed: ragged islands and holes, but the
/// lines still close, and what they bound is what the area says.
#[test]
fn area_and_contains_agree_on_a_noisy_map() {
    for (k, centre) in places().into_iter().enumerate().step_by(4) {
        let llh = bowl(centre, [3.0, 1.5], 0.6);
        let mut map = scan(&[(8, 180.0), (64, 10.0), (128, 5.0)], centre, &llh);
        let clean = map.clone();
        let mut state = k as u64 + 1;
        for (&nside, pixels) in clean.rounds() {
            for (&index, outcome) in pixels {
                // The generator of Knuth's MMIX: any noise does, as long as it stays the same.
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let noise = (state >> 40) as f64 / (1u64 << 24) as f64;
                let PixelOutcome::Fitted(fit) = outcome else {
                    continue;
                };
                let noisy = if noise < 0.33 {
                    PixelOutcome::Failed("lost".into())
                } else {
                    fitted(fit.llh + 4.0 * noise)
                };
                map.insert(Pixel { nside, index }, noisy);
            }
        }
        let region = ninety(&map);
        let lattice = nside(512);
        let cells = lattice.within(centre, 8.0 * DEG);
        let held = cells.iter().filter(|cell| region.contains(cell.center()));
        let counted = held.count() as f64 * lattice.pixel_area_deg2();
        assert_close(counted, region.area_deg2, 0.02, &format!("{centre:?}"));
    }
}

#[test]
fn degenerate_maps_still_give_an_answer() {
    assert_eq!(containment(&SkyMap::default(), WILKS_90, 0.9), None);
    let mut map = SkyMap::default();
    let pixel = Pixel::new(nside(8), 300).unwrap();
    map.insert(pixel, PixelOutcome::Failed("lost".into()));
    assert_eq!(containment(&map, WILKS_90, 0.9), None);
    map.insert(pixel, fitted(3.0));
    assert_eq!(containment(&map, f64::NAN, 0.9), None);
    // One pixel: it is the region.
    let lone = ninety(&map);
    assert_close(
        lone.area_deg2,
        nside(8).pixel_area_deg2(),
        0.02,
        "a lone pixel",
    );
    assert!(lone.contains(pixel.center()));

    let flat = scan(&[(8, 180.0)], at(0.0, 0.0), |_| 1.0);
    let whole = ninety(&flat);
    assert_close(whole.area_deg2, 4.0 * PI / DEG / DEG, 1e-9, "the whole sky");
    assert_eq!((whole.ra_plus_deg, whole.ra_minus_deg), (180.0, 180.0));
    assert!(whole.contains(at(12.0, 34.0)));
    assert!((whole.dec_plus_deg + whole.dec_minus_deg - 180.0).abs() < 1e-9);

    // Hardly anything, but not nothing.
    let best = Pixel::new(nside(64), 5000).unwrap();
    let map = scan(
        &[(8, 180.0), (64, 9.0)],
        best.center(),
        bowl(best.center(), [1.0, 1.0], 0.0),
    );
    for level in [1e-6, 1e-12, 0.0] {
        let point = containment(&map, level, 0.0).unwrap();
        let expected = (PI * level / WILKS_90).max(1e-6);
        assert!(
            point.area_deg2 > 0.0 && point.area_deg2 < 5.0 * expected,
            "{level} {} {expected}",
            point.area_deg2
        );
    }
}
