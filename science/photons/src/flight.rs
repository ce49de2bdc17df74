//! One photon on its way through the medium.

use rand_chacha::ChaCha8Rng;

use crate::dice;
use crate::medium::Medium;
use crate::optics::Color;
use crate::scattering::{self, MEAN_COSINE};

/// A photon: where it is, where it goes, what lies behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Photon {
    /// Position in detector coordinates.
    pub position_m: [f64; 3],
    /// Unit vector.
    pub direction: [f64; 3],
    /// Length of its path.
    pub path_m: f64,
    /// Optical depth of absorption along the path: `exp(-absorbed)` of such photons are still there.
    pub absorbed: f64,
}

impl Photon {
    /// A photon that has just been emitted.
    pub(crate) fn new(position_m: [f64; 3], direction: [f64; 3]) -> Self {
        Self {
            position_m,
            direction,
            path_m: 0.0,
            absorbed: 0.0,
        }
    }

    fn advance(&mut self, step_m: f64, absorption_per_m: f64) {
        for (x, d) in self.position_m.iter_mut().zip(self.direction) {
            *x += step_m * d;
        }
        self.path_m += step_m;
        self.absorbed += step_m * absorption_per_m;
    }
}

/// Lets a photon fly until `visit` has seen enough of it.
///
/// The photon is shown at points of its path that lie `spacing_m` apart in the mean, exponentially distributed: the
/// number of points in any volume, times `spacing_m`, is an unbiased estimate of the length of path in it. Nothing
/// ends the flight but `visit`, by returning false: absorption is a weight.
pub(crate) fn fly(
    mut photon: Photon,
    color: &Color,
    medium: &Medium,
    spacing_m: f64,
    rng: &mut ChaCha8Rng,
    mut visit: impl FnMut(&Photon, &mut ChaCha8Rng) -> bool,
) {
    let mut layer = medium.layer_at(photon.position_m[2]);
    let mut coefficients = medium.coefficients(layer, color);
    let mut to_point = spacing_m * dice::exponential(rng);
    loop {
        // Optical depth until the next scattering, in units of effective scattering.
        let mut to_scattering = dice::exponential(rng) * (1.0 - MEAN_COSINE);
        loop {
            let scattering_m = to_scattering / coefficients.effective_scattering_per_m;
            let (edge_m, beyond) = medium.to_edge(layer, photon.position_m[2], photon.direction[2]);
            let step_m = scattering_m.min(edge_m).min(to_point);
            photon.advance(step_m, coefficients.absorption_per_m);
            to_point -= step_m;
            if to_point <= 0.0 {
                if !visit(&photon, rng) {
                    return;
                }
                to_point = spacing_m * dice::exponential(rng);
            }
            if step_m == scattering_m {
                break;
            }
            to_scattering -= step_m * coefficients.effective_scattering_per_m;
            if step_m == edge_m {
                layer = beyond;
                coefficients = medium.coefficients(layer, color);
            }
        }
        photon.direction = dice::turn(photon.direction, scattering::cosine(rng), rng);
    }
}

#[cfg(test)]
mod tests;
