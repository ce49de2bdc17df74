//! What a fit costs, by reconstruction: `cargo bench -p skyscan-reco`.
//!
//! Processor time of this thread, the least of several rounds: of whole-sky pixels, which nothing is known of, and of
//! pixels near the source with the optimum of a coarser one.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is a command")]

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Detector;
use skyscan_reco::hits::first_hits;
use skyscan_reco::line_fit::LineFit;
use skyscan_reco::pandel_mpe::PandelMpe;
use skyscan_reco::photon_mpe::PhotonMpe;
use skyscan_reco::synthetic::{Recipe, generate};
use skyscan_reco::{Likelihood, PixelRequest, Problem, VertexSeed};
use skyscan_sky::map::PixelOutcome;

/// Events of these energies.
const ENERGIES_GEV: [f64; 3] = [1e4, 1e5, 1e6];
const N_PIXELS: u32 = 48;
const N_ROUNDS: usize = 5;

fn main() {
    let detector = Detector::icecube86();
    println!("| reco | DOMs | whole sky, us a fit | near, us a fit |\n|---|---|---|---|");
    for (seed, energy_gev) in (1..).zip(ENERGIES_GEV) {
        let event = generate(&detector, &Recipe::of(seed, energy_gev));
        let problem = Problem {
            event,
            detector: detector.clone(),
            reco: String::new(),
            systematics: None,
        };
        let n_doms = first_hits(&problem.event, &problem.detector).len();
        let row = |name: &str, likelihood: &dyn Likelihood| {
            let far = cost(likelihood, &whole_sky());
            let near = cost(likelihood, &beside(likelihood, &problem));
            println!("| {name} | {n_doms} | {far:.1} | {near:.1} |");
        };
        row(
            "photon-mpe",
            &PhotonMpe::default().for_event(&problem).unwrap(),
        );
        row(
            "pandel-mpe",
            &PandelMpe::default().for_event(&problem).unwrap(),
        );
        row("linefit", &LineFit.for_event(&problem).unwrap());
    }
}

/// Directions that are even on the sphere, on a spiral.
fn whole_sky() -> Vec<PixelRequest> {
    let at = |i: u32| DetectorDirection {
        zenith_rad: (1.0 - (2.0 * f64::from(i) + 1.0) / f64::from(N_PIXELS)).acos(),
        azimuth_rad: (2.399_963 * f64::from(i)) % std::f64::consts::TAU,
    };
    let request = |direction| PixelRequest {
        direction,
        seeds: vec![],
    };
    (0..N_PIXELS).map(at).map(request).collect()
}

/// Directions within two degrees of the true one, with the best track there.
fn beside(likelihood: &dyn Likelihood, problem: &Problem) -> Vec<PixelRequest> {
    let truth = problem.event.truth.as_ref().unwrap().direction.unwrap();
    let request = |direction, seeds| PixelRequest { direction, seeds };
    let PixelOutcome::Fitted(best) = likelihood.fit(&request(truth, vec![])) else {
        panic!("no fit");
    };
    let seed = VertexSeed {
        position_m: best.position_m,
        time_ns: best.time_ns,
    };
    let off = |i: u32, by: f64| 0.07 * (f64::from(i) * by % 1.0 - 0.5);
    let at = |i| DetectorDirection {
        zenith_rad: truth.zenith_rad + off(i, 0.618_034),
        azimuth_rad: truth.azimuth_rad + off(i, 0.754_878),
    };
    (0..N_PIXELS).map(|i| request(at(i), vec![seed])).collect()
}

/// Microseconds a fit.
fn cost(likelihood: &dyn Likelihood, requests: &[PixelRequest]) -> f64 {
    let round = || {
        let begun = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
        for request in requests {
            std::hint::black_box(likelihood.fit(request));
        }
        Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap() - begun)
    };
    let least = (0..N_ROUNDS).map(|_| round()).min().unwrap();
    least.as_secs_f64() * 1e6 / requests.len() as f64
}
