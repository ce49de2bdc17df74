use super::*;
use crate::{Variations, start};
use skyscan_event::DetectorDirection;
use skyscan_reco::PixelRequest;
use skyscan_sky::Equatorial;
use skyscan_sky::map::{PixelFit, fitted};

const LEVEL: f64 = 4.61;

fn nside(nside: u32) -> Nside {
    Nside::try_from(nside).unwrap()
}

fn zoom(nsides: &[u32]) -> Plan {
    Plan::new(
        Strategy::Zoom,
        nsides.iter().map(|n| nside(*n)).collect(),
        LEVEL,
    )
    .unwrap()
}

/// Runs a scan of a likelihood given as a function of the direction.
fn scan(plan: &Plan, outcome: impl Fn(Pixel) -> PixelOutcome) -> SkyMap {
    let mut map = SkyMap::default();
    loop {
        match next(&map, plan) {
            Next::Complete => return map,
            Next::Wave(pixels) => {
                assert!(pixels.is_sorted() && !pixels.is_empty());
                for pixel in pixels {
                    assert!(map.get(pixel).is_none(), "{pixel:?} comes twice");
                    map.insert(pixel, outcome(pixel));
                }
            }
        }
    }
}

/// Quadratic near the minimum, a cone further out, flat far away: the shape of a track's
/// likelihood.
fn funnel(source: Equatorial, sigma_deg: f64) -> impl Fn(Pixel) -> f64 {
    move |pixel| {
        let x = pixel.center().separation_rad(source).to_degrees() / sigma_deg;
        100.0 * (1.0 - 1.0 / (1.0 + x * x / 200.0))
    }
}

fn direction(ra_deg: f64, dec_deg: f64) -> Equatorial {
    Equatorial {
        ra_rad: ra_deg.to_radians(),
        dec_rad: dec_deg.to_radians(),
    }
}

#[test]
fn finds_the_minimum_and_encloses_the_region() {
    for source in [
        direction(224.1, 41.3),
        direction(0.02, -0.1),
        direction(10.0, 89.9),
    ] {
        let llh = funnel(source, 0.4);
        let map = scan(&zoom(&[8, 64, 512]), |pixel| fitted(llh(pixel)));
        let (best, best_fit) = map.best().unwrap();
        assert_eq!(best.nside, nside(512));
        assert!(best.center().separation_rad(source) < nside(512).radius_rad());
        // Every direction in the region, on the whole sky, was scanned at the finest nside, and
        // so was its surrounding.
        let threshold = best_fit.llh + 0.5 * LEVEL;
        let inside = nside(512).within(source, 0.05);
        let region: Vec<Pixel> = inside
            .into_iter()
            .filter(|p| llh(*p) <= threshold)
            .collect();
        assert!(region.len() > 20);
        for pixel in region.iter().flat_map(|pixel| pixel.neighbours()) {
            assert!(map.get(pixel).is_some());
        }
        assert!(
            map.rounds()[&nside(512)].len() < 4000,
            "{}",
            map.rounds()[&nside(512)].len()
        );
    }
}

#[test]
fn a_region_larger_than_the_refined_pixels_grows_until_it_closes() {
    let source = direction(100.0, -30.0);
    let llh = funnel(source, 6.0);
    let map = scan(&zoom(&[4, 32]), |pixel| fitted(llh(pixel)));
    let threshold = map.best().unwrap().1.llh + 0.5 * LEVEL;
    let all: Vec<Pixel> = nside(32)
        .pixels()
        .filter(|p| llh(*p) <= threshold)
        .collect();
    assert!(all.len() > 100);
    for pixel in all.iter().flat_map(|pixel| pixel.neighbours()) {
        assert!(map.get(pixel).is_some());
    }
}

