use super::*;
use crate::synthetic::{Recipe, generate};
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Detector;
use skyscan_sky::map::PixelFit;

fn problem(seed: u64, energy_gev: f64) -> Problem {
    let detector = Detector::icecube86();
    let recipe = Recipe {
        seed,
        direction: None,
        energy_gev: Some(energy_gev),
        mjd: 60_000.0,
    };
    let event = generate(&detector, &recipe);
    Problem {
        event,
        detector,
        reco: "pandel-mpe".to_owned(),
    }
}

fn fitted(outcome: PixelOutcome) -> PixelFit {
    match outcome {
        PixelOutcome::Fitted(fit) => fit,
        PixelOutcome::Failed(reason) => panic!("{reason}"),
    }
}

#[test]
fn gradient_is_the_derivative() {
    let problem = problem(11, 1e5);
    let likelihood = PandelMpe::default().for_event(&problem).unwrap();
    let direction = [0.36, -0.48, 0.8];
    let slice = Slice::new(&likelihood, &Plane::new(likelihood.center_m, direction));
    for track in [
        [3.0, -41.0, 10_100.0],
        [-77.0, 12.0, 9_800.0],
        [250.0, 130.0, 10_500.0],
    ] {
        let (_, gradient) = slice.evaluate(track);
        for i in 0..3 {
            let at = |step: f64| {
                let mut moved = track;
                moved[i] += step;
                slice.evaluate(moved).0
            };
            // The table is piecewise linear: a small step stays between its nodes for most DOMs.
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (numeric - gradient[i]).abs() < 2e-3 * (1.0 + gradient[i].abs()),
                "{i} at {track:?}: {numeric} {}",
                gradient[i]
            );
        }
    }
}

#[test]
fn the_true_direction_beats_its_surroundings() {
    for seed in 0..5 {
        let problem = problem(seed, 2e5);
        let likelihood = PandelMpe::default().for_event(&problem).unwrap();
        let truth = problem.event.truth.as_ref().unwrap().direction.unwrap();
        let at = |zenith: f64, azimuth: f64| {
            let direction = DetectorDirection {
                zenith_rad: truth.zenith_rad + zenith.to_radians(),
                azimuth_rad: truth.azimuth_rad + azimuth.to_radians(),
            };
            fitted(likelihood.fit(&PixelRequest {
                direction,
                seeds: vec![],
            }))
            .llh
        };
        let here = at(0.0, 0.0);
        for (zenith, azimuth) in [(3.0, 0.0), (-3.0, 0.0), (30.0, 0.0), (0.0, 40.0)] {
            assert!(
                at(zenith, azimuth) > here + 1.0,
                "seed {seed}, {zenith} {azimuth} off"
            );
        }
    }
}

#[test]
fn a_parents_optimum_is_never_made_worse() {
    let problem = problem(2, 1e5);
    let likelihood = PandelMpe::default().for_event(&problem).unwrap();
    let direction = DetectorDirection {
        zenith_rad: 1.2,
        azimuth_rad: 0.4,
    };
    let alone = fitted(likelihood.fit(&PixelRequest {
        direction,
        seeds: vec![],
    }));
    let seed = super::super::VertexSeed {
        position_m: alone.position_m,
        time_ns: alone.time_ns,
    };
    let again = fitted(likelihood.fit(&PixelRequest {
        direction,
        seeds: vec![seed],
    }));
    assert!(again.llh <= alone.llh + 1e-9, "{} {}", again.llh, alone.llh);
}

#[test]
fn too_few_hits_are_refused() {
    let mut problem = problem(1, 1e5);
    problem.event.pulses.truncate(3);
    let error = PandelMpe::default()
        .for_event(&problem)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("pandel-mpe") && error.contains("hard local coincidence"),
        "{error}"
    );
}
