//! The floor under a density: `ln(1 + e^x)` and its slope, tabulated, because an exponential and a
//! logarithm per DOM would take a quarter of the time of a likelihood.

/// Beyond this the function is `x` (or 0) to 1e-9.
const REACH: f64 = 20.0;
const STEPS_PER_UNIT: f64 = 128.0;

/// The table: values and slopes from `-REACH` to `REACH`.
#[derive(Clone)]
pub(crate) struct Floor(Vec<f64>);

impl std::fmt::Debug for Floor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Floor").finish_non_exhaustive()
    }
}

impl Floor {
    pub(crate) fn new() -> Self {
        let n = (2.0 * REACH * STEPS_PER_UNIT) as usize + 1;
        let value = |i: usize| libm::log1p(libm::exp(i as f64 / STEPS_PER_UNIT - REACH));
        Self((0..n).map(value).collect())
    }

    /// `ln(1 + e^x)` within 1e-5, and the slope of the interpolation.
    pub(crate) fn above(&self, x: f64) -> (f64, f64) {
        if x >= REACH {
            return (x, 1.0);
        }
        let offset = (x + REACH) * STEPS_PER_UNIT;
        let index = offset as usize;
        match (offset >= 0.0, self.0.get(index), self.0.get(index + 1)) {
            (true, Some(low), Some(high)) => {
                let rise = high - low;
                (low + (offset - index as f64) * rise, rise * STEPS_PER_UNIT)
            }
            // Far below the floor; also where `x` is not a number.
            _ => (0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_function() {
        let floor = Floor::new();
        for i in -3000..3000 {
            let x = f64::from(i) / 100.0 + 0.003;
            let (value, slope) = floor.above(x);
            assert!((value - libm::log1p(libm::exp(x))).abs() < 1e-5, "{x}");
            assert!((slope - 1.0 / (1.0 + libm::exp(-x))).abs() < 2e-3, "{x}");
        }
        assert_eq!(floor.above(f64::NAN), (0.0, 0.0));
    }
}
