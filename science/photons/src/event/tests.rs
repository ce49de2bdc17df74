use super::*;
use skyscan_event::detector::Dom;
use skyscan_reco::hits::first_hits;
use skyscan_reco::light::cherenkov::Track;
use skyscan_reco::synthetic;

use crate::optics::phase_index;

fn recipe(seed: u64, energy_gev: f64) -> Recipe {
    Recipe::of(seed, energy_gev)
}

#[test]
fn the_same_recipe_gives_the_same_event_on_any_number_of_threads() {
    let detector = Detector::icecube86();
    let generator = Generator::new(&detector, HoleIce::H2);
    let event = generator.generate(&recipe(7, 1e3), 1);
    assert_eq!(event, generator.generate(&recipe(7, 1e3), 3));
    assert_ne!(event.pulses, generator.generate(&recipe(8, 1e3), 3).pulses);
    let smooth = synthetic::generate(&detector, &recipe(7, 1e3));
    assert_eq!(event.truth, smooth.truth);
}

/// First light of a fifth of a hundred DOMs is nearly straight, and what comes early is noise.
#[test]
fn light_comes_after_its_front() {
    let detector = Detector::icecube86();
    let event = Generator::new(&detector, HoleIce::H2).generate(&recipe(3, 2e4), 2);
    let truth = event.truth.clone().unwrap();
    let track = Track {
        position_m: truth.position_m,
        direction: truth.direction.unwrap().unit_vector().map(|x| -x),
        time_ns: truth.time_ns,
    };
    let delays: Vec<f64> = first_hits(&event, &detector)
        .iter()
        .map(|hit| {
            let approach = track.approach(hit.position_m);
            let front = Front::new().of_track_ns(approach.along_m, approach.distance_m);
            hit.time_ns - track.time_ns - front
        })
        .collect();
    let share = |holds: fn(f64) -> bool| {
        delays.iter().filter(|delay| holds(**delay)).count() as f64 / delays.len() as f64
    };
    assert!(delays.len() > 100, "{}", delays.len());
    assert!(share(|delay| delay < -10.0) < 0.03);
    assert!(share(|delay| delay < 60.0) > 0.15);
    assert!(share(|delay| delay < 2_000.0) > 0.95);
}

#[test]
fn more_energy_and_clearer_ice_give_more_light() {
    let detector = Detector::icecube86();
    let charge = |detector: &Detector, energy_gev| {
        let event = Generator::new(detector, HoleIce::H2).generate(&recipe(0, energy_gev), 2);
        event
            .pulses
            .iter()
            .filter(|p| p.hlc)
            .map(|p| f64::from(p.charge_pe))
            .sum::<f64>()
    };
    let usual = charge(&detector, 1e3);
    assert!(charge(&detector, 3e4) > 2.0 * usual);
    let mut dark = detector.clone();
    for layer in &mut dark.ice {
        layer.absorption_length_m /= 10.0;
    }
    assert!(charge(&dark, 1e3) < 0.75 * usual);
}

/// Without scattering and absorption light that leaves a track under an angle `theta` falls off as
/// `1 / (2 pi d sin(theta))`.
#[test]
fn light_spreads_as_geometry_says() {
    // Rings of DOMs round a vertical track, 30 m away.
    let place = |i: u16| {
        let angle = f64::from(i % 40) * std::f64::consts::TAU / 40.0;
        let (x, y) = (30.0 * angle.cos(), 30.0 * angle.sin());
        [x, y, f64::from(i / 40) * 10.0 - 250.0]
    };
    let dom = |i: u16| {
        let id = DomId { string: i, dom: 1 };
        let position_m = place(i);
        (
            id,
            Dom {
                position_m,
                relative_efficiency: 1.0,
            },
        )
    };
    let detector = Detector {
        doms: (0..2_000).map(dom).collect(),
        ..Detector::icecube86()
    };
    let generator = Generator {
        medium: Medium::uniform(1e-9, 1e-9),
        ..Generator::new(&detector, HoleIce::Older)
    };
    let track = Track {
        position_m: [0.0; 3],
        direction: [0.0, 0.0, 1.0],
        time_ns: 0.0,
    };
    let way = (-2_000.0, 4_000.0);
    let source = Source::new(track, way, 1.0, Vec::new(), &generator.shower);
    let light = generator.light(&source, &Targets::new(&detector, &track), 1, 2);
    let found = light
        .iter()
        .map(|(_, expected)| expected.number)
        .sum::<f64>()
        / 2_000.0;

    let seen = |cosine: f64| HoleIce::Older.sensitivity(cosine) / (1.0 - cosine * cosine).sqrt();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let n = 100_000;
    let soft: f64 = (0..n)
        .map(|_| generator.shower.direction(track.direction, &mut rng)[2])
        // The way ends after 2 km: what leaves it nearly along the track is not seen by all.
        .filter(|cosine| cosine.abs() < 0.9999)
        .map(seen)
        .sum::<f64>()
        / f64::from(n);
    // The light of 0.188 m of shower comes with each metre; an enlarged DOM is a little closer to the track.
    let per_metre = PHOTONS_PER_M * (seen(1.0 / phase_index(420.0)) + 0.188 * soft);
    let area = std::f64::consts::PI * 0.165_1 * 0.165_1;
    let expected = 1.008 * per_metre * area / (std::f64::consts::TAU * 30.0);
    assert!((found / expected - 1.0).abs() < 0.03, "{found} {expected}");
    // And it comes with the front, but for its colour: 7 ns in 50 m.
    let late = light.iter().filter(|(target, expected)| {
        let z = place(*target as u16)[2];
        expected.time_ns - Front::new().of_track_ns(z, 30.0) > 12.0
    });
    let late: f64 = late.map(|(_, expected)| expected.number).sum::<f64>() / 2_000.0;
    assert!(late < 0.25 * found, "{late} {found}");
}

#[test]
fn photomultipliers_saturate() {
    let pulse = |charge_pe| Pulse {
        dom: DomId { string: 1, dom: 1 },
        time_ns: 0.0,
        charge_pe,
        width_ns: 10.0,
        hlc: false,
    };
    let mut pulses = [pulse(1.0), pulse(310.0), pulse(1e6)];
    saturate(&mut pulses);
    assert!((pulses[0].charge_pe - 1.0).abs() < 0.001);
    assert!((pulses[1].charge_pe / 310.0 - 0.9).abs() < 0.001);
    assert!(pulses[2].charge_pe < 2790.0);
}
