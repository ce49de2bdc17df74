//! How many photons a DOM's charge stands for, and when the first of them comes.
//!
//! Of `N` photons that come independently of one another, with the survival probability `S(t)` each, none has come with
//! the probability `S^N`. But photons of a shower come together, and late if it is elsewhere on the track: that many
//! came says less of the first one than the formula has it. So the number `n` that the track stands for is taken as
//! unknown, gamma distributed with the mean `n` and the square `s` of the relative spread, which gives
//!
//! ```text
//! P(none until t) = (1 + s n L(t))^(-1/s)        L(t) = -ln S(t)
//! ```
//!
//! (the Laplace transform of the gamma distribution; Lomax's distribution of `L`) and, as its negative slope,
//!
//! ```text
//! p_first(t) = n p(t) / S(t) (1 + s n L(t))^(-1/s - 1)
//! ```
//!
//! For `s = 0` that is `n p S^(n - 1)`, the multi-photoelectron density of Ahrens et al. 2004, NIM A 524, 169.
//!
//! Decision: The number of photons is taken as unknown (`docs/decisions.md`).

use crate::light::elementary::ln;

/// A number of photons that is known by its mean and spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photons {
    /// The mean, 1 or more.
    pub number: f64,
    /// Square of the relative spread; 0 for a number that is known.
    pub spread: f64,
}

impl Photons {
    /// One, and no other.
    pub const ONE: Self = Self {
        number: 1.0,
        spread: 0.0,
    };

    /// The logarithm of `p_first / (n p)` where the logarithm of the survival probability of one photon is this,
    /// and its derivative by that.
    #[inline(always)]
    pub(super) fn first(self, ln_survival: f64) -> (f64, f64) {
        let Self { number, spread } = self;
        let expected = -number * ln_survival;
        let raised = 1.0 + spread * expected;
        let ln_none = if spread > 0.0 {
            -(1.0 / spread + 1.0) * ln(raised)
        } else {
            -expected
        };
        let others = (1.0 + spread) * number / raised - 1.0;
        (ln_none - ln_survival, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_known_gives_the_power_of_the_survival() {
        let known = Photons {
            number: 7.0,
            spread: 0.0,
        };
        let nearly = Photons {
            spread: 1e-6,
            ..known
        };
        for ln_survival in [-1e-3, -0.2, -3.0] {
            let (value, slope) = known.first(ln_survival);
            assert!((value - 6.0 * ln_survival).abs() < 1e-12 && slope == 6.0);
            let (close, close_slope) = nearly.first(ln_survival);
            assert!((close - value).abs() < 1e-3 && (close_slope - slope).abs() < 1e-3);
        }
        assert_eq!(Photons::ONE.first(-0.4), (0.0, 0.0));
    }

    /// The gamma distribution integrated by the midpoint rule: of shape 2, as the square of the spread is a half.
    #[test]
    fn an_unknown_number_is_one_of_a_gamma_distribution() {
        let (number, ln_survival) = (5.0, -0.3);
        let photons = Photons {
            number,
            spread: 0.5,
        };
        let step = 0.001;
        let mean: f64 = (0..200_000)
            .map(|i| (f64::from(i) + 0.5) * step)
            .map(|n| {
                let probability = 4.0 * n / (number * number) * libm::exp(-2.0 * n / number);
                step * probability * n * libm::exp((n - 1.0) * ln_survival)
            })
            .sum();
        let (value, _) = photons.first(ln_survival);
        assert!((number * libm::exp(value) / mean - 1.0).abs() < 1e-4);
    }
}
