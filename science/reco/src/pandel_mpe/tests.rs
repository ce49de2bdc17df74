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
