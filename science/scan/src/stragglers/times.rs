//! Measured times in classes: what a share of them stays below, in any order of coming.

use std::collections::BTreeMap;

/// Bits of a number's fraction that tell classes apart: eight classes to each power of two.
const FRACTION_BITS: u32 = 3;
/// Lower bits, which do not count.
const DROPPED_BITS: u32 = f64::MANTISSA_DIGITS - 1 - FRACTION_BITS;

/// How many times fell into which class. The classes are ranges of the numbers' own bits, so they need
/// neither a logarithm nor a range known beforehand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Times {
    by_class: BTreeMap<u64, u64>,
    n: u64,
}

impl Times {
    /// Counts a time in seconds, above 0.
    pub(super) fn record(&mut self, seconds: f64) {
        *self
            .by_class
            .entry(seconds.to_bits() >> DROPPED_BITS)
            .or_default() += 1;
        self.n += 1;
    }

    /// How many times there are.
    pub(super) fn len(&self) -> u64 {
        self.n
    }

    /// The time that this share of them stays below, at most an eighth too long. `n_longer` more count
    /// as longer than all that are known; `None` if the share reaches into those.
    pub(super) fn quantile(&self, share: f64, n_longer: u64) -> Option<f64> {
        let rank = (share * (self.n + n_longer) as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let class = self.by_class.iter().find(|(_, n)| {
            seen += **n;
            seen >= rank
        });
        class.map(|(class, _)| f64::from_bits((class + 1) << DROPPED_BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_an_eighth_too_long() {
        let mut times = Times::default();
        for n in (1..=1000).rev() {
            times.record(0.003 * f64::from(n));
        }
        for share in [0.01, 0.5, 0.75, 0.95, 1.0] {
            let exact = 3.0 * share;
            let told = times.quantile(share, 0).unwrap();
            assert!(
                (exact..=1.125 * exact).contains(&told),
                "{share}: {told} for {exact}"
            );
        }
    }

    #[test]
    fn what_is_still_out_counts_as_longer() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5, 0), None);
        for _ in 0..10 {
            times.record(1.0);
        }
        assert!(times.quantile(0.5, 10).is_some());
        assert_eq!(times.quantile(0.5, 11), None);
    }

    #[test]
    fn the_order_of_coming_does_not_matter() {
        let (mut one, mut other) = (Times::default(), Times::default());
        let seconds: Vec<f64> = (1..50).map(|n| 1e-6 * f64::from(n * n * n)).collect();
        seconds.iter().for_each(|s| one.record(*s));
        seconds.iter().rev().for_each(|s| other.record(*s));
        assert_eq!(one, other);
    }
}
