//! Learning: from simulated photons to the weights of [`skyscan_reco::light::learned`].
//!
//! The likelihood of the delays is maximised over weights of the network by Adam (D. Kingma and J. Ba, "Adam: a method
//! for stochastic optimization", arXiv:1412.6980), a few thousand samples a step, each smeared by the jitter of the
//! readout. Samples of distant DOMs are few in weight, as light is: each counts as `exp(r / 45 m)` times its weight,
//! which changes no density (that is of the delay, given the place), but where the network does its best.
//!
//! The same samples and seed give the same weights: random numbers are seeded, and the gradient is summed block by
//! block, in an order that no number of threads changes.

mod adam;
mod backward;
mod density;
mod light;
mod showers;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use crate::blocks::{all_cores, in_order};
use crate::optics::HoleIce;
use crate::sample::Sample;
use adam::Adam;
use backward::Gradient;
use density::{Density, FourComponents};
use skyscan_event::detector::Detector;
use skyscan_reco::light::ice::Ice;
use skyscan_reco::light::learned::components::{JITTER_NS, N_PARAMETERS};
use skyscan_reco::light::learned::features::{N_FEATURES, Place, features};
use skyscan_reco::light::learned::file::{Provenance, ice_sha256};
use skyscan_reco::light::learned::network::{Network, WIDTH, layers};

pub use light::{Learning, learn_light};
pub use showers::learn_showers;

/// Samples of one step.
const BATCH: usize = 4096;
/// Samples whose gradients are summed by one thread.
const BLOCK: usize = 128;
/// Distance over which the weight of samples falls that is given back to them, m.
const FALL_M: f64 = 45.0;
/// No more is given back than as far as this: light of DOMs farther away says next to nothing about a track.
const FARTHEST_M: f64 = 150.0;
/// No sample counts more than this times the mean.
const HEAVIEST: f64 = 30.0;
/// Rate of learning at the beginning; it falls to zero as half a cosine.
const RATE: f64 = 4e-3;

/// How long to learn, and from which random numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// Seed of the first weights and of which sample comes when.
    pub seed: u64,
    /// Steps of 4,096 samples.
    pub n_steps: u64,
}

/// Where something comes from that was learned from so many samples.
fn provenance(
    detector: &Detector,
    hole_ice: HoleIce,
    course: Course,
    n_photons: u64,
    n_samples: usize,
) -> Provenance {
    Provenance {
        made_by: concat!("skyscan ", env!("CARGO_PKG_VERSION")).to_owned(),
        detector: detector.name.clone(),
        ice_sha256: ice_sha256(&detector.ice),
        n_photons,
        n_samples: n_samples as u64,
        seed: course.seed,
        n_steps: course.n_steps,
        jitter_ns: JITTER_NS,
        hole_ice,
    }
}

/// Learns the four components from samples in this ice; none from no samples. `told` hears of steps that are done,
/// and the mean log density (per ns) of the samples of the last one.
fn learn(
    samples: &[Sample],
    ice: &Ice,
    course: Course,
    told: impl FnMut(u64, f64),
) -> Option<Network<N_PARAMETERS>> {
    learn_density::<FourComponents, N_PARAMETERS>(samples, ice, course, told)
}

/// A sample as the network is told of it.
#[derive(Clone, Copy, Debug)]
struct Lesson<S> {
    features: [f64; N_FEATURES],
    distance_m: f64,
    seen: S,
    weight: f64,
}

fn learn_density<D: Density<OUTPUTS, Seen = f64>, const OUTPUTS: usize>(
    samples: &[Sample],
    ice: &Ice,
    course: Course,
    told: impl FnMut(u64, f64),
) -> Option<Network<OUTPUTS>> {
    if samples.is_empty() {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(course.seed);
    let weights = importance(samples);
    let jitter = Normal::new(0.0, D::JITTER_NS).expect("a width");
    let draw = || {
        let one = |_| {
            let i = random.random_range(0..samples.len());
            let late = jitter.sample(&mut random);
            lesson(&samples[i], ice, weights[i], late)
        };
        (0..BATCH).map(one).collect()
    };
    Some(climb::<D, OUTPUTS>(course, draw, told))
}

/// Learns from the lessons that are drawn for each step.
fn climb<D: Density<OUTPUTS>, const OUTPUTS: usize>(
    course: Course,
    mut draw: impl FnMut() -> Vec<Lesson<D::Seen>>,
    mut told: impl FnMut(u64, f64),
) -> Network<OUTPUTS> {
    let scale = Scale::of(&draw());
    let mut network = first_network::<D, OUTPUTS>(course.seed);
    let n_threads = all_cores();
    let mut adam = Adam::new(network.weights().len());
    for step in 0..course.n_steps {
        let mut batch = draw();
        for lesson in &mut batch {
            lesson.features = scale.apply(&lesson.features);
        }
        let (gradient, mean) = gradient_on::<D, OUTPUTS>(n_threads, &network, &batch);
        let share = step as f64 / course.n_steps as f64;
        let rate = RATE * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share));
        adam.step(network.weights_mut(), &gradient, rate);
        told(step + 1, mean);
    }
    scale.fold_into(&mut network);
    network
}

