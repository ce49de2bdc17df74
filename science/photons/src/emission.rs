//! In which directions a particle emits light.

use rand_chacha::ChaCha8Rng;

use crate::dice;
use crate::optics::{Color, phase_index};

/// Angles of the light of showers along a track: density `exp(-b |cos - cos_c|^a)` (fitted to simulated showers of
/// electrons; `icecube/ppc`, where the cosine of the Cherenkov angle is that at 400 nm as here).
const SHOWER_B: f64 = 2.61;
const SHOWER_A: f64 = 0.39;
/// Angles between which the density is taken as constant, and entries of the table made of it.
const N_BINS: usize = 20_000;
const N_QUANTILES: usize = 4096;

/// Draws the angles under which showers emit.
#[derive(Clone, Debug)]
pub(crate) struct ShowerLight {
    /// Cosine at equal steps of probability.
    quantiles: Vec<f64>,
}

impl ShowerLight {
    /// Tabulates the angles: about a millisecond.
    pub(crate) fn new() -> Self {
        let cherenkov = 1.0 / phase_index(400.0);
        let width = 2.0 / N_BINS as f64;
        let edges = (0..=N_BINS).map(|i| -1.0 + i as f64 * width);
        let density = |cosine: f64| {
            let distance = (cosine - cherenkov).abs();
            libm::exp(-SHOWER_B * libm::pow(distance, SHOWER_A))
        };
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        sums.extend(edges.clone().take(N_BINS).map(|edge| {
            sum += density(edge + 0.5 * width);
            sum
        }));
        let edges: Vec<f64> = edges.collect();
        let mut bin = 0;
        let quantile = |i: usize| {
            let wanted = sum * i as f64 / N_QUANTILES as f64;
            while bin + 1 < N_BINS && sums[bin + 1] < wanted {
                bin += 1;
            }
            let share = (wanted - sums[bin]) / (sums[bin + 1] - sums[bin]);
            edges[bin] + share.clamp(0.0, 1.0) * width
        };
        Self {
            quantiles: (0..=N_QUANTILES).map(quantile).collect(),
        }
    }

    /// Direction of a photon of a shower along `axis`.
    pub(crate) fn direction(&self, axis: [f64; 3], rng: &mut ChaCha8Rng) -> [f64; 3] {
        let place = dice::unit(rng) * N_QUANTILES as f64;
        let index = (place as usize).min(N_QUANTILES - 1);
        let (low, high) = (self.quantiles[index], self.quantiles[index + 1]);
        dice::turn(axis, low + (place - index as f64) * (high - low), rng)
    }
}

/// Direction of a photon of a bare muon along `axis`: under the Cherenkov angle.
pub(crate) fn bare(axis: [f64; 3], color: &Color, rng: &mut ChaCha8Rng) -> [f64; 3] {
    dice::turn(axis, color.cherenkov_cosine, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn showers_emit_mostly_near_the_cherenkov_angle() {
        let light = ShowerLight::new();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let n = 200_000;
        let axis = [0.6, 0.0, -0.8];
        let cosines: Vec<f64> = (0..n)
            .map(|_| {
                let direction = light.direction(axis, &mut rng);
                (0..3).map(|k| axis[k] * direction[k]).sum()
            })
            .collect();
        // Midpoint rule in the root of the distance from the peak, where the density has its cusp.
        let share = |from: f64, to: f64| {
            let n = 20_000;
            let peak = 1.0 / phase_index(400.0);
            let half = |edge: f64| {
                let (sign, root) = ((edge - peak).signum(), (edge - peak).abs().sqrt());
                let step = root / f64::from(n);
                let value = |x: f64| 2.0 * x * libm::exp(-2.61 * libm::pow(x * x, 0.39));
                sign * (0..n)
                    .map(|i| value((f64::from(i) + 0.5) * step) * step)
                    .sum::<f64>()
            };
            half(to) - half(from)
        };
        for (from, to) in [
            (-1.0, -0.5),
            (-0.5, 0.5),
            (0.5, 0.7),
            (0.7, 0.8),
            (0.8, 1.0),
        ] {
            let expected = share(from, to) / share(-1.0, 1.0);
            let inside = cosines.iter().filter(|c| (from..to).contains(*c)).count();
            let found = inside as f64 / f64::from(n);
            let tolerance = 5.0 * (expected * (1.0 - expected) / f64::from(n)).sqrt() + 2e-4;
            assert!(
                (found - expected).abs() < tolerance,
                "{from} to {to}: {found} {expected}"
            );
        }
    }
}
