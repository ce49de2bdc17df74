//! The colour scale of the map: from dark for the best directions to pale for the excluded ones.
//!
//! Lightness falls evenly, so it reads the same in print and with every kind of colour vision;
//! the hue only helps. Colours are mixed in Oklab (B. Ottosson 2020), where equal steps look equal.

use crate::drawing::outline::Colour;

/// Directions that nobody looked at.
pub(super) const UNSCANNED: Colour = Colour([226, 228, 232, 255]);
/// Stripes on top of [`UNSCANNED`] where a pixel failed.
pub(super) const FAILED: Colour = Colour([120, 124, 132, 255]);
/// The best fit and the regions.
pub(super) const ACCENT: Colour = Colour([224, 82, 6, 255]);

/// Lightness, chroma and hue in degrees at both ends and in between.
const STOPS: [[f64; 3]; 5] = [
    [0.20, 0.085, 285.0],
    [0.39, 0.115, 268.0],
    [0.58, 0.105, 235.0],
    [0.78, 0.075, 205.0],
    [0.970, 0.018, 95.0],
];

/// How a value becomes a share of the colour bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spacing {
    Even,
    /// Even in the square root of the value, that is in standard deviations.
    SquareRoot,
}

/// Colours of `2 (llh - llh_best)` from 0 to a cap.
#[derive(Clone, Debug)]
pub(super) struct ColourScale {
    cap: f64,
    spacing: Spacing,
    ramp: Vec<Colour>,
}

impl ColourScale {
    pub(super) fn new(cap: f64, spacing: Spacing) -> Self {
        Self {
            cap,
            spacing,
            ramp: (0..=255).map(|i| ramp(f64::from(i) / 255.0)).collect(),
        }
    }

    /// The value from which on everything has the palest colour.
    pub(super) fn cap(&self) -> f64 {
        self.cap
    }

    /// Share of the bar below a value, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        let linear = (value / self.cap).clamp(0.0, 1.0);
        match self.spacing {
            Spacing::Even => linear,
            Spacing::SquareRoot => linear.sqrt(),
        }
    }

    pub(super) fn colour(&self, value: f64) -> Colour {
        self.at_share(self.share(value))
    }

    /// The colour at a share of the bar.
    pub(super) fn at_share(&self, share: f64) -> Colour {
        let last = (self.ramp.len() - 1) as f64;
        self.ramp[(share.clamp(0.0, 1.0) * last).round() as usize]
    }

    /// Round values for the bar's labels, from 0 to the cap.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let step = round_up(self.cap / 5.0);
        match self.spacing {
            Spacing::Even => (0..=10)
                .map(|i| f64::from(i) * step)
                .filter(|value| *value <= self.cap * 1.0001)
                .collect(),
            // Even shares have uneven values: take the round one nearest to each.
            Spacing::SquareRoot => {
                let mut ticks: Vec<f64> = [0.0, 0.01, 0.05, 0.2, 0.5, 1.0]
                    .map(|share| round_up(share * self.cap))
                    .to_vec();
                ticks.dedup();
                ticks.retain(|value| *value <= self.cap * 1.0001);
                ticks
            }
        }
    }
}

/// The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten.
pub(super) fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let exponent = value.log10().floor();
    // Of tenths the nearest number, not a sum of errors: it is written as it is.
    let scaled = |step: f64| match exponent < 0.0 {
        true => step / 10_f64.powf(-exponent),
        false => step * 10_f64.powf(exponent),
    };
    let steps = [1.0, 1.5, 2.0, 3.0, 5.0, 7.5].map(scaled);
    let enough = steps.into_iter().find(|step| *step >= value * 0.9999);
    enough.unwrap_or_else(|| scaled(10.0))
}

fn ramp(share: f64) -> Colour {
    let place = share * (STOPS.len() - 1) as f64;
    let below = (place as usize).min(STOPS.len() - 2);
    let part = place - below as f64;
    let [l, chroma, hue] =
        [0, 1, 2].map(|i| STOPS[below][i] + part * (STOPS[below + 1][i] - STOPS[below][i]));
    let (sin, cos) = hue.to_radians().sin_cos();
    oklab(l, chroma * cos, chroma * sin)
}

fn oklab(l: f64, a: f64, b: f64) -> Colour {
    let long = (l + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (l - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (l - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ];
    let [red, green, blue] = linear.map(|part| {
        let part = part.clamp(0.0, 1.0);
        let encoded = if part <= 0.003_130_8 {
            12.92 * part
        } else {
            1.055 * part.powf(1.0 / 2.4) - 0.055
        };
        (encoded * 255.0).round() as u8
    });
    Colour([red, green, blue, 255])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG defines it.
    fn luminance(Colour(rgba): Colour) -> f64 {
        let linear = |part: u8| (f64::from(part) / 255.0).powf(2.2);
        0.2126 * linear(rgba[0]) + 0.7152 * linear(rgba[1]) + 0.0722 * linear(rgba[2])
    }

    #[test]
    fn a_worse_direction_is_never_darker() {
        let scale = ColourScale::new(100.0, Spacing::Even);
        let light: Vec<f64> = (0..=100)
            .map(|v| luminance(scale.colour(f64::from(v))))
            .collect();
        assert!(light.windows(2).all(|pair| pair[1] > pair[0]), "{light:?}");
        assert!(light[0] < 0.03 && light[100] > 0.8);
        assert_eq!(scale.colour(1e9), scale.colour(100.0));
    }

    #[test]
    fn ticks_are_round_and_within_the_bar() {
        assert_eq!(
            ColourScale::new(200.0, Spacing::Even).ticks(),
            [0.0, 50.0, 100.0, 150.0, 200.0]
        );
        for cap in [0.3, 15.0, 2000.0, 7500.0, 1e7] {
            for spacing in [Spacing::Even, Spacing::SquareRoot] {
                let ticks = ColourScale::new(cap, spacing).ticks();
                assert!((3..=8).contains(&ticks.len()), "{cap} {ticks:?}");
                assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(ticks.iter().all(|tick| *tick <= cap * 1.001));
            }
        }
    }

    #[test]
    fn labels_are_short() {
        for power in -4..7 {
            for step in 1..100 {
                let label = round_up(f64::from(step) / 10.0 * 10_f64.powi(power)).to_string();
                assert!(label.len() <= 9, "{label}");
            }
        }
    }

    #[test]
    fn rounds_up_to_what_fits_on_an_axis() {
        for (value, rounded) in [
            (1.0, 1.0),
            (1.01, 1.5),
            (64.2, 75.0),
            (190.0, 200.0),
            (0.0, 0.0),
        ] {
            assert!((round_up(value) - rounded).abs() < 1e-9, "{value}");
        }
    }
}
