//! Learning what showers send to DOMs: how much, and when.
//!
//! Photons that are seen at places `x` and delays `t` are a Poisson process with the density `mu(x) p(t | x)`, so that
//!
//! ```text
//! sum over photons of g ln(mu p)  -  integral over places of g mu
//! ```
//!
//! is largest where both are true, whatever the positive weight `g(x)`: it grows with the distance as the light falls.
//! The integral is drawn, a place for each photon of a step.

use std::f64::consts::PI;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use super::density::{Density, FourComponents};
use super::{BATCH, Course, FALL_M, Learning, Lesson, climb, provenance};
use crate::blocks::all_cores;
use crate::dice;
use crate::optics::HoleIce;
use crate::sample::{Settings, ShowerSample, draw_showers, shower};
use skyscan_event::detector::Detector;
use skyscan_reco::light::ice::Ice;
use skyscan_reco::light::learned::components::{JITTER_NS, N_PARAMETERS};
use skyscan_reco::light::learned::network::Network;
use skyscan_reco::light::learned::showers::{
    DomIce, FARTHEST_M, LearnedShowers, N_ANSWERS, NEAREST_M, Place, ShowerIce, split,
};

/// What is known of a place beside a shower.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// A photon came, so long after the front.
    Photon { delay_ns: f64 },
    /// Photons are to be expected, usually so many.
    Expected { usual: f64 },
}

/// Amounts as a Poisson process, delays by four components.
#[derive(Clone, Copy, Debug)]
struct ShowerDensity;

impl Density<N_ANSWERS> for ShowerDensity {
    type Seen = Seen;
    const FIRST_OFFSETS: [f64; N_ANSWERS] = {
        let mut offsets = [0.0; N_ANSWERS];
        let mut i = 0;
        while i < N_PARAMETERS {
            offsets[i] = FourComponents::FIRST_OFFSETS[i];
            i += 1;
        }
        offsets
    };
    const JITTER_NS: f64 = JITTER_NS;

    fn ln_density(
        answers: &[f64; N_ANSWERS],
        distance_m: f64,
        seen: Seen,
    ) -> (f64, [f64; N_ANSWERS]) {
        let (delays, amount) = split(answers);
        let mut slopes = [0.0; N_ANSWERS];
        match seen {
            Seen::Photon { delay_ns } => {
                let (ln_density, by_delays) =
                    FourComponents::ln_density(&delays, distance_m, delay_ns);
                slopes[..N_PARAMETERS].copy_from_slice(&by_delays);
                slopes[N_PARAMETERS] = 1.0;
                (ln_density + amount, slopes)
            }
            Seen::Expected { usual } => {
                let expected = usual * libm::exp(amount);
                slopes[N_PARAMETERS] = -expected;
                (-expected, slopes)
            }
        }
    }
}

/// `g`: what a photon at a distance counts.
fn importance(distance_m: f64) -> f64 {
    libm::exp(distance_m.min(250.0) / FALL_M)
}

/// Learns from so many simulated photons what showers send to DOMs; none where none is ever seen. The same arguments
/// always give the same; `told` hears how far it is.
pub fn learn_showers(
    detector: &Detector,
    n_photons: u64,
    hole_ice: HoleIce,
    course: Course,
    mut told: impl FnMut(Learning),
) -> Option<LearnedShowers> {
    let settings = Settings {
        seed: course.seed,
        photons: n_photons,
        hole_ice,
    };
    let samples = draw_showers(all_cores(), &detector.ice, &settings);
    let n_samples = samples.len();
    if samples.is_empty() {
        return None;
    }
    told(Learning::Simulated { n_samples });
    let ice = Ice::new(&detector.ice);
    let network = learn(&samples, n_photons, &ice, course, |n_steps, ln_density| {
        told(Learning::Stepped {
            n_steps,
            ln_density,
        });
    });
    Some(LearnedShowers {
        network,
        provenance: provenance(detector, hole_ice, course, n_photons, n_samples),
    })
}

fn learn(
    samples: &[ShowerSample],
    n_photons: u64,
    ice: &Ice,
    course: Course,
    told: impl FnMut(u64, f64),
) -> Network<N_ANSWERS> {
    let mut random = ChaCha8Rng::seed_from_u64(course.seed);
    let jitter = Normal::new(0.0, JITTER_NS).expect("a width");
    let count = |sample: &ShowerSample| importance(sample.place.distance_m) * sample.weight;
    let unit = samples.iter().map(count).sum::<f64>() / n_photons as f64;
    let per_emitted = samples.len() as f64 / n_photons as f64;
    let draw = || {
        let mut batch = Vec::with_capacity(BATCH);
        for _ in 0..BATCH / 2 {
            let sample = &samples[random.random_range(0..samples.len())];
            let late_ns = jitter.sample(&mut random);
            batch.push(photon(
                sample,
                ice,
                count(sample) * per_emitted / unit,
                late_ns,
            ));
            batch.push(expected(ice, unit, &mut random));
        }
        batch
    };
    climb::<ShowerDensity, N_ANSWERS>(course, draw, told)
}

fn photon(sample: &ShowerSample, ice: &Ice, weight: f64, late_ns: f64) -> Lesson<Seen> {
    let shower_ice = ShowerIce::new(ice, sample.shower_z_m);
    let dom_ice = DomIce::new(ice, sample.dom_z_m);
    let distance_m = sample.place.distance_m;
    Lesson {
        features: sample.place.features(ice, &shower_ice, &dom_ice).0,
        distance_m,
        seen: Seen::Photon {
            delay_ns: sample.delay_ns + late_ns,
        },
        weight,
    }
}

/// A place anywhere around a shower, distances evenly.
fn expected(ice: &Ice, unit: f64, random: &mut ChaCha8Rng) -> Lesson<Seen> {
    let (z_m, direction) = shower(random);
    let range_m = FARTHEST_M - NEAREST_M;
    let distance_m = NEAREST_M + range_m * dice::unit(random);
    let way = dice::isotropic(random);
    let shower_m = [0.0, 0.0, z_m];
    let dom_m: [f64; 3] = std::array::from_fn(|i| shower_m[i] + distance_m * way[i]);
    let place = Place::new(shower_m, direction, dom_m);
    let (features, usual) =
        place.features(ice, &ShowerIce::new(ice, z_m), &DomIce::new(ice, dom_m[2]));
    let shell_m3 = 4.0 * PI * distance_m * distance_m * range_m;
    Lesson {
        features,
        distance_m,
        seen: Seen::Expected {
            usual: usual * importance(distance_m) * shell_m3 / unit,
        },
        weight: 1.0,
    }
}

#[cfg(test)]
mod tests;
