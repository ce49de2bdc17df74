//! The refrozen holes that DOMs hang in.

use serde::{Deserialize, Serialize};

/// How a DOM in its refrozen hole takes light from below and above: acceptance by the vertical direction of photons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoleIce {
    /// The curve known as H2: a column of bubbles with a scattering length of 50 cm.
    #[default]
    H2,
    /// An older curve with much more light from straight below (table `as.dat` that came with the ice `SPICE 3`).
    Older,
}

impl HoleIce {
    /// Coefficients of a polynomial in the cosine, lowest power first, and its maximum.
    fn curve(self) -> (&'static [f64], f64) {
        match self {
            Self::H2 => (
                &[
                    0.328_13, 0.638_99, 0.200_49, -1.2250, -0.144_70, 4.1695, 0.768_98, -5.8690,
                    -2.0939, 2.3834, 1.0435,
                ],
                0.75,
            ),
            Self::Older => (&[0.34, 0.16, 0.0, 0.88, 0.0, -1.05, 0.0, 0.35], 0.68),
        }
    }

    /// Sensitivity beside a photon that meets the photomultiplier of a DOM without hole ice head on; `upward` is the
    /// vertical component of the photon's direction. DOMs look down.
    pub fn sensitivity(self, upward: f64) -> f64 {
        let (coefficients, _) = self.curve();
        let sum = coefficients
            .iter()
            .rev()
            .fold(0.0, |sum, c| sum * upward + c);
        sum.max(0.0)
    }

    /// The same beside its largest value: a probability.
    pub fn acceptance(self, upward: f64) -> f64 {
        (self.sensitivity(upward) / self.curve().1).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_is_a_probability_and_largest_where_it_is_one() {
        for hole_ice in [HoleIce::H2, HoleIce::Older] {
            let (_, most) = hole_ice.curve();
            let cosines = (-1000..=1000).map(|i| f64::from(i) / 1000.0);
            let found = cosines
                .map(|eta| hole_ice.sensitivity(eta))
                .fold(0.0, f64::max);
            // Published with a rounded maximum.
            assert!(
                (0.97..1.0001).contains(&(found / most)),
                "{hole_ice:?}: {found}"
            );
        }
        assert!(HoleIce::Older.acceptance(1.0) > 0.99 && HoleIce::Older.acceptance(-1.0) < 1e-9);
        assert!(HoleIce::H2.acceptance(0.5) > HoleIce::H2.acceptance(-0.5));
    }
}
