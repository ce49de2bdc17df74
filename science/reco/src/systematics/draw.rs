//! The full set: systematics drawn from what is published of how well ice and strings are known.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Band, Systematic, Timing, normal};
use crate::light::hole_ice::HoleIce;

/// Scattering and absorption as a whole are known so well: drawn evenly from 1 - this to 1 + this.
pub const MOST_FACTOR: f64 = 0.10;
/// Beside that, each hundred metres of ice may be off by so much (standard deviation), scattering and absorption each.
const BAND_SPREAD: f64 = 0.05;
/// Heights of the bands: those of the DOMs of IceCube, lowest and highest.
const LOWEST_M: i32 = -600;
const HIGHEST_M: i32 = 600;
const BAND_M: i32 = 100;
/// Half a metre of light's way, as far as a string may hang from where it is said to.
const TIMING_NS: f64 = 2.2;

/// So many systematics. The same seed gives the same ones.
pub fn drawn(n_systematics: u64, seed: u64) -> Vec<Systematic> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (1..=n_systematics)
        .map(|number| one(number, &mut rng))
        .collect()
}

fn one(number: u64, rng: &mut ChaCha8Rng) -> Systematic {
    let mut even = |half: f64| rounded(1.0 + half * (2.0 * rng.random::<f64>() - 1.0));
    let (scattering, absorption) = (even(MOST_FACTOR), even(MOST_FACTOR));
    let hole_ice = match rng.random::<bool>() {
        true => HoleIce::H2,
        false => HoleIce::Older,
    };
    let mut band = |low: i32| -> Band {
        let mut factor = || rounded(libm::exp(BAND_SPREAD * normal(rng)));
        [f64::from(low), f64::from(low + BAND_M), factor(), factor()]
    };
    let lows = (LOWEST_M..HIGHEST_M).step_by(BAND_M as usize);
    Systematic {
        scattering,
        absorption,
        bands: lows.map(&mut band).collect(),
        hole_ice,
        timing: Some(Timing {
            spread_ns: TIMING_NS,
            seed: number,
        }),
        ..Systematic::named(&format!("draw {number}"))
    }
}

/// As a file is to show it.
fn rounded(factor: f64) -> f64 {
    (factor * 1e4).round() / 1e4
}
