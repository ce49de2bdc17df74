//! What `segmented` says of how much light there was, beside what was made: muons of simulated light, along their true
//! directions.

use libtest_mimic::{Failed, Trial};
use skyscan::event::detector::Detector;
use skyscan::photons::event::Generator;
use skyscan::reco::choice::muon_energy_gev;
use skyscan::reco::light::hole_ice::HoleIce;
use skyscan::reco::segmented::Segmented;
use skyscan::reco::synthetic::Recipe;
use skyscan::reco::{Likelihood, PixelRequest, Problem};
use skyscan::sky::map::PixelOutcome;

use crate::needs::{self, Check, group};

/// Threads that make an event.
const N_THREADS: usize = 2;

pub(crate) fn trials() -> Vec<Trial> {
    let few: [(&str, Check); 1] = [("losses_along_the_true_direction_are_found", few)];
    let many: [(&str, Check); 1] = [("losses_of_many_are_found", many)];
    let mut trials = group("segmented_energies", None, few);
    trials.extend(group("long::segmented_energies", needs::long(), many));
    trials
}

/// Ratios of what is told to what is true.
#[derive(Debug)]
struct Told {
    /// Losses within the telescope.
    losses: f64,
    /// The energy by which `auto` chooses.
    muon: f64,
}

/// From 1 TeV to 10 PeV; what has too few hits is left out.
fn told_of(seeds: std::ops::Range<u64>) -> Result<Vec<Told>, Failed> {
    let detector = Detector::icecube86();
    let generator = Generator::new(&detector, HoleIce::H2);
    let mut told = Vec::new();
    for seed in seeds {
        let energy_gev = 1e3 * 10_f64.powf((seed % 17) as f64 / 4.0);
        let recipe = Recipe::of(seed, energy_gev);
        let event = generator.generate(&recipe, N_THREADS);
        let truth = event.truth.as_ref().and_then(|truth| truth.direction);
        let direction = truth.ok_or("an event without a truth")?;
        let problem = Problem {
            event,
            detector: detector.clone(),
            reco: "segmented".to_owned(),
            systematics: None,
        };
        let Ok(likelihood) = Segmented::default().for_event(&problem) else {
            continue;
        };
        let request = PixelRequest {
            direction,
            seeds: vec![],
        };
        let PixelOutcome::Fitted(fit) = likelihood.fit(&request) else {
            return Err(format!("no fit of seed {seed}").into());
        };
        let inside = fit.energy_inside_gev.ok_or("a fit without an energy")?;
        let muon = muon_energy_gev(&problem).map_err(|error| error.to_string())?;
        told.push(Told {
            losses: inside / generator.shining_inside_gev(&recipe),
            muon: muon / energy_gev,
        });
    }
    Ok(told)
}

fn within_a_factor_of(factor: f64, ratios: impl Iterator<Item = f64>) -> usize {
    let is_near = |ratio: &f64| (1.0 / factor..factor).contains(ratio);
    ratios.filter(is_near).count()
}

fn few() -> Result<(), Failed> {
    let told = told_of(0..4)?;
    let right = within_a_factor_of(2.0, told.iter().map(|one| one.losses));
    match told.len() >= 3 && right + 1 >= told.len() {
        true => Ok(()),
        false => Err(format!("{told:?}").into()),
    }
}

/// The figures of docs/segmented.md.
#[expect(clippy::print_stdout, reason = "figures for docs/segmented.md")]
fn many() -> Result<(), Failed> {
    let told = told_of(100..151)?;
    let n = told.len();
    let figures = |of: fn(&Told) -> f64, factor: f64| {
        let mut ratios: Vec<f64> = told.iter().map(of).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |share: f64| ratios[(share * n as f64) as usize];
        let right = within_a_factor_of(factor, ratios.iter().copied());
        (right, [0.1, 0.5, 0.9].map(at))
    };
    let (losses, muon) = (figures(|one| one.losses, 2.0), figures(|one| one.muon, 3.0));
    let words = format!("of {n}: losses {losses:.2?}, muon {muon:.2?}");
    println!("{words}");
    match losses.0 * 10 >= n * 8 {
        true => Ok(()),
        false => Err(words.into()),
    }
}
