//! Tracks of one direction: where they pass a plane through the middle of the hits, and when.

use super::VertexSeed;
use super::hits::FirstHit;
use super::minimize::Minimum;
use crate::light::SPEED_OF_LIGHT_M_PER_NS;
use crate::light::cherenkov::{add_scaled, dot, perpendiculars, subtract};
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// A track is `[u, v, t]`: it passes the middle at the offsets `u`, `v` (m) along the two perpendiculars at time `t`
/// (ns).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    middle_m: [f64; 3],
    /// Where particles go to.
    pub(crate) direction: [f64; 3],
    /// The two perpendiculars.
    pub(crate) across: [[f64; 3]; 2],
}

/// A point at a time, seen along the tracks of a plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Offset from the middle along the track.
    pub(crate) along_m: f64,
    /// Offset along the perpendiculars.
    pub(crate) across_m: [f64; 2],
    /// When the particle would have to pass the middle to pass abreast of the point at its time.
    pub(crate) abreast_ns: f64,
}

/// Keeps the distance from a track differentiable where it passes through a DOM: the square of it has this on top.
pub(crate) const SOFTENING_M2: f64 = 0.01;

/// Mean position of the hit DOMs.
pub(crate) fn middle(hits: &[FirstHit]) -> [f64; 3] {
    let n = hits.len() as f64;
    let mut middle_m = [0.0; 3];
    for hit in hits {
        middle_m = add_scaled(middle_m, hit.position_m, 1.0 / n);
    }
    middle_m
}

impl Plane {
    pub(crate) fn new(middle_m: [f64; 3], direction: [f64; 3]) -> Self {
        Self {
            middle_m,
            direction,
            across: perpendiculars(direction),
        }
    }

    pub(crate) fn seen(&self, position_m: [f64; 3], time_ns: f64) -> Seen {
        let offset = subtract(position_m, self.middle_m);
        let along_m = dot(offset, self.direction);
        Seen {
            along_m,
            across_m: self.across.map(|across| dot(offset, across)),
            abreast_ns: time_ns - along_m / SPEED_OF_LIGHT_M_PER_NS,
        }
    }

    /// The track through a point at a time.
    pub(crate) fn start(&self, seed: &VertexSeed) -> [f64; 3] {
        let seen = self.seen(seed.position_m, seed.time_ns);
        let [u, v] = seen.across_m;
        [u, v, seen.abreast_ns]
    }

    /// Where a track passes the plane, and when.
    pub(crate) fn point(&self, [u, v, time_ns]: [f64; 3]) -> ([f64; 3], f64) {
        let position_m = add_scaled(self.middle_m, self.across[0], u);
        (add_scaled(position_m, self.across[1], v), time_ns)
    }

    /// The best of several minima, as the outcome of a pixel.
    pub(crate) fn outcome(&self, minima: impl IntoIterator<Item = Minimum>) -> PixelOutcome {
        let best = minima
            .into_iter()
            .filter(|minimum| minimum.value.is_finite())
            .min_by(|a, b| a.value.total_cmp(&b.value));
        match best {
            Some(minimum) => PixelOutcome::Fitted(self.fit(&minimum)),
            None => PixelOutcome::Failed("the likelihood is not finite anywhere".to_owned()),
        }
    }

    fn fit(&self, minimum: &Minimum) -> PixelFit {
        let (position_m, time_ns) = self.point(minimum.at);
        PixelFit {
            llh: minimum.value,
            position_m,
            time_ns,
            energy_inside_gev: None,
            energy_total_gev: None,
        }
    }
}
