//! Adam (arXiv:1412.6980, algorithm 1), with the paper's decay rates.

const DECAY_OF_MEAN: f64 = 0.9;
const DECAY_OF_SQUARE: f64 = 0.999;
const LEAST: f64 = 1e-8;

/// What is remembered of earlier gradients.
#[derive(Debug)]
pub(super) struct Adam {
    means: Vec<f64>,
    squares: Vec<f64>,
    left: [f64; 2],
}

impl Adam {
    pub(super) fn new(n: usize) -> Self {
        Self {
            means: vec![0.0; n],
            squares: vec![0.0; n],
            left: [1.0; 2],
        }
    }

    /// A step uphill.
    pub(super) fn step(&mut self, weights: &mut [f64], gradient: &[f64], rate: f64) {
        self.left[0] *= DECAY_OF_MEAN;
        self.left[1] *= DECAY_OF_SQUARE;
        let [mean_known, square_known] = self.left.map(|left| 1.0 - left);
        let remembered = self.means.iter_mut().zip(&mut self.squares);
        for ((weight, slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(remembered) {
            *mean += (1.0 - DECAY_OF_MEAN) * (slope - *mean);
            *square += (1.0 - DECAY_OF_SQUARE) * (slope * slope - *square);
            let size = (*square / square_known).sqrt() + LEAST;
            *weight += rate * (*mean / mean_known) / size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_a_narrow_hill() {
        let mut weights = [4.0, -3.0];
        let mut adam = Adam::new(2);
        for step in 0..2_000 {
            let gradient = [-2.0 * (weights[0] - 1.0), -200.0 * (weights[1] - 2.0)];
            adam.step(
                &mut weights,
                &gradient,
                0.05 * (1.0 - f64::from(step) / 2_000.0),
            );
        }
        assert!(
            (weights[0] - 1.0).abs() < 1e-2 && (weights[1] - 2.0).abs() < 1e-2,
            "{weights:?}"
        );
    }
}
