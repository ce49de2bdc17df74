//! The likelihood along one direction, with its gradient.

use super::super::minimize::Evaluation;
use super::super::plane::{Plane, SOFTENING_M2, Seen};
use super::PhotonMpeLikelihood;
use super::lattice::Lattice;
use crate::light::learned::components::N_PARAMETERS;
use crate::light::learned::front_delay_per_metre_ns;

/// A track steeper than this (sine of the zenith angle) has nothing above or below it.
const STEEPEST: f64 = 1e-6;

/// All tracks with one direction. A track is `[u, v, t]`: it passes the centre of the hits at the
/// offsets `u`, `v` (m) along the two perpendiculars at time `t` (ns).
#[derive(Debug)]
pub(super) struct Slice<'a> {
    event: &'a PhotonMpeLikelihood,
    lattice: Lattice<'a>,
    /// Vertical components of the perpendiculars, divided by the sine of the zenith angle.
    across_round: [f64; 2],
    /// The hits, seen along the direction.
    doms: Vec<Seen>,
    delay_per_m: f64,
    ln_floor: f64,
}

impl<'a> Slice<'a> {
    pub(super) fn new(event: &'a PhotonMpeLikelihood, plane: &Plane) -> Self {
        let (direction, across) = (plane.direction, plane.across);
        let sin_zenith = (1.0 - direction[2] * direction[2]).max(0.0).sqrt();
        let across_round = if sin_zenith > STEEPEST {
            [across[0][2] / sin_zenith, across[1][2] / sin_zenith]
        } else {
            [0.0; 2]
        };
        Self {
            event,
            lattice: Lattice::new(
                &event.settings.light,
                &event.ice,
                -direction[2],
                event.hits.len(),
            ),
            across_round,
            doms: (event.hits.iter())
                .map(|hit| plane.seen(hit.position_m, hit.time_ns))
                .collect(),
            delay_per_m: front_delay_per_metre_ns(),
            ln_floor: libm::log(event.settings.floor_per_ns),
        }
    }

    /// Negative log-likelihood of a track and its gradient by `[u, v, t]`.
    pub(super) fn evaluate(&mut self, [u, v, t]: [f64; 3]) -> Evaluation {
        let [round_u, round_v] = self.across_round;
        let (mut llh, mut gradient) = (0.0, [0.0; 3]);
        for (i, (dom, hit)) in self.doms.iter().zip(&self.event.hits).enumerate() {
            let (x, y) = (dom.across_m[0] - u, dom.across_m[1] - v);
            let distance = (x * x + y * y + SOFTENING_M2).sqrt();
            let inverse = 1.0 / distance;
            // Derivatives by u and v.
            let distance_by = [-x * inverse, -y * inverse];
            let cos_round = (x * round_u + y * round_v) * inverse;
            let round_by = [
                -(round_u + cos_round * distance_by[0]) * inverse,
                -(round_v + cos_round * distance_by[1]) * inverse,
            ];
            let found = self.lattice.at(i, hit.position_m[2], distance, cos_round);
            let late = dom.abreast_ns - t - distance * self.delay_per_m;
            let first = found.components.first(late, hit.photons);
            // ln(density + floor) = ln floor + ln(1 + density / floor).
            let above = hit.ln_number + first.ln_density - self.ln_floor;
            let (lift, weight) = self.event.floor.above(above);
            llh -= self.ln_floor + lift;
            let (mut by_distance, mut by_round) = (0.0, 0.0);
            for k in 0..N_PARAMETERS {
                by_distance += first.by_parameter[k] * found.by_distance[k];
                by_round += first.by_parameter[k] * found.by_round[k];
            }
            by_distance -= first.by_time * self.delay_per_m;
            for k in 0..2 {
                gradient[k] -= weight * (by_distance * distance_by[k] + by_round * round_by[k]);
            }
            gradient[2] += weight * first.by_time;
        }
        (llh, gradient)
    }
}
