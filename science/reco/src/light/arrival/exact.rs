//! The smeared gamma density, computed for the nodes of the table.
//!
//! Every transcendental function is our own or `libm`'s, so that all workers hold the same table.
//!
//! Decision: The incomplete gamma function is our own (`docs/decisions.md`).

use super::JITTER_NS;
use crate::light::elementary::{exp, ln};

/// Spacing of the masses that stand for the gamma density.
const GRID_NS: f64 = 1.0;
/// Below this delay the density may be singular, so cells keep their exact mass and mean.
const SINGULAR_NS: f64 = 24.0;
/// The Gaussian is cut here, in widths.
const REACH: f64 = 6.5;
/// Logarithms below this stand for zero.
const LEAST_LN: f64 = -80.0;

/// A gamma density with shape `xi` and rate `rho` per ns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gamma {
    xi: f64,
    rho: f64,
    ln_gamma: f64,
}

impl Gamma {
    pub(super) fn new(xi: f64, rho: f64) -> Self {
        Self {
            xi,
            rho,
            ln_gamma: libm::lgamma(xi),
        }
    }

    fn density(&self, t: f64) -> f64 {
        let x = self.rho * t;
        self.rho * exp((self.xi - 1.0) * ln(x) - x - self.ln_gamma)
    }

    /// Relative derivatives `g^(n) / g` for n = 1 to 4, by Leibniz' rule.
    fn relative_derivatives(&self, t: f64) -> [f64; 4] {
        let (mut falling, mut power) = ([1.0; 5], [1.0; 5]);
        for n in 1..5 {
            falling[n] = falling[n - 1] * (self.xi - n as f64) / t;
            power[n] = -power[n - 1] * self.rho;
        }
        const BINOMIALS: [[f64; 5]; 4] = [
            [1.0, 1.0, 0.0, 0.0, 0.0],
            [1.0, 2.0, 1.0, 0.0, 0.0],
            [1.0, 3.0, 3.0, 1.0, 0.0],
            [1.0, 4.0, 6.0, 4.0, 1.0],
        ];
        std::array::from_fn(|i| {
            let n = i + 1;
            (0..=n)
                .map(|k| BINOMIALS[i][k] * falling[k] * power[n - k])
                .sum()
        })
    }

    /// From here on the density is smooth on the scale of the jitter.
    fn smooth_from(&self) -> f64 {
        let steep = 0.4 / JITTER_NS;
        (REACH * JITTER_NS).max((self.xi - 1.0) / (steep + self.rho))
    }

    /// Probability of a delay beyond `t`.
    fn survival(&self, t: f64) -> f64 {
        if t <= 0.0 {
            1.0
        } else {
            upper_incomplete(self.xi, self.ln_gamma, self.rho * t)
        }
    }
}

