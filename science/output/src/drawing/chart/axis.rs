//! Where values stand along an axis, and which of them are written.

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; values must be positive.
    Logarithmic,
}

/// An axis: what it shows and from where to where.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, with its unit.
    pub title: String,
    /// How values are spread.
    pub spread: Spread,
    /// Smallest and largest value.
    pub range: (f64, f64),
}

/// About so many values are written along an axis.
const TICKS: f64 = 6.0;

impl Axis {
    /// A linear axis.
    pub fn linear(title: &str, range: (f64, f64)) -> Self {
        Self {
            title: title.to_owned(),
            spread: Spread::Linear,
            range,
        }
    }

    /// An axis of equal ratios.
    pub fn logarithmic(title: &str, range: (f64, f64)) -> Self {
        Self {
            title: title.to_owned(),
            spread: Spread::Logarithmic,
            range,
        }
    }

    /// Where a value stands: 0 at the low end, 1 at the high end, beyond for values beyond.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let (low, high, value) = match self.spread {
            Spread::Linear => (low, high, value),
            Spread::Logarithmic => (low.ln(), high.ln(), value.ln()),
        };
        if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        }
    }

    /// The values to write, in rising order.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        match self.spread {
            Spread::Linear => self.even_ticks(),
            Spread::Logarithmic => self.ratio_ticks(),
        }
    }

    /// A value of this axis in words.
    pub(crate) fn label(&self, value: f64) -> String {
        label(value)
    }

    fn even_ticks(&self) -> Vec<f64> {
        let (low, high) = self.range;
        if high <= low || !(high - low).is_finite() {
            return vec![low];
        }
        let rough = (high - low) / TICKS;
        let decade = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|factor| factor * decade)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(10.0 * decade);
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }

    fn ratio_ticks(&self) -> Vec<f64> {
        let (low, high) = self.range;
        if high <= low || low <= 0.0 {
            return vec![low];
        }
        let decades = (high / low).log10();
        let factors: &[f64] = if decades > TICKS {
            &[1.0]
        } else if decades > 1.5 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]
        };
        let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
        exponents
            .flat_map(|exponent| factors.iter().map(move |f| f * 10f64.powi(exponent)))
            .filter(|value| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9))
            .collect()
    }
}

/// A value as short as it can be written: thousands apart, no trailing zeros.
pub(super) fn label(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e7).contains(&magnitude) {
        return format!("{value:e}");
    }
    // Sums of steps carry rounding: twelve digits are enough for any tick.
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.trim_start_matches('-');
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 && text != "-0" { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let axis = Axis::linear("utilisation", (0.0, 1.05));
        assert_eq!(
            axis.ticks().iter().map(|t| label(*t)).collect::<Vec<_>>(),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        let axis = Axis::logarithmic("workers", (100.0, 10_000.0));
        assert_eq!(
            axis.ticks().iter().map(|t| label(*t)).collect::<Vec<_>>(),
            ["100", "200", "500", "1,000", "2,000", "5,000", "10,000"]
        );
    }

    #[test]
    fn shares_run_from_low_to_high() {
        let axis = Axis::logarithmic("workers", (100.0, 10_000.0));
        assert!((axis.share(1000.0) - 0.5).abs() < 1e-12);
        assert_eq!(Axis::linear("flat", (1.0, 1.0)).share(1.0), 0.5);
    }

    #[test]
    fn labels_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-2500.0, "-2,500"),
            (0.1 + 0.2, "0.3"),
            (1e9, "1e9"),
        ] {
            assert_eq!(label(value), expected);
        }
    }
}