#[test]
fn a_zoom_ends_where_the_region_is_resolved() {
    let ladder: Vec<u32> = vec![4, 8, 16, 32, 64, 128, 256, 512];
    let finest = |sigma_deg| {
        let source = direction(100.0, -30.0);
        let llh = funnel(source, sigma_deg);
        let plan = zoom(&ladder).until_resolved(true);
        let map = scan(&plan, |pixel| fitted(llh(pixel)));
        let (nside, pixels) = map.rounds().iter().next_back().unwrap();
        let threshold = map.best().unwrap().1.llh + 0.5 * LEVEL;
        let all = nside.pixels().filter(|p| llh(*p) <= threshold);
        // Ended or not, the region is closed.
        for pixel in all.flat_map(|pixel| pixel.neighbours()) {
            assert!(pixels.contains_key(&pixel.index), "{pixel:?}");
        }
        (u32::from(*nside), pixels.len())
    };
    // Half of the probability on 4.4 sigma^2, pixels of 3.4, 0.84 and 0.013 square degrees.
    let (nside, n_pixels) = finest(10.0);
    assert!(nside == 32 && n_pixels < 1_000, "{nside}: {n_pixels}");
    let (nside, n_pixels) = finest(6.0);
    assert!(nside == 64 && n_pixels < 2_000, "{nside}: {n_pixels}");
    assert_eq!(finest(0.4).0, 512);
    // A plain says nothing of what is between coarse pixels.
    let plain = scan(&zoom(&ladder).until_resolved(true), |_| fitted(1.0));
    assert_eq!(plain.rounds().len(), 3);
    // What was asked for is scanned to its last round.
    let llh = funnel(direction(100.0, -30.0), 10.0);
    let asked = scan(&zoom(&[4, 8, 32, 64]), |pixel| fitted(llh(pixel)));
    assert_eq!(asked.rounds().len(), 4);
}

#[test]
fn two_separate_minima_are_both_refined() {
    let (a, b) = (direction(40.0, 10.0), direction(220.0, -50.0));
    let (to_a, to_b) = (funnel(a, 0.5), funnel(b, 0.5));
    let map = scan(&zoom(&[8, 64]), |pixel| {
        fitted(to_a(pixel).min(to_b(pixel) + 0.3))
    });
    for source in [a, b] {
        assert!(map.get(nside(64).containing(source)).is_some());
    }
}

#[test]
fn failed_pixels_are_never_best_nor_refined() {
    let source = direction(150.0, 20.0);
    let failing = nside(8).containing(direction(300.0, -60.0));
    let llh = funnel(source, 0.5);
    let map = scan(&zoom(&[8, 64]), |pixel| match pixel == failing {
        true => PixelOutcome::Failed("broken".to_owned()),
        false => fitted(llh(pixel)),
    });
    assert!(map.best().unwrap().0.center().separation_rad(source) < nside(64).radius_rad());
    assert!(
        failing
            .children(nside(64))
            .iter()
            .all(|child| map.get(*child).is_none())
    );
}

#[test]
fn a_minimum_inside_a_failed_coarse_pixel_is_found_from_beside() {
    let source = direction(150.0, 20.0);
    let failing = nside(8).containing(source);
    let llh = funnel(source, 0.5);
    let map = scan(&zoom(&[8, 64]), |pixel| match pixel == failing {
        true => PixelOutcome::Failed("broken".to_owned()),
        false => fitted(llh(pixel)),
    });
    assert!(map.best().unwrap().0.center().separation_rad(source) < nside(64).radius_rad());
}

#[test]
fn a_sky_of_failures_ends() {
    let map = scan(&zoom(&[8, 64]), |_| {
        PixelOutcome::Failed("broken".to_owned())
    });
    assert_eq!(map.len(), 768);
    assert!(map.best().is_none());
}

#[test]
fn direct_scans_take_one_wave() {
    let whole = Plan::new(Strategy::Direct { within: None }, vec![nside(16)], LEVEL).unwrap();
    assert_eq!(scan(&whole, |_| fitted(0.0)).len(), 12 * 16 * 16);
    let disc = Disc {
        center: direction(0.0, 0.0),
        radius_rad: 0.05,
    };
    let part = Plan::new(
        Strategy::Direct { within: Some(disc) },
        vec![nside(64)],
        LEVEL,
    )
    .unwrap();
    let map = scan(&part, |_| fitted(0.0));
    assert!(map.rounds()[&nside(64)].keys().all(|&index| {
        Pixel {
            nside: nside(64),
            index,
        }
        .center()
        .separation_rad(disc.center)
            <= 0.05
    }));
    assert!(map.len() > 20);
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let n = |n: &[u32]| n.iter().map(|n| nside(*n)).collect::<Vec<_>>();
    for (strategy, rounds) in [
        (Strategy::Zoom, n(&[])),
        (Strategy::Zoom, n(&[8, 8])),
        (Strategy::Zoom, n(&[64, 8])),
        (Strategy::Zoom, n(&[1024])),
        (Strategy::Direct { within: None }, n(&[8, 64])),
    ] {
        assert!(
            Plan::new(strategy.clone(), rounds.clone(), LEVEL).is_err(),
            "{rounds:?}"
        );
    }
}

