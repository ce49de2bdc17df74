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

    /// Lower node, share of the way to the next, and the slope of the share by the value: zero
    /// beyond the axis, where its end serves.
    fn locate(&self, value: f64) -> (usize, f64, f64) {
        let offset = (value - self.start) * self.inverse_step;
        let last = (self.n - 1) as f64;
        if offset >= 0.0 && offset < last {
            let index = offset as usize;
            (index, offset - index as f64, self.inverse_step)
        } else if offset >= last {
            (self.n - 2, 1.0, 0.0)
        } else {
            (0, 0.0, 0.0)
        }
    }
}

/// The time at a place of the bent axis.
fn unbend(bent: f64) -> f64 {
    bent * BEND_NS / (1.0 - bent.abs())
}

/// Log density (per ns) and log survival probability of a delay, with their derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// `ln p(t)`.
    pub ln_density: f64,
    /// `ln (1 - P(t))`: no photon has come until `t`.
    pub ln_survival: f64,
    /// Derivatives of `ln_density` by `t`, `xi` and `rho`.
    pub density_slopes: [f64; 3],
    /// Derivatives of `ln_survival` by `t`, `xi` and `rho`.
    pub survival_slopes: [f64; 3],
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

    /// Looks up a delay of `t_ns`. Beyond the table the nearest edge serves, with no slope.
    pub fn delay(&self, t_ns: f64, xi: f64, rho: f64) -> Delay {
        let unbent = 1.0 / (t_ns.abs() + BEND_NS);
        let (root_xi, root_rho) = (xi.sqrt(), rho.sqrt());
        let (k, share_t, slope_t) = BENT_TIME.locate(t_ns * unbent);
        let (i, share_xi, slope_xi) = ROOT_XI.locate(root_xi);
        let (j, share_rho, slope_rho) = ROOT_RHO.locate(root_rho);
        // By the chain rule, from the places on the axes to time, xi and rho.
        let by_t = slope_t * BEND_NS * unbent * unbent;
        let by_xi = 0.5 * slope_xi / root_xi;
        let by_rho = 0.5 * slope_rho / root_rho;

        // Value and rise along the time axis at the four corners in xi and rho.
        let along_time = |i, j| Logs::along(self.column(i, j), k, share_t);
        let (v00, s00) = along_time(i, j);
        let (v01, s01) = along_time(i, j + 1);
        let (v10, s10) = along_time(i + 1, j);
        let (v11, s11) = along_time(i + 1, j + 1);

        let (v0, v1) = (v00.towards(v01, share_rho), v10.towards(v11, share_rho));
        let value = v0.towards(v1, share_xi);
        let rise_t = s00
            .towards(s01, share_rho)
            .towards(s10.towards(s11, share_rho), share_xi);
        let rise_xi = v1.minus(v0);
        let rise_rho = v01.minus(v00).towards(v11.minus(v10), share_xi);
        let slopes = |which: usize| {
            [
                rise_t.0[which] * by_t,
                rise_xi.0[which] * by_xi,
                rise_rho.0[which] * by_rho,
            ]
        };
        Delay {
            ln_density: value.0[0],
            ln_survival: value.0[1],
            density_slopes: slopes(0),
            survival_slopes: slopes(1),
        }
    }
}

/// Logs of density and survival probability, side by side.
#[derive(Clone, Copy, Debug)]
struct Logs([f64; 2]);

impl Logs {
    /// Value and rise of a column between two of its times.
    fn along(column: &[[f32; 2]], at: usize, share: f64) -> (Self, Self) {
        let (low, high) = (Self::from(column[at]), Self::from(column[at + 1]));
        let rise = high.minus(low);
        (Self([0, 1].map(|i| low.0[i] + share * rise.0[i])), rise)
    }

    fn minus(self, other: Self) -> Self {
        Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }

    fn towards(self, other: Self, share: f64) -> Self {
        Self([0, 1].map(|i| self.0[i] + share * (other.0[i] - self.0[i])))
    }
}

impl From<[f32; 2]> for Logs {
    fn from(logs: [f32; 2]) -> Self {
        Self(logs.map(f64::from))
    }
}

#[cfg(test)]
mod tests;
