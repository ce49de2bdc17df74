//! The medium, layer by layer: mean scattering and absorption between two heights.
//!
//! Layers are flat; tilt and anisotropy are left out. Above the topmost and below the lowest layer
//! the outermost one goes on.

use skyscan_event::detector::IceLayer;

use super::elementary::{floor, index};

/// Inverse lengths averaged over the way between two heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanIce {
    /// Mean of `1 / scattering length`.
    pub scattering_per_m: f64,
    /// Mean of `1 / absorption length`.
    pub absorption_per_m: f64,
    /// Derivative of `scattering_per_m` by the height of the emission point.
    pub scattering_slope: f64,
    /// Derivative of `absorption_per_m` by the height of the emission point.
    pub absorption_slope: f64,
}

/// The layered medium as cumulative tables over height, so that an average takes two look-ups.
#[derive(Clone, Debug)]
pub struct Ice {
    bottom_m: f64,
    inverse_step: f64,
    step_m: f64,
    cells: Vec<Cell>,
}

/// Values at the lower edge of a cell; inside it the inverse lengths are constant.
#[derive(Clone, Copy, Debug)]
struct Cell {
    scattering_sum: f64,
    absorption_sum: f64,
    scattering_per_m: f64,
    absorption_per_m: f64,
}

/// What has been added up to each of several heights, and the inverse lengths there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<const N: usize> {
    z_m: [f64; N],
    scattering: [f64; N],
    absorption: [f64; N],
    scattering_per_m: [f64; N],
    absorption_per_m: [f64; N],
}

/// [`MeanIce`] of several ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeanIces<const N: usize> {
    pub(crate) scattering_per_m: [f64; N],
    pub(crate) absorption_per_m: [f64; N],
    pub(crate) scattering_slope: [f64; N],
    pub(crate) absorption_slope: [f64; N],
}

/// Fine enough for layers of 10 m, coarse enough to stay in the cache.
const STEP_M: f64 = 2.5;
/// Below this height difference the two ends are in the same ice.
const SAME_HEIGHT_M: f64 = 1e-3;

impl Ice {
    /// Tabulates layers given from the bottom up (at least one). Between the middles of two layers
    /// the inverse lengths change linearly.
    pub fn new(layers: &[IceLayer]) -> Self {
        let bottom_m = layers[0].z_m - STEP_M;
        let top_m = layers[layers.len() - 1].z_m + STEP_M;
        let n_cells = ((top_m - bottom_m) / STEP_M) as usize + 1;
        let mut cells = Vec::with_capacity(n_cells);
        let (mut scattering_sum, mut absorption_sum) = (0.0, 0.0);
        for i in 0..n_cells {
            let middle = bottom_m + (i as f64 + 0.5) * STEP_M;
            let scattering_per_m = interpolate(layers, middle, |l| 1.0 / l.scattering_length_m);
            let absorption_per_m = interpolate(layers, middle, |l| 1.0 / l.absorption_length_m);
            cells.push(Cell {
                scattering_sum,
                absorption_sum,
                scattering_per_m,
                absorption_per_m,
            });
            scattering_sum += scattering_per_m * STEP_M;
            absorption_sum += absorption_per_m * STEP_M;
        }
        Self {
            bottom_m,
            inverse_step: 1.0 / STEP_M,
            step_m: STEP_M,
            cells,
        }
    }

    /// Averages over the straight way from height `from_m` (emission) to `to_m` (DOM).
    #[inline(always)]
    pub fn mean(&self, from_m: f64, to_m: f64) -> MeanIce {
        let means = self.sums(&[from_m]).means(&self.sums(&[to_m]));
        MeanIce {
            scattering_per_m: means.scattering_per_m[0],
            absorption_per_m: means.absorption_per_m[0],
            scattering_slope: means.scattering_slope[0],
            absorption_slope: means.absorption_slope[0],
        }
    }

    /// The sums up to each of these heights, and the inverse lengths there: scattering, then absorption.
    #[inline(always)]
    pub(crate) fn sums<const N: usize>(&self, z_m: &[f64; N]) -> Sums<N> {
        let mut offset = [0.0; N];
        for n in 0..N {
            offset[n] = (z_m[n] - self.bottom_m) * self.inverse_step;
        }
        let mut sums = Sums {
            z_m: *z_m,
            scattering: [0.0; N],
            absorption: [0.0; N],
            scattering_per_m: [0.0; N],
            absorption_per_m: [0.0; N],
        };
        let last = (self.cells.len() - 1) as f64;
        let mut below = [0.0; N];
        for n in 0..N {
            let reached = if offset[n] > 0.0 { offset[n] } else { 0.0 };
            below[n] = floor(if reached < last { reached } else { last });
        }
        for (n, below) in below.iter().enumerate() {
            let cell = &self.cells[index(*below)];
            sums.scattering[n] = cell.scattering_sum;
            sums.absorption[n] = cell.absorption_sum;
            sums.scattering_per_m[n] = cell.scattering_per_m;
            sums.absorption_per_m[n] = cell.absorption_per_m;
        }
        for n in 0..N {
            let beyond = (offset[n] - below[n]) * self.step_m;
            sums.scattering[n] += beyond * sums.scattering_per_m[n];
            sums.absorption[n] += beyond * sums.absorption_per_m[n];
        }
        sums
    }
}

