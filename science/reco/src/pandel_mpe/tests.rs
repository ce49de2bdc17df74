use super::*;
use crate::promises::{self, problem};

fn likelihood(problem: &Problem) -> PandelMpeLikelihood {
    PandelMpe::default().for_event(problem).unwrap()
}

#[test]
fn gradient_is_the_derivative() {
    let likelihood = likelihood(&problem(11, 1e5));
    let plane = Plane::new(likelihood.center_m, [0.36, -0.48, 0.8]);
    let slice = Slice::new(&likelihood, &plane);
    promises::gradient_is_the_derivative(|track| slice.evaluate(track), 2e-3);
}

#[test]
fn the_true_direction_beats_its_surroundings() {
    promises::the_true_direction_beats_its_surroundings(likelihood);
}

#[test]
fn a_parents_optimum_is_never_made_worse() {
    promises::a_parents_optimum_is_never_made_worse(likelihood);
}

#[test]
fn too_few_hits_are_refused() {
    promises::too_few_hits_are_refused("pandel-mpe", |problem| {
        PandelMpe::default().for_event(problem)
    });
}

/// Whatever instructions a CPU has, the bits are the same.
#[test]
fn every_cpu_finds_the_same_bits() {
    for (seed, energy_gev) in [(3, 1e4), (5, 1e6)] {
        let likelihood = likelihood(&problem(seed, energy_gev));
        let plane = Plane::new(likelihood.center_m, [0.36, -0.48, 0.8]);
        for track in [[3.0, -41.0, 10_100.0], [-400.0, 12.0, 9_000.0]] {
            let slice = Slice::new(&likelihood, &plane);
            let found = slice.evaluate_on_every_cpu(track);
            assert!(found.len() > 1 && found[0].0.is_finite());
            assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        }
    }
}
