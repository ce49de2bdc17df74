//! When photons arrive: the Pandel density with the jitter of the readout, tabulated.
//!
//! Without jitter the delay `t` of a photon behind direct light follows a gamma density
//!
//! ```text
//! g(t) = rho^xi t^(xi-1) exp(-rho t) / Gamma(xi)
//! xi   = d_eff * mean(1 / scattering length)
//! rho  = 1 / tau + (c / n_g) * mean(1 / absorption length)
//! ```
//!
//! (J. Ahrens et al., "Muon track reconstruction and data selection techniques in AMANDA", NIM A
//! 524 (2004) 169, section on the Pandel function; `lambda` and `lambda_a` of that paper are the
//! bulk values of what is averaged over the layers here). The readout smears it with a Gaussian of
//! width [`JITTER_NS`] (N. van Eijndhoven, O. Fadiran, G. Japaridze, Astropart. Phys. 28 (2007)
//! 456). The convolution has no fast closed form, so the log of its density and of its survival
//! function stand in a table over `sqrt(xi)`, `sqrt(rho)` and `t / (|t| + 300 ns)`, interpolated
//! linearly: within 0.02 and 0.4 % of the exact logarithms (tested). An event comes by a part of the table, so its
//! columns are made when they are asked for.
//!
//! Decision: Arrival times are tabulated (`docs/decisions.md`).

mod exact;

use std::sync::{Arc, OnceLock};

use super::elementary::{floor, index};
use super::lanes::{BLOCK, Lanes};

/// Scale of the delay that scattering causes, Ahrens et al. (2004).
const TAU_NS: f64 = 557.0;
/// Width of the Gaussian smearing of arrival times.
pub const JITTER_NS: f64 = 15.0;

const ROOT_XI: Axis = Axis {
    start: 0.125,
    inverse_step: 32.0,
    n: 189,
};
const ROOT_RHO: Axis = Axis {
    start: 0.0446,
    inverse_step: 294.0,
    n: 25,
};
const BENT_TIME: Axis = Axis {
    start: -0.25,
    inverse_step: 192.0,
    n: 234,
};
/// Times are bent to `t / (|t| + BEND_NS)`: nodes lie 1.6 ns apart where direct light comes,
/// and further apart as the density gets smoother.
const BEND_NS: f64 = 300.0;

/// A uniform axis of the table.
#[derive(Clone, Copy, Debug)]
struct Axis {
    start: f64,
    inverse_step: f64,
    n: usize,
}

impl Axis {
    fn value(&self, index: usize) -> f64 {
        self.start + index as f64 / self.inverse_step
    }

    /// The place on the axis in steps from its beginning, no further than its ends, and the slope of that by the
    /// value: zero beyond, where an end serves.
    #[inline(always)]
    fn locate(&self, value: f64) -> (f64, f64) {
        let offset = (value - self.start) * self.inverse_step;
        let last = (self.n - 1) as f64;
        let slope = if offset >= 0.0 && offset < last {
            self.inverse_step
        } else {
            0.0
        };
        // What is no number lies at the beginning.
        let offset = if offset > 0.0 { offset } else { 0.0 };
        (if offset < last { offset } else { last }, slope)
    }

    /// The node below a place.
    #[inline(always)]
    fn node(&self, offset: f64) -> f64 {
        let last = (self.n - 2) as f64;
        floor(if offset < last { offset } else { last })
    }
}

/// The time at a place of the bent axis.
fn unbend(bent: f64) -> f64 {
    bent * BEND_NS / (1.0 - bent.abs())
}

/// Two numbers for each DOM of a block, side by side: of the density and of the survival probability.
pub(crate) type Pairs = [f64; 2 * BLOCK];

/// Of a block of delays: `ln p(t)` (per ns) and `ln (1 - P(t))`, no photon having come until `t`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    pub(crate) ln: Pairs,
    /// Derivatives by `t`.
    pub(crate) by_time: Pairs,
    /// Derivatives by `xi`.
    pub(crate) by_xi: Pairs,
    /// Derivatives by `rho`.
    pub(crate) by_rho: Pairs,
}