/// How much each sample counts; about one in the mean.
fn importance(samples: &[Sample]) -> Vec<f64> {
    let raised =
        |sample: &Sample| sample.weight * libm::exp(sample.distance_m.min(FARTHEST_M) / FALL_M);
    let mut weights: Vec<f64> = samples.iter().map(raised).collect();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    for weight in &mut weights {
        *weight = (*weight / mean).min(HEAVIEST);
    }
    weights
}

fn lesson(sample: &Sample, ice: &Ice, weight: f64, late_ns: f64) -> Lesson<f64> {
    let place = Place {
        distance_m: sample.distance_m,
        cos_round: sample.cos_round,
        dom_z_m: sample.dom_z_m,
        cos_zenith: sample.cos_zenith,
    };
    Lesson {
        features: features(ice, &place, f64::from(u8::from(sample.bare))),
        distance_m: sample.distance_m,
        seen: sample.delay_ns + late_ns,
        weight,
    }
}

/// Random weights such that units neither sleep nor shout; the last layer begins with the offsets of the density.
fn first_network<D: Density<OUTPUTS>, const OUTPUTS: usize>(seed: u64) -> Network<OUTPUTS> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(1);
    let begin = layers(OUTPUTS);
    let mut weights = vec![0.0; begin[4]];
    let inputs = [N_FEATURES, WIDTH, WIDTH, WIDTH];
    for (layer, n_inputs) in inputs.into_iter().enumerate() {
        let gain = if layer == 0 { 1.0 } else { 0.3 };
        let width = gain / (n_inputs as f64).sqrt();
        let normal = Normal::new(0.0, width).expect("a positive width");
        let n_units = if layer == 3 { OUTPUTS } else { WIDTH };
        for weight in &mut weights[begin[layer]..begin[layer] + n_inputs * n_units] {
            *weight = normal.sample(&mut random);
        }
    }
    weights[begin[4] - OUTPUTS..].copy_from_slice(&D::FIRST_OFFSETS);
    Network::new(weights).expect("as many weights as there are")
}

/// The gradient of the mean log density, and the mean.
fn gradient_on<D: Density<OUTPUTS>, const OUTPUTS: usize>(
    n_threads: usize,
    network: &Network<OUTPUTS>,
    batch: &[Lesson<D::Seen>],
) -> (Vec<f64>, f64) {
    let blocks: Vec<&[Lesson<D::Seen>]> = batch.chunks(BLOCK).collect();
    let done = in_order(blocks.len() as u64, n_threads, |block| {
        Gradient::of::<D, OUTPUTS>(network, blocks[block as usize])
    });
    let mut sum = Gradient::none(network.weights().len());
    for part in &done {
        sum.add(part);
    }
    sum.mean()
}

/// Mean and spread of the features: the network learns from features of mean 0 and spread 1, and knows of it by the
/// weights of its first layer in the end.
#[derive(Debug)]
struct Scale {
    mean: [f64; N_FEATURES],
    spread: [f64; N_FEATURES],
}

impl Scale {
    fn of<S>(batch: &[Lesson<S>]) -> Self {
        let n = batch.len() as f64;
        let mean = std::array::from_fn(|i| batch.iter().map(|l| l.features[i]).sum::<f64>() / n);
        let spread = std::array::from_fn(|i| {
            let square = |lesson: &Lesson<S>| (lesson.features[i] - mean[i]).powi(2);
            (batch.iter().map(square).sum::<f64>() / n).sqrt().max(1e-3)
        });
        Self { mean, spread }
    }

    fn apply(&self, features: &[f64; N_FEATURES]) -> [f64; N_FEATURES] {
        std::array::from_fn(|i| (features[i] - self.mean[i]) / self.spread[i])
    }

    fn fold_into<const OUTPUTS: usize>(&self, network: &mut Network<OUTPUTS>) {
        let (rows, rest) = network.weights_mut().split_at_mut(N_FEATURES * WIDTH);
        for (i, row) in rows.chunks_exact_mut(WIDTH).enumerate() {
            for (weight, offset) in row.iter_mut().zip(rest.iter_mut()) {
                *weight /= self.spread[i];
                *offset -= *weight * self.mean[i];
            }
        }
    }
}

#[cfg(test)]
mod tests;
