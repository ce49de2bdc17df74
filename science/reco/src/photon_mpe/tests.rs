use super::*;
use crate::VertexSeed;
use crate::promises::{self, fitted, problem, truth};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn likelihood(problem: &Problem) -> PhotonMpeLikelihood {
    PhotonMpe::default().for_event(problem).unwrap()
}

#[test]
fn gradient_is_the_derivative() {
    let likelihood = likelihood(&problem(11, 1e5));
    for direction in [[0.36, -0.48, 0.8], [0.0, 0.0, -1.0]] {
        let plane = Plane::new(likelihood.center_m, direction);
        let mut slice = Slice::new(&likelihood, &plane);
        promises::gradient_is_the_derivative(|track| slice.evaluate(track), 1e-3);
    }
}

#[test]
fn the_true_direction_beats_its_surroundings() {
    promises::the_true_direction_beats_its_surroundings(likelihood);
}

/// Fifty descents from anywhere up to 500 m away find nothing below what the search finds by itself.
#[test]
fn no_start_leads_below_the_minimum() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let events = (1..=12).map(|seed| (seed, [1e4, 3e4, 1e5, 1e6][seed as usize % 4]));
    for (seed, energy_gev) in events {
        let problem = problem(seed, energy_gev);
        let likelihood = likelihood(&problem);
        let direction = truth(&problem);
        let found = fitted(&likelihood, direction, vec![]);
        let plane = Plane::new(likelihood.center_m, direction.unit_vector().map(|x| -x));
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
    promises::a_parents_optimum_is_never_made_worse(likelihood);
}

#[test]
fn too_few_hits_are_refused() {
    promises::too_few_hits_are_refused("photon-mpe", |problem| {
        PhotonMpe::default().for_event(problem)
    });
}

/// Whatever instructions a CPU has, the bits are the same.
#[test]
fn every_cpu_finds_the_same_bits() {
    for (seed, energy_gev) in [(3, 1e4), (5, 1e6)] {
        let likelihood = likelihood(&problem(seed, energy_gev));
        let plane = Plane::new(likelihood.center_m, [0.36, -0.48, 0.8]);
        for track in [[3.0, -41.0, 10_100.0], [-400.0, 12.0, 9_000.0]] {
            let mut slice = Slice::new(&likelihood, &plane);
            let found = slice.evaluate_on_every_cpu(track);
            assert!(found.len() > 1 && found[0].0.is_finite());
            assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        }
    }
}
