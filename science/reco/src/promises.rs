//! What every built-in likelihood keeps, whatever its density: each check takes a likelihood of problems.

use crate::synthetic::{Recipe, generate};
use crate::{KernelError, Likelihood, PixelRequest, Problem, VertexSeed};
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Detector;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// A synthetic event in IceCube.
pub(crate) fn problem(seed: u64, energy_gev: f64) -> Problem {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(seed, energy_gev);
    let event = generate(&detector, &recipe);
    Problem {
        event,
        detector,
        reco: "of a test".to_owned(),
        systematics: None,
    }
}

/// Where its muon comes from.
pub(crate) fn truth(problem: &Problem) -> DetectorDirection {
    problem.event.truth.as_ref().unwrap().direction.unwrap()
}

/// The fit with this direction, from these points.
pub(crate) fn fitted(
    likelihood: &impl Likelihood,
    direction: DetectorDirection,
    seeds: Vec<VertexSeed>,
) -> PixelFit {
    match likelihood.fit(&PixelRequest { direction, seeds }) {
        PixelOutcome::Fitted(fit) => fit,
        PixelOutcome::Failed(reason) => panic!("{reason}"),
    }
}

/// A gradient is what differences say, within a share of itself.
pub(crate) fn gradient_is_the_derivative(
    mut evaluate: impl FnMut([f64; 3]) -> (f64, [f64; 3]),
    tolerance: f64,
) {
    for track in [
        [3.0, -41.0, 10_100.0],
        [-77.0, 12.0, 9_800.0],
        [250.0, 130.0, 10_500.0],
    ] {
        let (_, gradient) = evaluate(track);
        for i in 0..3 {
            let mut at = |step: f64| {
                let mut moved = track;
                moved[i] += step;
                evaluate(moved).0
            };
            // What is tabulated is piecewise linear: a small step stays between its nodes for most DOMs.
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (numeric - gradient[i]).abs() < tolerance * (1.0 + gradient[i].abs()),
                "{i} at {track:?}: {numeric} {}",
                gradient[i]
            );
        }
    }
}

pub(crate) fn the_true_direction_beats_its_surroundings<L: Likelihood>(of: impl Fn(&Problem) -> L) {
    the_true_direction_beats(
        &[(3.0, 0.0), (-3.0, 0.0), (30.0, 0.0), (0.0, 40.0)],
        1.0,
        of,
    );
}

/// What lies so many degrees of zenith and azimuth off, by this much at least.
pub(crate) fn the_true_direction_beats<L: Likelihood>(
    offsets: &[(f64, f64)],
    by: f64,
    of: impl Fn(&Problem) -> L,
) {
    for seed in 0..5 {
        let problem = problem(seed, 2e5);
        let likelihood = of(&problem);
        let truth = truth(&problem);
        let at = |zenith: f64, azimuth: f64| {
            let direction = DetectorDirection {
                zenith_rad: truth.zenith_rad + zenith.to_radians(),
                azimuth_rad: truth.azimuth_rad + azimuth.to_radians(),
            };
            fitted(&likelihood, direction, vec![]).llh
        };
        let here = at(0.0, 0.0);
        for &(zenith, azimuth) in offsets {
            assert!(
                at(zenith, azimuth) > here + by,
                "seed {seed}, {zenith} {azimuth} off"
            );
        }
    }
}

pub(crate) fn a_parents_optimum_is_never_made_worse<L: Likelihood>(of: impl Fn(&Problem) -> L) {
    let likelihood = of(&problem(2, 1e5));
    let direction = DetectorDirection {
        zenith_rad: 1.2,
        azimuth_rad: 0.4,
    };
    let alone = fitted(&likelihood, direction, vec![]);
    let seed = VertexSeed {
        position_m: alone.position_m,
        time_ns: alone.time_ns,
    };
    let again = fitted(&likelihood, direction, vec![seed]);
    assert!(again.llh <= alone.llh + 1e-9, "{} {}", again.llh, alone.llh);
}

pub(crate) fn too_few_hits_are_refused<L: Likelihood>(
    reco: &str,
    of: impl Fn(&Problem) -> Result<L, KernelError>,
) {
    let mut problem = problem(1, 1e5);
    problem.event.pulses.truncate(3);
    let error = of(&problem).unwrap_err().to_string();
    assert!(
        error.contains(reco) && error.contains("hard local coincidence"),
        "{error}"
    );
}
