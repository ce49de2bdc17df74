use super::*;
use crate::VertexSeed;
use crate::synthetic::{Recipe, generate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
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
        reco: "photon-mpe".to_owned(),
    }
}

fn likelihood(problem: &Problem) -> PhotonMpeLikelihood {
    PhotonMpe::default().for_event(problem).unwrap()
}

fn fitted(likelihood: &PhotonMpeLikelihood, request: &PixelRequest) -> PixelFit {
    match likelihood.fit(request) {
        PixelOutcome::Fitted(fit) => fit,
        PixelOutcome::Failed(reason) => panic!("{reason}"),
    }
}

fn alone(direction: DetectorDirection) -> PixelRequest {
    PixelRequest {
        direction,
        seeds: vec![],
    }
}

fn truth(problem: &Problem) -> DetectorDirection {
    problem.event.truth.as_ref().unwrap().direction.unwrap()
}

#[test]
fn gradient_is_the_derivative() {
    let likelihood = likelihood(&problem(11, 1e5));
    for direction in [[0.36, -0.48, 0.8], [0.0, 0.0, -1.0]] {
        let plane = Plane::new(likelihood.center_m, direction);
        let mut slice = Slice::new(&likelihood, &plane);
        for track in [
            [3.0, -41.0, 10_100.0],
            [-77.0, 12.0, 9_800.0],
            [250.0, 130.0, 10_500.0],
        ] {
            let (_, gradient) = slice.evaluate(track);
            for i in 0..3 {
                let mut at = |step: f64| {
                    let mut moved = track;
                    moved[i] += step;
                    slice.evaluate(moved).0
                };
                // The lattice is piecewise linear: a small step stays between its nodes.
                let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (numeric - gradient[i]).abs() < 1e-3 * (1.0 + gradient[i].abs()),
                    "{i} at {track:?}: {numeric} {}",
                    gradient[i]
                );
            }
        }
    }
}

#[test]
fn the_true_direction_beats_its_surroundings() {
    for seed in 0..5 {
        let problem = problem(seed, 2e5);
        let likelihood = likelihood(&problem);
        let truth = truth(&problem);
        let at = |zenith: f64, azimuth: f64| {
            let direction = DetectorDirection {
                zenith_rad: truth.zenith_rad + zenith.to_radians(),
                azimuth_rad: truth.azimuth_rad + azimuth.to_radians(),
            };
            fitted(&likelihood, &alone(direction)).llh
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

/// Fifty descents from anywhere up to 500 m away find nothing below what the search finds by itself.
#[test]
fn no_start_leads_below_the_minimum() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for seed in [1, 6, 9] {
        let problem = problem(seed, 1e5);
        let likelihood = likelihood(&problem);
        let direction = truth(&problem);
        let found = fitted(&likelihood, &alone(direction));
        let towards = direction.unit_vector().map(|x| -x);
        let plane = Plane::new(likelihood.center_m, towards);
        let mut slice = Slice::new(&likelihood, &plane);
        let [_, _, t] = plane.start(&VertexSeed {
            position_m: found.position_m,
            time_ns: found.time_ns,
        });
        for _ in 0..50 {
            let start = [
                random.random_range(-500.0..500.0),
                random.random_range(-500.0..500.0),
                t + random.random_range(-1_000.0..1_000.0),
            ];
            let minimum = minimize(|track| slice.evaluate(track), start, &SEARCH);
            assert!(
                minimum.value > found.llh - 0.05,
                "seed {seed} from {start:?}: {minimum:?}, {found:?}"
            );
        }
    }
}

#[test]
fn a_parents_optimum_is_never_made_worse() {
    let problem = problem(2, 1e5);
    let likelihood = likelihood(&problem);
    let direction = DetectorDirection {
        zenith_rad: 1.2,
        azimuth_rad: 0.4,
    };
    let first = fitted(&likelihood, &alone(direction));
    let seed = VertexSeed {
        position_m: first.position_m,
        time_ns: first.time_ns,
    };
    let request = PixelRequest {
        direction,
        seeds: vec![seed],
    };
    let again = fitted(&likelihood, &request);
    assert!(again.llh <= first.llh + 1e-9, "{} {}", again.llh, first.llh);
}

#[test]
fn too_few_hits_are_refused() {
    let mut problem = problem(1, 1e5);
    problem.event.pulses.truncate(3);
    let error = PhotonMpe::default()
        .for_event(&problem)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("photon-mpe") && error.contains("hard local coincidence"),
        "{error}"
    );
}
