use super::*;
use skyscan_reco::light::cherenkov::add_scaled;

const FEW: u64 = 30_000;

fn learned(seed: u64, n_steps: u64, n_photons: u64) -> LearnedShowers {
    let course = Course { seed, n_steps };
    learn_showers(
        &Detector::icecube86(),
        n_photons,
        HoleIce::H2,
        course,
        |_| (),
    )
    .unwrap()
}

#[test]
fn the_same_seed_gives_the_same_file() {
    assert_eq!(learned(3, 5, 500).to_json(), learned(3, 5, 500).to_json());
    assert_ne!(learned(3, 5, 500).to_json(), learned(4, 5, 500).to_json());
}

/// A few photons of another seed, in shells about showers of any height and direction: within 15 % as much light
/// as what ships has there.
#[test]
fn what_ships_has_as_much_light_as_photons_have() {
    let detector = Detector::icecube86();
    let ice = Ice::new(&detector.ice);
    let settings = Settings {
        seed: 77,
        photons: FEW,
        hole_ice: HoleIce::H2,
    };
    let samples = draw_showers(2, &detector.ice, &settings);
    let shipped = LearnedShowers::shipped(HoleIce::H2);
    let mut random = ChaCha8Rng::seed_from_u64(78);
    for (from_m, to_m) in [(5.0, 20.0), (20.0, 50.0), (50.0, 100.0), (100.0, 160.0)] {
        let inside = samples
            .iter()
            .filter(|sample| (from_m..to_m).contains(&sample.place.distance_m));
        let simulated = inside.map(|sample| sample.weight).sum::<f64>() / FEW as f64;
        let n = 20_000;
        let told: f64 = (0..n)
            .map(|_| {
                let (z_m, direction) = shower(&mut random);
                let distance_m = from_m + (to_m - from_m) * dice::unit(&mut random);
                let dom_m = add_scaled([0.0, 0.0, z_m], dice::isotropic(&mut random), distance_m);
                let place = Place::new([0.0, 0.0, z_m], direction, dom_m);
                let (shower_ice, dom_ice) =
                    (ShowerIce::new(&ice, z_m), DomIce::new(&ice, dom_m[2]));
                let per_gev = shipped.per_gev(&ice, &place, &shower_ice, &dom_ice);
                per_gev * 4.0 * PI * distance_m * distance_m * (to_m - from_m) / f64::from(n)
            })
            .sum();
        let ratio = told / simulated;
        assert!((ratio - 1.0).abs() < 0.15, "{from_m} to {to_m} m: {ratio}");
    }
}