#[test]
fn only_usual_rounds_of_a_known_likelihood_end_early() {
    let plan = |strategy, asked: &[u32], is_strange| {
        let asked: Vec<Nside> = asked.iter().map(|n| nside(*n)).collect();
        let plan = Plan::of(strategy, &asked, is_strange, LEVEL).unwrap();
        let rounds: Vec<u32> = plan.rounds().iter().map(|n| u32::from(*n)).collect();
        (rounds, plan.ends_resolved())
    };
    let ladder = vec![4, 8, 16, 32, 64, 128, 256, 512];
    assert_eq!(plan(Strategy::Zoom, &[], false), (ladder, true));
    assert_eq!(plan(Strategy::Zoom, &[], true), (vec![8, 64, 512], false));
    assert_eq!(
        plan(Strategy::Zoom, &[8, 64, 512], false),
        (vec![8, 64, 512], false)
    );
    let direct = Strategy::Direct { within: None };
    assert_eq!(plan(direct, &[], true).0, [64]);
}

#[test]
fn a_direct_scan_of_the_whole_sky_may_have_three_million_pixels() {
    let whole = |n| Plan::new(Strategy::Direct { within: None }, vec![nside(n)], LEVEL);
    assert!(whole(512).is_ok());
    assert!(whole(1024).is_err());
}

#[test]
fn a_plan_is_changed_in_one_thing_at_a_time() {
    let plan = zoom(&[8, 64]);
    let other = plan.clone().varying(Variations::Octahedron);
    assert_eq!(other.variations(), Variations::Octahedron);
    assert_eq!(other.clone().varying(plan.variations()), plan);
    let other = plan.clone().enclosing(9.2);
    assert_eq!(other.level(), 9.2);
    assert_eq!(other.enclosing(LEVEL), plan);
}

/// A fit by whose vertex it is known where it was; here and there none.
fn marked(pixel: Pixel, llh: f64) -> PixelOutcome {
    if pixel.index % 23 == 7 {
        return PixelOutcome::Failed("no light".to_owned());
    }
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [pixel.index as f64, f64::from(u32::from(pixel.nside)), 0.0],
        time_ns: 0.0,
        energy_inside_gev: None,
        energy_total_gev: None,
    })
}

/// Whatever is known of a round when it is foreseen.
#[test]
fn what_is_foreseen_is_asked_for_in_these_words_as_a_whole_or_not_at_all() {
    for (source, sigma_deg) in [
        (direction(100.0, -30.0), 6.0),
        (direction(10.0, 89.9), 2.0),
        (direction(0.02, -0.1), 0.7),
    ] {
        let plan = zoom(&[4, 8, 32, 64]);
        let llh = funnel(source, sigma_deg);
        let asks = |map: &SkyMap, pixel: Pixel| {
            let center = pixel.center();
            let seen = DetectorDirection {
                zenith_rad: center.dec_rad,
                azimuth_rad: center.ra_rad,
            };
            start::request(map, pixel, seen)
        };
        let mut map = SkyMap::default();
        let mut foreseen: Vec<Vec<(Pixel, PixelRequest)>> = Vec::new();
        let (mut n_asked, mut n_in_vain) = (0, 0);
        while let Next::Wave(mut wave) = next(&map, &plan) {
            let is_next = |part: &Vec<(Pixel, PixelRequest)>| part[0].0.nside == wave[0].nside;
            for part in foreseen.extract_if(.., |part| is_next(part)) {
                let is_asked = |(pixel, _): &&(Pixel, PixelRequest)| wave.contains(pixel);
                let n_of_part = part.iter().filter(is_asked).count();
                assert!([0, part.len()].contains(&n_of_part), "{part:?}");
                n_asked += usize::from(n_of_part > 0);
                n_in_vain += usize::from(n_of_part == 0);
                for (pixel, request) in part.iter().filter(|_| n_of_part > 0) {
                    assert_eq!(*request, asks(&map, *pixel), "{pixel:?}");
                }
            }
            // Results come in any order.
            wave.sort_by_key(|pixel| pixel.index.wrapping_mul(2_654_435_761) % 1009);
            for (n_known, pixel) in wave.iter().enumerate() {
                map.insert(*pixel, marked(*pixel, llh(*pixel)));
                if n_known % 16 == 0 {
                    foreseen.extend(likely(&map, &plan).into_iter().map(|part| {
                        let asked = part.into_iter().map(|pixel| (pixel, asks(&map, pixel)));
                        asked.collect()
                    }));
                }
            }
        }
        assert!(n_asked > 20, "{n_asked} and {n_in_vain} in vain");
        let of_the_last = likely(&map, &plan);
        assert_eq!(of_the_last, Vec::<Vec<Pixel>>::new());
    }
    let direct = Plan::new(Strategy::Direct { within: None }, vec![nside(4)], LEVEL).unwrap();
    let map = scan(&direct, |_| fitted(0.0));
    assert_eq!(likely(&map, &direct), Vec::<Vec<Pixel>>::new());
}
