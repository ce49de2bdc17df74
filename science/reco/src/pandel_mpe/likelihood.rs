//! The likelihood along one direction, with its gradient.

use super::super::minimize::Evaluation;
use super::super::plane::{Plane, SOFTENING_M2, Seen};
use super::PandelMpeLikelihood;
use crate::light::PHASE_INDEX;
use crate::light::arrival::{
    EFFECTIVE_PER_METRE, effective_distance_by_upward, effective_distance_m, rate_per_ns,
    rate_slope,
};
use crate::light::cherenkov::{cotangent, delay_per_metre_ns, sine};

/// All tracks with one direction. A track is `[u, v, t]`: it passes the centre of the hits at the
/// offsets `u`, `v` (m) along the two perpendiculars at time `t` (ns).
#[derive(Debug)]
pub(super) struct Slice<'a> {
    event: &'a PandelMpeLikelihood,
    direction_z: f64,
    across_z: [f64; 2],
    /// The hits, seen along the direction.
    doms: Vec<Seen>,
    constants: Constants,
}

#[derive(Clone, Copy, Debug)]
struct Constants {
    cotangent: f64,
    sine: f64,
    cosine: f64,
    delay_per_m: f64,
    ln_floor: f64,
}

impl<'a> Slice<'a> {
    pub(super) fn new(event: &'a PandelMpeLikelihood, plane: &Plane) -> Self {
        let (direction, across) = (plane.direction, plane.across);
        Self {
            event,
            direction_z: direction[2],
            across_z: [across[0][2], across[1][2]],
            doms: (event.hits.iter())
                .map(|hit| plane.seen(hit.position_m, hit.time_ns))
                .collect(),
            constants: Constants {
                cotangent: cotangent(),
                sine: sine(),
                cosine: 1.0 / PHASE_INDEX,
                delay_per_m: delay_per_metre_ns(),
                ln_floor: libm::log(event.settings.floor_per_ns),
            },
        }
    }

    /// For a track at these offsets, the times at which it would have to pass the centre for each
    /// DOM's light to be direct; sorted.
    pub(super) fn direct_times(&self, [u, v]: [f64; 2], times: &mut Vec<f64>) {
        times.clear();
        times.extend(self.doms.iter().map(|dom| {
            let (x, y) = (dom.across_m[0] - u, dom.across_m[1] - v);
            dom.abreast_ns - (x * x + y * y).sqrt() * self.constants.delay_per_m
        }));
        times.sort_by(f64::total_cmp);
    }

    /// Negative log-likelihood of a track and its gradient by `[u, v, t]`.
    pub(super) fn evaluate(&self, [u, v, t]: [f64; 3]) -> Evaluation {
        let Constants {
            cotangent,
            sine,
            cosine,
            delay_per_m,
            ln_floor,
        } = self.constants;
        let [across_u, across_v] = self.across_z;
        let track_z = self.event.center_m[2] + u * across_u + v * across_v;
        let scale = self.event.settings.scattering_scale;
        let (mut llh, mut gradient) = (0.0, [0.0; 3]);
        for (dom, hit) in self.doms.iter().zip(&self.event.hits) {
            let (x, y) = (dom.across_m[0] - u, dom.across_m[1] - v);
            let distance = (x * x + y * y + SOFTENING_M2).sqrt();
            let inverse = 1.0 / distance;
            // Derivatives of the distance by u and v.
            let (distance_u, distance_v) = (-x * inverse, -y * inverse);

            let outward_z = (x * across_u + y * across_v) * inverse;
            let outward_u = -(across_u + outward_z * distance_u) * inverse;
            let outward_v = -(across_v + outward_z * distance_v) * inverse;
            let upward = cosine * self.direction_z + sine * outward_z;
            let effective = effective_distance_m(distance, upward);
            let effective_by_upward = effective_distance_by_upward(upward) * sine;
            let effective_u = EFFECTIVE_PER_METRE * distance_u + effective_by_upward * outward_u;
            let effective_v = EFFECTIVE_PER_METRE * distance_v + effective_by_upward * outward_v;

            let emission_z = track_z + (dom.along_m - distance * cotangent) * self.direction_z;
            let emission_u = across_u - cotangent * self.direction_z * distance_u;
            let emission_v = across_v - cotangent * self.direction_z * distance_v;
            let ice = self.event.ice.mean(emission_z, hit.position_m[2]);
            let (scattering, bend) = (scale * ice.scattering_per_m, scale * ice.scattering_slope);
            let xi = effective * scattering;
            let xi_u = effective_u * scattering + effective * bend * emission_u;
            let xi_v = effective_v * scattering + effective * bend * emission_v;
            let rho = rate_per_ns(ice.absorption_per_m);
            let rho_by_z = rate_slope() * ice.absorption_slope;

            let late = dom.abreast_ns - t - distance * delay_per_m;
            let delay = self.event.arrival.delay(late, xi, rho);
            let others = hit.others;
            let ln_density = hit.ln_n_photons + delay.ln_density + others * delay.ln_survival;
            // ln(density + floor) = ln floor + ln(1 + density / floor).
            let (lift, weight) = self.event.floor.above(ln_density - ln_floor);
            llh -= ln_floor + lift;
            let slope =
                |i: usize| weight * (delay.density_slopes[i] + others * delay.survival_slopes[i]);
            let (by_late, by_xi, by_rho) = (slope(0), slope(1), slope(2));
            gradient[0] -=
                -by_late * delay_per_m * distance_u + by_xi * xi_u + by_rho * rho_by_z * emission_u;
            gradient[1] -=
                -by_late * delay_per_m * distance_v + by_xi * xi_v + by_rho * rho_by_z * emission_v;
            gradient[2] += by_late;
        }
        (llh, gradient)
    }
}
