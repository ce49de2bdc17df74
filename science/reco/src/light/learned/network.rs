//! A small network: three hidden layers with hyperbolic tangents, the second and third of which add to what comes in.

use super::features::N_FEATURES;
use crate::light::elementary::tanh;

/// Units of a hidden layer.
pub const WIDTH: usize = 16;

/// Weights, layer by layer: for each input of a layer a row with a weight for each unit, then a row of offsets.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<const OUTPUTS: usize> {
    weights: Vec<f64>,
}

/// Where the weights of each layer begin, and where the last ends.
pub const fn layers(n_outputs: usize) -> [usize; 5] {
    let first = (N_FEATURES + 1) * WIDTH;
    let hidden = (WIDTH + 1) * WIDTH;
    [
        0,
        first,
        first + hidden,
        first + 2 * hidden,
        first + 2 * hidden + (WIDTH + 1) * n_outputs,
    ]
}

/// What the units of the hidden layers say.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    /// Hyperbolic tangents of the three layers.
    pub bent: [[f64; WIDTH]; 3],
    /// What the second, third and last layer are given.
    pub given: [[f64; WIDTH]; 3],
}

impl<const OUTPUTS: usize> Network<OUTPUTS> {
    /// A network of these weights; none if their number is another.
    pub fn new(weights: Vec<f64>) -> Option<Self> {
        (weights.len() == layers(OUTPUTS)[4]).then_some(Self { weights })
    }

    /// All weights.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// All weights, to be learned.
    pub fn weights_mut(&mut self) -> &mut [f64] {
        &mut self.weights
    }

    /// What it answers.
    pub fn outputs(&self, features: &[f64; N_FEATURES]) -> [f64; OUTPUTS] {
        self.run(features).1
    }

    /// What it answers, and how it came to it.
    pub fn run(&self, features: &[f64; N_FEATURES]) -> (Hidden, [f64; OUTPUTS]) {
        let (bent, given, outputs) = self.run_many(&features.map(|feature| [feature]));
        let one = |layers: [[[f64; 1]; WIDTH]; 3]| layers.map(|layer| layer.map(|[unit]| unit));
        let hidden = Hidden {
            bent: one(bent),
            given: one(given),
        };
        (hidden, outputs.map(|[output]| output))
    }

    /// What it answers to several, given each feature of all of them.
    #[inline(always)]
    pub(crate) fn outputs_of<const N: usize>(
        &self,
        features: &[[f64; N]; N_FEATURES],
    ) -> [[f64; N]; OUTPUTS] {
        self.run_many(features).2
    }

    #[inline(always)]
    fn run_many<const N: usize>(
        &self,
        features: &[[f64; N]; N_FEATURES],
    ) -> (Units<N>, Units<N>, [[f64; N]; OUTPUTS]) {
        let begin = layers(OUTPUTS);
        let layer = |i: usize| &self.weights[begin[i]..begin[i + 1]];

        let first = bend(affine(layer(0), features));
        let second = bend(affine(layer(1), &first));
        let after_second = sum(&first, &second);
        let third = bend(affine(layer(2), &after_second));
        let after_third = sum(&after_second, &third);
        let outputs = affine(layer(3), &after_third);
        let bent = [first, second, third];
        (bent, [first, after_second, after_third], outputs)
    }
}

/// The units of three layers, each of several.
type Units<const N: usize> = [[[f64; N]; WIDTH]; 3];

/// The hyperbolic tangent of each.
#[inline(always)]
fn bend<const N: usize>(mut x: [[f64; N]; WIDTH]) -> [[f64; N]; WIDTH] {
    for x in x.as_flattened_mut() {
        *x = tanh(*x);
    }
    x
}

#[inline(always)]
fn sum<const N: usize>(a: &[[f64; N]; WIDTH], b: &[[f64; N]; WIDTH]) -> [[f64; N]; WIDTH] {
    let mut sum = *a;
    for (sum, b) in sum.as_flattened_mut().iter_mut().zip(b.as_flattened()) {
        *sum += b;
    }
    sum
}

/// What a layer gives on. Four inputs are added to each other first, so that no sum waits for the one before.
#[inline(always)]
fn affine<const FROM: usize, const TO: usize, const N: usize>(
    weights: &[f64],
    x: &[[f64; N]; FROM],
) -> [[f64; N]; TO] {
    let (rows, offsets) = weights.split_at(FROM * TO);
    let whole = FROM / 4 * 4;
    let mut out = [[0.0; N]; TO];
    for k in 0..TO {
        let weight = |i: usize| rows[i * TO + k];
        let mut unit = [offsets[k]; N];
        for i in (0..whole).step_by(4) {
            let (a, b, c, d) = (weight(i), weight(i + 1), weight(i + 2), weight(i + 3));
            for n in 0..N {
                unit[n] += (a * x[i][n] + b * x[i + 1][n]) + (c * x[i + 2][n] + d * x[i + 3][n]);
            }
        }
        for (i, x) in x.iter().enumerate().skip(whole) {
            let a = weight(i);
            for n in 0..N {
                unit[n] += a * x[n];
            }
        }
        out[k] = unit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_offsets_answers_them() {
        let mut weights = vec![0.0; layers(2)[4]];
        let n = weights.len();
        weights[n - 2..].copy_from_slice(&[3.0, -4.0]);
        let network = Network::<2>::new(weights).unwrap();
        assert_eq!(network.outputs(&[1.0; N_FEATURES]), [3.0, -4.0]);
    }

    #[test]
    fn layers_are_added_to_what_comes_in() {
        // The first unit hears of the first feature alone; the second layer is empty but for an offset.
        let mut weights = vec![0.0; layers(1)[4]];
        weights[0] = 1.0;
        weights[layers(1)[2] - WIDTH] = 0.5;
        weights[layers(1)[3]] = 2.0;
        let mut features = [0.0; N_FEATURES];
        features[0] = 0.7;
        let network = Network::<1>::new(weights).unwrap();
        let expected = 2.0 * (libm::tanh(0.7) + libm::tanh(0.5));
        assert!((network.outputs(&features)[0] - expected).abs() < 1e-13);
    }

    #[test]
    fn another_number_of_weights_is_no_network() {
        assert!(Network::<2>::new(vec![0.0; 7]).is_none());
    }
}
