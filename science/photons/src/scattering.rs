//! By which angle dust scatters light: 45 % simplified Liu, 55 % Henyey-Greenstein, both with a mean cosine of 0.9.
//!
//! ```text
//! Liu:               p(cos) ~ (1 + cos)^a,  a = 2 g / (1 - g)
//! Henyey-Greenstein: p(cos) ~ (1 + g^2 - 2 g cos)^(-3/2)
//! ```
//!
//! (arXiv:1301.5361, section 3: a mixture close to the theory of Mie for the dust of the South Pole.) Both are
//! inverted in closed form.

use std::sync::OnceLock;

use rand_chacha::ChaCha8Rng;

use crate::dice;

/// Mean cosine of a scattering.
pub(crate) const MEAN_COSINE: f64 = 0.9;
/// Share of scatterings by the simplified Liu function.
const LIU_SHARE: f64 = 0.45;

/// The cosine of one scattering.
pub(crate) fn cosine(rng: &mut ChaCha8Rng) -> f64 {
    let share = dice::unit(rng);
    if share < LIU_SHARE {
        liu(share / LIU_SHARE)
    } else {
        henyey_greenstein((share - LIU_SHARE) / (1.0 - LIU_SHARE))
    }
}

/// `2 u^((1 - g) / (1 + g)) - 1`. The power is tabulated where it is smooth: within 2e-6.
fn liu(u: f64) -> f64 {
    const N: usize = 4096;
    const SMOOTH_FROM: usize = N / 64;
    const POWER: f64 = (1.0 - MEAN_COSINE) / (1.0 + MEAN_COSINE);
    static POWERS: OnceLock<Vec<f64>> = OnceLock::new();
    let powers = POWERS.get_or_init(|| {
        let power = |i| libm::pow(i as f64 / N as f64, POWER);
        (0..=N).map(power).collect()
    });
    let place = u * N as f64;
    let index = (place as usize).min(N - 1);
    let power = if index < SMOOTH_FROM {
        libm::pow(u, POWER)
    } else {
        powers[index] + (place - index as f64) * (powers[index + 1] - powers[index])
    };
    2.0 * power - 1.0
}

fn henyey_greenstein(u: f64) -> f64 {
    const G: f64 = MEAN_COSINE;
    let root = (1.0 - G * G) / (1.0 - G + 2.0 * G * u);
    ((1.0 + G * G - root * root) / (2.0 * G)).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Shares of scatterings by less than an angle, from the integrals of the two densities.
    #[test]
    fn angles_are_distributed_as_the_two_functions_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let n = 400_000;
        let cosines: Vec<f64> = (0..n).map(|_| cosine(&mut rng)).collect();
        let g = MEAN_COSINE;
        for edge in [-0.9, -0.5, 0.0, 0.5, 0.8, 0.9, 0.95, 0.99] {
            let liu = libm::pow((1.0 + edge) / 2.0, (1.0 + g) / (1.0 - g));
            let henyey_greenstein = (1.0 - g * g) / (2.0 * g)
                * (1.0 / libm::sqrt(1.0 + g * g - 2.0 * g * edge) - 1.0 / (1.0 + g));
            let expected = 0.45 * liu + 0.55 * henyey_greenstein;
            let found = cosines.iter().filter(|c| **c < edge).count() as f64 / f64::from(n);
            // Five standard deviations of a binomial draw.
            let tolerance = 5.0 * (expected * (1.0 - expected) / f64::from(n)).sqrt();
            assert!(
                (found - expected).abs() < tolerance,
                "{edge}: {found} {expected}"
            );
        }
    }

    /// After n scatterings the mean cosine to the first direction is the n-th power of that of one.
    #[test]
    fn mean_cosines_multiply() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let n = 200_000;
        let mut sums = [0.0; 20];
        for _ in 0..n {
            let start = dice::isotropic(&mut rng);
            let mut direction = start;
            for sum in &mut sums {
                direction = dice::turn(direction, cosine(&mut rng), &mut rng);
                *sum += (0..3).map(|k| start[k] * direction[k]).sum::<f64>();
            }
        }
        for (i, sum) in sums.iter().enumerate() {
            let expected = libm::pow(MEAN_COSINE, (i + 1) as f64);
            // Five standard deviations: that of a cosine is at most 1 / sqrt(3).
            assert!((sum / f64::from(n) - expected).abs() < 5.0 * 0.58 / f64::from(n).sqrt());
        }
    }

    #[test]
    fn the_table_of_powers_is_the_power() {
        for i in 1..10_000 {
            let u = f64::from(i) / 10_000.0;
            let exact = 2.0 * libm::pow(u, 1.0 / 19.0) - 1.0;
            assert!((liu(u) - exact).abs() < 4e-6, "{u}");
        }
    }
}