/// Both logarithms for all times, at one `xi` and one `rho`.
type Column = Box<[[f32; 2]]>;

/// The table. One per process is enough: see [`PhotonArrival::shared`].
pub struct PhotonArrival {
    times_ns: Vec<f64>,
    jitter: exact::JitterWindow,
    /// `xi` by `rho`, those that were asked for.
    columns: Vec<OnceLock<Column>>,
}

impl std::fmt::Debug for PhotonArrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhotonArrival")
            .field("n_columns", &self.columns.len())
            .finish()
    }
}

/// Rate `rho` of the gamma density in a medium with this mean inverse absorption length.
pub fn rate_per_ns(absorption_per_m: f64) -> f64 {
    1.0 / TAU_NS + absorption_per_m * rate_slope()
}

/// Derivative of `rho` by the mean inverse absorption length: the speed of light in the medium.
pub fn rate_slope() -> f64 {
    super::SPEED_OF_LIGHT_M_PER_NS / super::GROUP_INDEX
}

/// Growth of the effective distance with the distance, Ahrens et al. (2004).
pub const EFFECTIVE_PER_METRE: f64 = 0.84;

/// The distance that light seems to have scattered over on its way to a downward-looking
/// photomultiplier, Ahrens et al. (2004). `upward` is the vertical component of the photon's
/// direction: light from below meets the photocathode, light from above has to turn round.
pub fn effective_distance_m(distance_m: f64, upward: f64) -> f64 {
    EFFECTIVE_PER_METRE * distance_m + 3.1 - 3.9 * upward + 4.6 * upward * upward
}

/// Derivative of [`effective_distance_m`] by `upward`.
pub fn effective_distance_by_upward(upward: f64) -> f64 {
    9.2 * upward - 3.9
}

impl PhotonArrival {
    /// The table of this process.
    pub fn shared() -> Arc<Self> {
        static TABLE: OnceLock<Arc<PhotonArrival>> = OnceLock::new();
        TABLE.get_or_init(|| Arc::new(Self::empty())).clone()
    }

    fn empty() -> Self {
        let times_ns: Vec<f64> = (0..BENT_TIME.n)
            .map(|i| unbend(BENT_TIME.value(i)))
            .collect();
        Self {
            jitter: exact::JitterWindow::new(&times_ns),
            times_ns,
            columns: vec![OnceLock::new(); ROOT_XI.n * ROOT_RHO.n],
        }
    }

    /// The column at a place on both axes.
    fn column(&self, i: usize, j: usize) -> &[[f32; 2]] {
        self.columns[i * ROOT_RHO.n + j].get_or_init(|| {
            let (root_xi, root_rho) = (ROOT_XI.value(i), ROOT_RHO.value(j));
            let gamma = exact::Gamma::new(root_xi * root_xi, root_rho * root_rho);
            let mut column = vec![[0.0; 2]; BENT_TIME.n].into_boxed_slice();
            exact::smear(&gamma, &self.times_ns, &self.jitter, &mut column);
            column
        })
    }

