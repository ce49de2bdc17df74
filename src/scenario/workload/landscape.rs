//! A likelihood without an event: smooth, with one minimum, at a true direction that is known.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::event::DetectorDirection;
use crate::scenario::setup::ZoomSetup;

/// A likelihood over the sky, for reconstructions that compute none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landscape {
    /// Direction of the minimum.
    pub truth: DetectorDirection,
    /// Standard deviation of the direction, in each of two coordinates.
    pub width_rad: f64,
}

impl Landscape {
    /// What the workers of a zoom scan find, the same for the same seed.
    pub fn of(zoom: &ZoomSetup, seed: u64) -> Self {
        Self::drawn(zoom.width_deg.to_radians(), seed)
    }

    /// A landscape whose true direction is anywhere on the sky, the same for the same seed.
    pub fn drawn(width_rad: f64, seed: u64) -> Self {
        // An odd constant keeps it apart from what else is drawn from this seed.
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0xc2b2_ae3d_27d4_eb4f));
        let up = 2.0 * rng.random::<f64>() - 1.0;
        let around: f64 = rng.random();
        Self {
            truth: DetectorDirection {
                zenith_rad: libm::acos(up),
                azimuth_rad: std::f64::consts::TAU * around,
            },
            width_rad,
        }
    }

    /// Negative logarithm of the likelihood: half of the squared distance in widths near the truth,
    /// and on to the other side of the sky without an edge.
    pub fn llh(&self, direction: DetectorDirection) -> f64 {
        let (here, truth) = (vector(direction), vector(self.truth));
        let chord_squared: f64 = here.iter().zip(truth).map(|(a, b)| (a - b) * (a - b)).sum();
        0.5 * chord_squared / (self.width_rad * self.width_rad)
    }
}

fn vector(direction: DetectorDirection) -> [f64; 3] {
    let (sin_zenith, cos_zenith) = libm::sincos(direction.zenith_rad);
    let (sin_azimuth, cos_azimuth) = libm::sincos(direction.azimuth_rad);
    [
        sin_zenith * cos_azimuth,
        sin_zenith * sin_azimuth,
        cos_zenith,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_width_off_is_one_standard_deviation() {
        let width_rad = 0.01;
        let landscape = Landscape::drawn(width_rad, 3);
        let truth = landscape.truth;
        assert_eq!(landscape.llh(truth), 0.0);
        let off = |zenith_rad: f64| DetectorDirection {
            zenith_rad: truth.zenith_rad + zenith_rad,
            ..truth
        };
        assert!((2.0 * landscape.llh(off(width_rad)) - 1.0).abs() < 1e-4);
        assert!((2.0 * landscape.llh(off(-3.0 * width_rad)) - 9.0).abs() < 1e-2);
        let opposite = DetectorDirection {
            zenith_rad: std::f64::consts::PI - truth.zenith_rad,
            azimuth_rad: truth.azimuth_rad + std::f64::consts::PI,
        };
        assert!((landscape.llh(opposite) * width_rad * width_rad - 2.0).abs() < 1e-9);
    }

    #[test]
    fn another_seed_has_another_truth() {
        let truth = |seed| Landscape::drawn(0.01, seed).truth;
        assert_eq!(truth(1), truth(1));
        assert_ne!(truth(1), truth(2));
    }
}