impl<const N: usize> Sums<N> {
    /// Averages over the straight ways from these heights (emission) to others (DOMs).
    #[inline(always)]
    pub(crate) fn means(&self, to: &Self) -> MeanIces<N> {
        let mut means = MeanIces {
            scattering_per_m: [0.0; N],
            absorption_per_m: [0.0; N],
            scattering_slope: [0.0; N],
            absorption_slope: [0.0; N],
        };
        for n in 0..N {
            let way = to.z_m[n] - self.z_m[n];
            let is_same = way.abs() < SAME_HEIGHT_M;
            let inverse = if is_same { 0.0 } else { 1.0 / way };
            let here = self.scattering_per_m[n];
            let mean = (to.scattering[n] - self.scattering[n]) * inverse;
            let mean = if is_same { here } else { mean };
            means.scattering_per_m[n] = mean;
            means.scattering_slope[n] = (mean - here) * inverse;
            let here = self.absorption_per_m[n];
            let mean = (to.absorption[n] - self.absorption[n]) * inverse;
            let mean = if is_same { here } else { mean };
            means.absorption_per_m[n] = mean;
            means.absorption_slope[n] = (mean - here) * inverse;
        }
        means
    }
}

fn interpolate(layers: &[IceLayer], z_m: f64, value: impl Fn(&IceLayer) -> f64) -> f64 {
    let above = layers.partition_point(|layer| layer.z_m <= z_m);
    match (
        above.checked_sub(1).map(|below| &layers[below]),
        layers.get(above),
    ) {
        (Some(low), Some(high)) => {
            let share = (z_m - low.z_m) / (high.z_m - low.z_m);
            value(low) * (1.0 - share) + value(high) * share
        }
        (Some(only), None) | (None, Some(only)) => value(only),
        (None, None) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_event::detector::Detector;

    /// Midpoint rule with 1 mm steps over the cells.
    fn brute_force(ice: &Ice, from: f64, to: f64) -> f64 {
        let n = 100_000;
        (0..n)
            .map(|i| from + (to - from) * (f64::from(i) + 0.5) / f64::from(n))
            .map(|z| ice.sums(&[z]).scattering_per_m[0])
            .sum::<f64>()
            / f64::from(n)
    }

    #[test]
    fn averages_as_an_integral_does() {
        let ice = Ice::new(&Detector::icecube86().ice);
        for (from, to) in [
            (-100.0, -40.0),
            (300.0, -450.0),
            (700.0, 480.0),
            (-900.0, 20.0),
        ] {
            let mean = ice.mean(from, to).scattering_per_m;
            let expected = brute_force(&ice, from, to);
            assert!(
                (mean / expected - 1.0).abs() < 1e-4,
                "{from} to {to}: {mean} {expected}"
            );
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        let ice = Ice::new(&Detector::icecube86().ice);
        let (from, to, h) = (-101.3, 44.0, 1e-4);
        let (low, high) = (ice.mean(from - h, to), ice.mean(from + h, to));
        let mean = ice.mean(from, to);
        let numeric = (high.scattering_per_m - low.scattering_per_m) / (2.0 * h);
        assert!((mean.scattering_slope / numeric - 1.0).abs() < 1e-5);
        let numeric = (high.absorption_per_m - low.absorption_per_m) / (2.0 * h);
        assert!((mean.absorption_slope / numeric - 1.0).abs() < 1e-5);
    }

    #[test]
    fn many_ways_have_the_means_of_each() {
        let ice = Ice::new(&Detector::icecube86().ice);
        let to: [f64; 16] = std::array::from_fn(|k| 40.0 * k as f64 - 300.0);
        // One at the height of its DOM, some beyond all layers.
        let from = std::array::from_fn(|k| to[k] + (k as f64 - 3.0) * 170.3);
        let means = ice.sums(&from).means(&ice.sums(&to));
        for k in 0..16 {
            let of_many = MeanIce {
                scattering_per_m: means.scattering_per_m[k],
                absorption_per_m: means.absorption_per_m[k],
                scattering_slope: means.scattering_slope[k],
                absorption_slope: means.absorption_slope[k],
            };
            assert_eq!(of_many, ice.mean(from[k], to[k]), "{k}");
        }
    }

    #[test]
    fn dust_scatters_more_than_clear_ice() {
        let ice = Ice::new(&Detector::icecube86().ice);
        // The dust layer lies about 2,050 m deep, the clearest ice about 2,400 m.
        let dust = ice.mean(-100.0, -100.0).scattering_per_m;
        let clear = ice.mean(-440.0, -440.0).scattering_per_m;
        assert!(dust > 4.0 * clear, "{dust} {clear}");
    }
}
