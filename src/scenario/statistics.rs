//! Means with intervals, and quantiles.

use serde::{Deserialize, Serialize};

/// Two-sided 95 % quantile of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook
/// of Statistical Methods, table 1.3.6.7.2).
const STUDENT_T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];
/// The quantile for infinitely many degrees of freedom.
const NORMAL: f64 = 1.960;

/// A mean over repeats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the 95 % interval around it (Student's t); absent for a single repeat.
    pub half_width_95: Option<f64>,
    /// Number of repeats.
    pub n: usize,
}

impl Interval {
    /// The interval of the values of these repeats, or `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let half_width_95 = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let freedom = n - 1;
            let t = STUDENT_T.get(freedom - 1).copied().unwrap_or(NORMAL);
            t * (squares / freedom as f64 / n as f64).sqrt()
        });
        Some(Self {
            mean,
            half_width_95,
            n,
        })
    }
}

/// Mean and quantiles of a time in seconds over the tasks of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The mean.
    pub mean: f64,
    /// Half of the values are at most this.
    pub p50: f64,
    /// 90 % of the values are at most this.
    pub p90: f64,
    /// 99 % of the values are at most this.
    pub p99: f64,
    /// The largest value.
    pub max: f64,
}

/// Value below which this share of sorted values lies: the nearest one from above.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.clamp(1, sorted.len().max(1)) - 1)
        .copied()
        .unwrap_or(0.0)
}

/// Mean and quantiles of values in any order; zeros if there are none.
pub fn quantiles(mut values: Vec<f64>) -> Quantiles {
    values.sort_unstable_by(f64::total_cmp);
    Quantiles {
        mean: values.iter().sum::<f64>() / values.len().max(1) as f64,
        p50: quantile(&values, 0.5),
        p90: quantile(&values, 0.9),
        p99: quantile(&values, 0.99),
        max: values.last().copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_known_sample() {
        // Mean 3, standard deviation sqrt(2.5), t(4) = 2.776.
        let interval = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(interval.mean, 3.0);
        assert!((interval.half_width_95.unwrap() - 2.776 * (2.5f64 / 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(Interval::of(&[2.0]).unwrap().half_width_95, None);
        assert_eq!(Interval::of(&[]), None);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let quantiles = quantiles((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            (quantiles.p50, quantiles.p90, quantiles.p99, quantiles.max),
            (50.0, 90.0, 99.0, 100.0)
        );
        assert_eq!(quantiles.mean, 50.5);
        assert_eq!(super::quantiles(vec![]).max, 0.0);
    }
}
