//! What a number of events allows to say: shares with their intervals, means with their errors.

use serde::Serialize;
use statrs::function::beta::inv_beta_reg;

/// Probability outside of an interval of 95 %, on each side.
const TAIL: f64 = 0.025;

/// A share of events, with the 95 % interval of Clopper and Pearson (Biometrika 26 (1934) 404): a true share
/// outside of it gives so few, or so many, less often than once in forty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Events that count.
    pub n_held: usize,
    /// All of them.
    pub n: usize,
    /// The one over the other; nothing of no events.
    pub share: Option<f64>,
    /// Low end of the interval.
    pub low: f64,
    /// High end of the interval.
    pub high: f64,
}

impl Share {
    /// So many of so many.
    pub fn of(n_held: usize, n: usize) -> Self {
        let (k, all) = (n_held as f64, n as f64);
        Self {
            n_held,
            n,
            share: (n > 0).then(|| k / all),
            low: match n_held {
                0 => 0.0,
                _ => inv_beta_reg(k, all - k + 1.0, TAIL),
            },
            high: match n_held < n {
                true => inv_beta_reg(k + 1.0, all - k, 1.0 - TAIL),
                false => 1.0,
            },
        }
    }
}

/// A mean and its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Mean {
    /// None of fewer than two values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.len() < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        Some(Self { mean, error })
    }
}

/// Place, from 1, of the value among `n` sorted ones that the next one stays below with this probability at
/// least, if it comes from where they came from; none if they are too few.
pub fn covering_rank(n: usize, share: f64) -> Option<usize> {
    let rank = (share * (n as f64 + 1.0) - 1e-9).ceil().max(1.0) as usize;
    (rank <= n).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of scipy are compared in the tests of the program; these are from the closed forms of
    /// none and of all.
    #[test]
    fn the_interval_of_none_and_of_all_is_one_sided() {
        let none = Share::of(0, 20);
        assert_eq!(none.low, 0.0);
        assert!(
            (none.high - (1.0 - TAIL.powf(1.0 / 20.0))).abs() < 1e-9,
            "{none:?}"
        );
        let all = Share::of(20, 20);
        assert_eq!(all.high, 1.0);
        assert!((all.low - TAIL.powf(1.0 / 20.0)).abs() < 1e-9, "{all:?}");
        let nothing = Share::of(0, 0);
        assert_eq!((nothing.share, nothing.low, nothing.high), (None, 0.0, 1.0));
    }

    /// Summed from the binomial distribution itself.
    #[test]
    fn at_the_ends_of_the_interval_the_count_has_the_tail() {
        for (k, n) in [
            (1, 10),
            (9, 10),
            (45, 50),
            (180, 200),
            (100, 200),
            (361, 400),
        ] {
            let share = Share::of(k, n);
            let at_least = tail(k, n, share.low);
            let at_most = 1.0 - tail(k + 1, n, share.high);
            assert!((at_least - TAIL).abs() < 1e-8, "{k} of {n}: {at_least}");
            assert!((at_most - TAIL).abs() < 1e-8, "{k} of {n}: {at_most}");
        }
    }

    /// Probability of `k` or more of `n`.
    fn tail(k: usize, n: usize, share: f64) -> f64 {
        let mut term = (1.0 - share).ln() * n as f64;
        let mut sum = 0.0;
        for i in 0..=n {
            if i >= k {
                sum += term.exp();
            }
            term += (((n - i) as f64) / (i as f64 + 1.0)).ln() + (share / (1.0 - share)).ln();
        }
        sum
    }

    #[test]
    fn means_have_errors() {
        let mean = Mean::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(mean.mean, 3.0);
        assert!((mean.error - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(Mean::of(&[1.0]), None);
    }

    #[test]
    fn the_next_value_is_covered() {
        assert_eq!(covering_rank(9, 0.9), Some(9));
        assert_eq!(covering_rank(8, 0.9), None);
        assert_eq!(covering_rank(199, 0.5), Some(100));
        assert_eq!(covering_rank(400, 0.9), Some(361));
    }
}