/// Regularised lower incomplete gamma function by its power series, given the logarithm of the gamma function of `a`;
/// best for `x < a + 1`.
fn lower_series(a: f64, ln_gamma: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut n = a;
    while term > sum * 1e-16 {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum * exp(a * ln(x) - x - ln_gamma)
}

/// Regularised upper incomplete gamma function: series below `a + 1`, continued fraction above
/// (Abramowitz and Stegun 6.5.29 and 6.5.31, the latter by Lentz' method).
pub(super) fn upper_incomplete(a: f64, ln_gamma: f64, x: f64) -> f64 {
    if x < a + 1.0 {
        return 1.0 - lower_series(a, ln_gamma, x);
    }
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..1000 {
        let numerator = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / keep_away_from_zero(numerator * d + b, TINY);
        c = keep_away_from_zero(b + numerator / c, TINY);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction * exp(a * ln(x) - x - ln_gamma)
}

fn keep_away_from_zero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// The Gaussian around each time of the table at the points of the mass grid: shared by all nodes.
#[derive(Debug)]
pub(super) struct JitterWindow {
    /// First grid point within reach and the (density, survival) weights from there.
    windows: Vec<(usize, Vec<[f64; 2]>)>,
}

impl JitterWindow {
    pub(super) fn new(times: &[f64]) -> Self {
        let reach = REACH * JITTER_NS;
        let window = |&time: &f64| {
            let first = ((time - reach) / GRID_NS).ceil().max(0.0) as usize;
            let last = ((time + reach) / GRID_NS).floor();
            let weights = (first..)
                .map(|k| k as f64 * GRID_NS)
                .take_while(|x| *x <= last * GRID_NS)
                .map(|x| gaussian((time - x) / JITTER_NS))
                .collect();
            (first, weights)
        };
        Self {
            windows: times.iter().map(window).collect(),
        }
    }
}

/// Density (per ns) and survival function of the jitter at `z` widths.
fn gaussian(z: f64) -> [f64; 2] {
    let normalisation = JITTER_NS * (2.0 * std::f64::consts::PI).sqrt();
    [
        libm::exp(-0.5 * z * z) / normalisation,
        0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2),
    ]
}

/// Writes the logs of the smeared density and survival function at each time.
pub(super) fn smear(gamma: &Gamma, times: &[f64], jitter: &JitterWindow, out: &mut [[f32; 2]]) {
    let smooth_from = gamma.smooth_from();
    let masses = masses(gamma, smooth_from + 2.0 * REACH * JITTER_NS);
    for ((time, window), out) in times.iter().zip(&jitter.windows).zip(out) {
        let [density, survival] = if *time > smooth_from {
            smear_smooth(gamma, *time)
        } else {
            smear_masses(gamma, &masses, window)
        };
        *out = [floored_ln(density), floored_ln(survival.min(1.0))];
    }
}

fn floored_ln(value: f64) -> f32 {
    // `max` also turns the logarithm of a negative rounding error into the floor.
    libm::log(value).max(LEAST_LN) as f32
}

/// Taylor expansion of the convolution in the width of the jitter, to fourth order.
fn smear_smooth(gamma: &Gamma, t: f64) -> [f64; 2] {
    let density = gamma.density(t);
    let [d1, d2, d3, d4] = gamma.relative_derivatives(t);
    let (second, fourth) = (JITTER_NS.powi(2) / 2.0, JITTER_NS.powi(4) / 8.0);
    [
        density * (1.0 + second * d2 + fourth * d4),
        gamma.survival(t) - density * (second * d1 + fourth * d3),
    ]
}

fn smear_masses(gamma: &Gamma, masses: &[f64], window: &(usize, Vec<[f64; 2]>)) -> [f64; 2] {
    let (first, weights) = window;
    let mut smeared = [0.0; 2];
    for (mass, weight) in masses.iter().skip(*first).zip(weights) {
        smeared[0] += mass * weight[0];
        smeared[1] += mass * weight[1];
    }
    // What lies beyond the window is certainly later; a mass on the rim stands for half a cell
    // on either side.
    let rim = (*first + weights.len()) as f64 - 0.5;
    smeared[1] += gamma.survival(rim * GRID_NS);
    smeared
}

/// Masses on the grid points 0, 1, 2 ... that stand for the density: where it may be singular,
/// each cell is shared between its ends so that mass and mean are kept; beyond, the trapezoid rule
/// is exact enough.
fn masses(gamma: &Gamma, until: f64) -> Vec<f64> {
    let n_singular = (SINGULAR_NS / GRID_NS) as usize;
    let n = (until / GRID_NS) as usize + 1;
    let mut masses = vec![0.0; n];
    let ln_gamma_next = gamma.ln_gamma + libm::log(gamma.xi);
    let (mut below, mut moment_below) = (0.0, 0.0);
    for k in 0..n_singular {
        let end = (k + 1) as f64 * GRID_NS;
        let until_end = lower_series(gamma.xi, gamma.ln_gamma, gamma.rho * end);
        let moment_until_end =
            gamma.xi / gamma.rho * lower_series(gamma.xi + 1.0, ln_gamma_next, gamma.rho * end);
        let mass = until_end - below;
        let to_end = (moment_until_end - moment_below) / GRID_NS - mass * k as f64;
        masses[k] += mass - to_end;
        masses[k + 1] += to_end;
        (below, moment_below) = (until_end, moment_until_end);
    }
    masses[n_singular] += 0.5 * GRID_NS * gamma.density(SINGULAR_NS);
    for (k, mass) in masses.iter_mut().enumerate().skip(n_singular + 1) {
        *mass = GRID_NS * gamma.density(k as f64 * GRID_NS);
    }
    masses
}
