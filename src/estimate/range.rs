//! A figure that is expected, and between what it will lie nine times of ten.

use serde::Serialize;

/// A figure with its 90 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// What is expected.
    pub expected: f64,
    /// One time of twenty it is less.
    pub low: f64,
    /// One time of twenty it is more.
    pub high: f64,
}

impl Range {
    /// What is known.
    pub fn exact(value: f64) -> Self {
        Self {
            expected: value,
            low: value,
            high: value,
        }
    }

    /// What is known to a factor, up or down.
    pub fn within(expected: f64, factor: f64) -> Self {
        Self {
            expected,
            low: expected / factor,
            high: expected * factor,
        }
    }

    /// The same with something on top that is known.
    pub fn plus(self, more: f64) -> Self {
        Self {
            expected: self.expected + more,
            low: self.low + more,
            high: self.high + more,
        }
    }

    /// What to multiply with, to get to the upper end.
    pub fn factor_up(self) -> f64 {
        self.high / self.expected
    }
}
