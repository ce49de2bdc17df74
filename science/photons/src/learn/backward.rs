//! Derivatives of the log density by all weights of a network, for a block of samples.

use super::Lesson;
use super::density::Density;
use skyscan_reco::light::learned::features::N_FEATURES;
use skyscan_reco::light::learned::network::{Network, WIDTH, layers};

/// A sum over samples.
#[derive(Clone, Debug)]
pub(super) struct Gradient {
    by_weight: Vec<f64>,
    ln_density: f64,
    weight: f64,
}

impl Gradient {
    pub(super) fn none(n_weights: usize) -> Self {
        Self {
            by_weight: vec![0.0; n_weights],
            ln_density: 0.0,
            weight: 0.0,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, part) in self.by_weight.iter_mut().zip(&other.by_weight) {
            *sum += part;
        }
        self.ln_density += other.ln_density;
        self.weight += other.weight;
    }

    /// Derivatives of the mean, and the mean.
    pub(super) fn mean(mut self) -> (Vec<f64>, f64) {
        for slope in &mut self.by_weight {
            *slope /= self.weight;
        }
        (self.by_weight, self.ln_density / self.weight)
    }

    pub(super) fn of<D: Density<OUTPUTS>, const OUTPUTS: usize>(
        network: &Network<OUTPUTS>,
        block: &[Lesson<D::Seen>],
    ) -> Self {
        let mut sum = Self::none(network.weights().len());
        for lesson in block {
            sum.learn::<D, OUTPUTS>(network, lesson);
        }
        sum
    }

    fn learn<D: Density<OUTPUTS>, const OUTPUTS: usize>(
        &mut self,
        network: &Network<OUTPUTS>,
        lesson: &Lesson<D::Seen>,
    ) {
        let (hidden, outputs) = network.run(&lesson.features);
        let (ln_density, slopes) = D::ln_density(&outputs, lesson.distance_m, lesson.seen);
        self.ln_density += lesson.weight * ln_density;
        self.weight += lesson.weight;

        let begin = layers(OUTPUTS);
        let weights = |layer: usize| &network.weights()[begin[layer]..begin[layer + 1]];
        let own = &mut self.by_weight;
        let by_outputs = slopes.map(|slope| slope * lesson.weight);
        enter(&mut own[begin[3]..], &hidden.given[2], &by_outputs);
        // What comes out of a layer is what comes in and the bent sum: slopes take both ways back.
        let by_third = back(weights(3), &by_outputs);
        let bent = unbend(&by_third, &hidden.bent[2]);
        enter(&mut own[begin[2]..begin[3]], &hidden.given[1], &bent);
        let by_second = plus(by_third, back(weights(2), &bent));
        let bent = unbend(&by_second, &hidden.bent[1]);
        enter(&mut own[begin[1]..begin[2]], &hidden.given[0], &bent);
        let by_first = plus(by_second, back(weights(1), &bent));
        let bent = unbend(&by_first, &hidden.bent[0]);
        enter::<N_FEATURES, WIDTH>(&mut own[..begin[1]], &lesson.features, &bent);
    }
}

/// Adds the derivatives by the weights and offsets of one layer.
fn enter<const FROM: usize, const TO: usize>(
    own: &mut [f64],
    given: &[f64; FROM],
    slopes: &[f64; TO],
) {
    let (rows, offsets) = own.split_at_mut(FROM * TO);
    for (row, given) in rows.chunks_exact_mut(TO).zip(given) {
        for (own, slope) in row.iter_mut().zip(slopes) {
            *own += given * slope;
        }
    }
    for (own, slope) in offsets.iter_mut().zip(slopes) {
        *own += slope;
    }
}

/// Derivatives by what a layer was given.
fn back<const TO: usize>(weights: &[f64], slopes: &[f64; TO]) -> [f64; WIDTH] {
    std::array::from_fn(|i| {
        let row = &weights[i * TO..(i + 1) * TO];
        row.iter().zip(slopes).map(|(w, slope)| w * slope).sum()
    })
}

fn unbend(slopes: &[f64; WIDTH], bent: &[f64; WIDTH]) -> [f64; WIDTH] {
    std::array::from_fn(|i| slopes[i] * (1.0 - bent[i] * bent[i]))
}

fn plus(a: [f64; WIDTH], b: [f64; WIDTH]) -> [f64; WIDTH] {
    std::array::from_fn(|i| a[i] + b[i])
}