    /// Looks up delays of `t_ns`. Beyond the table the nearest edge serves, with no slope.
    #[inline(always)]
    pub(crate) fn delays(&self, t_ns: &Lanes, xi: &Lanes, rho: &Lanes) -> Delays {
        // Places on the axes of time, xi and rho; by the chain rule, their derivatives by each.
        let [mut place_t, mut place_xi, mut place_rho] = [[0.0; BLOCK]; 3];
        let [mut by_time, mut by_xi, mut by_rho] = [[0.0; BLOCK]; 3];
        for k in 0..BLOCK {
            let unbent = 1.0 / (t_ns[k].abs() + BEND_NS);
            let (root_xi, root_rho) = (xi[k].sqrt(), rho[k].sqrt());
            let (place, slope) = BENT_TIME.locate(t_ns[k] * unbent);
            place_t[k] = place;
            by_time[k] = slope * BEND_NS * unbent * unbent;
            let (place, slope) = ROOT_XI.locate(root_xi);
            place_xi[k] = place;
            by_xi[k] = 0.5 * slope / root_xi;
            let (place, slope) = ROOT_RHO.locate(root_rho);
            place_rho[k] = place;
            by_rho[k] = 0.5 * slope / root_rho;
        }

        let [mut node_t, mut node_xi, mut node_rho] = [[0.0; BLOCK]; 3];
        for k in 0..BLOCK {
            node_t[k] = BENT_TIME.node(place_t[k]);
            node_xi[k] = ROOT_XI.node(place_xi[k]);
            node_rho[k] = ROOT_RHO.node(place_rho[k]);
            place_t[k] -= node_t[k];
            place_xi[k] -= node_xi[k];
            place_rho[k] -= node_rho[k];
        }

        // What stands at the corners of the cells in xi and rho, at the nodes of time below and above.
        let (mut below, mut above) = ([[[0.0; 2]; BLOCK]; 4], [[[0.0; 2]; BLOCK]; 4]);
        for k in 0..BLOCK {
            let time = index(node_t[k]);
            let (i, j) = (index(node_xi[k]), index(node_rho[k]));
            (below[0][k], above[0][k]) = self.around(i, j, time);
            (below[1][k], above[1][k]) = self.around(i, j + 1, time);
            (below[2][k], above[2][k]) = self.around(i + 1, j, time);
            (below[3][k], above[3][k]) = self.around(i + 1, j + 1, time);
        }

        let (share_t, share_xi, share_rho) = (twice(&place_t), twice(&place_xi), twice(&place_rho));
        let mut found = Delays {
            ln: [0.0; 2 * BLOCK],
            by_time: twice(&by_time),
            by_xi: twice(&by_xi),
            by_rho: twice(&by_rho),
        };
        for k in 0..2 * BLOCK {
            let low = |c: usize| f64::from(below[c].as_flattened()[k]);
            let rise = |c: usize| f64::from(above[c].as_flattened()[k]) - low(c);
            // Along the axis of time, at the four corners in xi and rho.
            let (s00, s01, s10, s11) = (rise(0), rise(1), rise(2), rise(3));
            let (v00, v01) = (low(0) + share_t[k] * s00, low(1) + share_t[k] * s01);
            let (v10, v11) = (low(2) + share_t[k] * s10, low(3) + share_t[k] * s11);
            let (rise_0, rise_1) = (v01 - v00, v11 - v10);
            let (v0, v1) = (v00 + share_rho[k] * rise_0, v10 + share_rho[k] * rise_1);
            found.ln[k] = v0 + share_xi[k] * (v1 - v0);
            let (s0, s1) = (
                s00 + share_rho[k] * (s01 - s00),
                s10 + share_rho[k] * (s11 - s10),
            );
            found.by_time[k] *= s0 + share_xi[k] * (s1 - s0);
            found.by_xi[k] *= v1 - v0;
            found.by_rho[k] *= rise_0 + share_xi[k] * (rise_1 - rise_0);
        }
        found
    }

    /// Both logarithms of a column at a node of time and at the next.
    #[inline(always)]
    fn around(&self, i: usize, j: usize, time: usize) -> ([f32; 2], [f32; 2]) {
        let column = self.column(i, j);
        (column[time], column[time + 1])
    }
}

/// Each of them, twice.
#[inline(always)]
fn twice(lanes: &Lanes) -> Pairs {
    let mut pairs = [0.0; 2 * BLOCK];
    for k in 0..BLOCK {
        pairs[2 * k] = lanes[k];
        pairs[2 * k + 1] = lanes[k];
    }
    pairs
}

#[cfg(test)]
mod tests;
