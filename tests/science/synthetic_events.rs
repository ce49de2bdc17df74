//! The whole chain on events whose truth is known: how far off is the best fit?

use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Failed, Trial};
use skyscan::event::detector::Detector;
use skyscan::reco::hits::first_hits;
use skyscan::reco::pandel_mpe::PandelMpe;
use skyscan::reco::{Likelihood, Problem};
use skyscan::scan::{Next, Plan, Strategy, next, start};
use skyscan::sky::coordinates::SkyFrame;
use skyscan::sky::map::SkyMap;
use skyscan::sky::region::WILKS_90;
use skyscan::synthetic::{Recipe, generate};

use crate::needs::{self, Check, group};

/// Events of the long form; their energies are spread over their numbers.
const N_EVENTS: u64 = 100;
/// The short form scans every so many-th of them.
const STEP: u64 = 9;

pub(crate) fn trials() -> Vec<Trial> {
    let short: [(&str, Check); 1] = [("the_best_fit_is_near_the_truth", || near_the_truth(STEP))];
    let all: [(&str, Check); 1] = [("the_best_fit_of_a_hundred_is_near_the_truth", || {
        near_the_truth(1)
    })];
    let mut trials = group("synthetic_events", None, short);
    trials.extend(group("long::synthetic_events", needs::long(), all));
    trials
}

/// A scan without actors and transport.
fn scan(likelihood: &impl Likelihood, frame: &SkyFrame, plan: &Plan) -> SkyMap {
    let mut map = SkyMap::default();
    while let Next::Wave(pixels) = next(&map, plan) {
        let scanned: Vec<_> = pixels
            .into_iter()
            .map(|pixel| {
                let direction = frame.to_detector(pixel.center());
                (
                    pixel,
                    likelihood.fit(&start::request(&map, pixel, direction)),
                )
            })
            .collect();
        for (pixel, outcome) in scanned {
            map.insert(pixel, outcome);
        }
    }
    map
}

/// Angle between best fit and truth in degrees, and the number of DOMs with a first hit; `None`
/// if too few DOMs were hit.
fn miss(detector: &Detector, seed: u64) -> Option<(f64, usize)> {
    // From 5 to 50 TeV: from a few dozen DOMs to a few hundred.
    let energy_gev = Some(5e3 * 10f64.powf(seed as f64 / N_EVENTS as f64));
    let recipe = Recipe {
        seed,
        direction: None,
        energy_gev,
        mjd: 60_000.0,
    };
    let event = generate(detector, &recipe);
    let n_hits = first_hits(&event, detector).len();
    let problem = Problem {
        event,
        detector: detector.clone(),
        reco: "pandel-mpe".to_owned(),
        systematics: None,
    };
    let likelihood = PandelMpe::default().for_event(&problem).ok()?;
    let frame = SkyFrame::new(problem.event.mjd, &detector.site);
    // Half a degree is enough to judge by, and the faintest events have regions of a thousand
    // square degrees.
    let usual = Plan::of(Strategy::Zoom, &[], false, WILKS_90).ok()?;
    let mut rounds = usual.rounds().to_vec();
    rounds.retain(|nside| u32::from(*nside) <= 128);
    let plan = Plan::new(Strategy::Zoom, rounds, WILKS_90).ok()?;
    let map = scan(&likelihood, &frame, &plan);
    let (best, _) = map.best()?;
    let truth = frame.to_equatorial(problem.event.truth?.direction?);
    Some((best.center().separation_rad(truth).to_degrees(), n_hits))
}

/// Scans every `step`-th event on all cores, and compares.
#[expect(clippy::print_stdout, reason = "the figures are worth reading")]
fn near_the_truth(step: u64) -> Result<(), Failed> {
    let detector = Detector::icecube86();
    let seeds = Mutex::new((0..N_EVENTS).step_by(step as usize));
    let n_events = N_EVENTS.div_ceil(step) as usize;
    let misses = Mutex::new(Vec::new());
    let next_seed = || lock(&seeds).next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = next_seed() {
                    if let Some((angle, n_hits)) = miss(&detector, seed) {
                        lock(&misses).push((angle, n_hits, seed));
                    }
                }
            });
        }
    });
    let mut misses = misses.into_inner().unwrap_or_else(PoisonError::into_inner);
    misses.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("{} of {n_events} events scanned", misses.len());
    for (angle, n_hits, seed) in misses.iter().rev().take(5) {
        println!("  {angle:.2} deg, {n_hits} DOMs, seed {seed}");
    }
    if misses.len() * 10 < n_events * 9 {
        return Err("too many events are too dark to be scanned".into());
    }
    let (median, _, seed) = misses[misses.len() / 2];
    println!("median {median:.3} deg");
    if median > 0.5 {
        return Err(format!("median {median} deg, of seed {seed}").into());
    }
    let bright = misses.iter().rev().find(|(_, n_hits, _)| *n_hits > 50);
    let (angle, n_hits, seed) = bright.ok_or("no event hits more than 50 DOMs")?;
    println!("worst with more than 50 DOMs: {angle:.2} deg (seed {seed})");
    if *angle > 10.0 {
        return Err(format!("{angle} deg with {n_hits} DOMs, seed {seed}").into());
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
