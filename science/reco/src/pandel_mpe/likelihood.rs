//! The likelihood along one direction, with its gradient.

use pulp::NullaryFnOnce;

use super::super::minimize::Evaluation;
use super::super::plane::{Plane, SOFTENING_M2, Seen};
use super::{Block, PandelMpeLikelihood};
use crate::light::PHASE_INDEX;
use crate::light::arrival::{
    EFFECTIVE_PER_METRE, Pairs, effective_distance_by_upward, effective_distance_m, rate_per_ns,
    rate_slope,
};
use crate::light::cherenkov::{cotangent, delay_per_metre_ns, sine};
use crate::light::elementary::softplus;
use crate::light::lanes::{BLOCK, Lanes, each, on_this_cpu, sum};

/// All tracks with one direction. A track is `[u, v, t]`: it passes the centre of the hits at the
/// offsets `u`, `v` (m) along the two perpendiculars at time `t` (ns).
#[derive(Debug)]
pub(super) struct Slice<'a> {
    event: &'a PandelMpeLikelihood,
    direction_z: f64,
    across_z: [f64; 2],
    /// The hits, seen along the direction.
    doms: Vec<Seen>,
    /// The same, sixteen at a time.
    blocks: Vec<SeenBlock>,
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

/// A block of hits, seen along the direction.
#[derive(Clone, Copy, Debug)]
struct SeenBlock {
    along_m: Lanes,
    across_m: [Lanes; 2],
    abreast_ns: Lanes,
}

impl SeenBlock {
    fn of(doms: &[Seen]) -> Self {
        let dom = |k: usize| doms.get(k).unwrap_or(&doms[0]);
        Self {
            along_m: each(|k| dom(k).along_m),
            across_m: [0, 1].map(|axis| each(|k| dom(k).across_m[axis])),
            abreast_ns: each(|k| dom(k).abreast_ns),
        }
    }
}

/// An evaluation to be done.
struct Evaluating<'a, 'b>(&'a Slice<'b>, [f64; 3]);

impl NullaryFnOnce for Evaluating<'_, '_> {
    type Output = Evaluation;

    #[inline(always)]
    fn call(self) -> Evaluation {
        self.0.evaluate_blocks(self.1)
    }
}

impl<'a> Slice<'a> {
    pub(super) fn new(event: &'a PandelMpeLikelihood, plane: &Plane) -> Self {
        let (direction, across) = (plane.direction, plane.across);
        let doms: Vec<Seen> = (event.hits.iter())
            .map(|hit| plane.seen(hit.position_m, hit.time_ns))
            .collect();
        Self {
            event,
            direction_z: direction[2],
            across_z: [across[0][2], across[1][2]],
            blocks: doms.chunks(BLOCK).map(SeenBlock::of).collect(),
            doms,
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
    pub(super) fn evaluate(&self, track: [f64; 3]) -> Evaluation {
        on_this_cpu(Evaluating(self, track))
    }

    /// The same by the instructions of every generation of CPUs that are there.
    #[cfg(test)]
    pub(super) fn evaluate_on_every_cpu(&self, track: [f64; 3]) -> Vec<Evaluation> {
        crate::light::lanes::on_every_cpu(|| Evaluating(self, track))
    }

    #[inline(always)]
    fn evaluate_blocks(&self, track: [f64; 3]) -> Evaluation {
        let mut sums = [[0.0; BLOCK]; 4];
        for (seen, block) in self.blocks.iter().zip(&self.event.blocks) {
            self.add(seen, block, track, &mut sums);
        }
        let [llh, by_u, by_v, by_t] = &sums;
        (sum(llh), [sum(by_u), sum(by_v), sum(by_t)])
    }

    #[inline(always)]
    fn add(&self, seen: &SeenBlock, block: &Block, [u, v, t]: [f64; 3], sums: &mut [Lanes; 4]) {
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

        // Distance, effective distance and height of emission, each with derivatives by u and v.
        let [mut late, mut effective, mut emission_z] = [[0.0; BLOCK]; 3];
        let [mut distance_u, mut distance_v] = [[0.0; BLOCK]; 2];
        let [mut effective_u, mut effective_v] = [[0.0; BLOCK]; 2];
        for k in 0..BLOCK {
            let (x, y) = (seen.across_m[0][k] - u, seen.across_m[1][k] - v);
            let distance = (x * x + y * y + SOFTENING_M2).sqrt();
            let inverse = 1.0 / distance;
            distance_u[k] = -x * inverse;
            distance_v[k] = -y * inverse;

            let outward_z = (x * across_u + y * across_v) * inverse;
            let outward_u = -(across_u + outward_z * distance_u[k]) * inverse;
            let outward_v = -(across_v + outward_z * distance_v[k]) * inverse;
            let upward = cosine * self.direction_z + sine * outward_z;
            effective[k] = effective_distance_m(distance, upward);
            let by_upward = effective_distance_by_upward(upward) * sine;
            effective_u[k] = EFFECTIVE_PER_METRE * distance_u[k] + by_upward * outward_u;
            effective_v[k] = EFFECTIVE_PER_METRE * distance_v[k] + by_upward * outward_v;

            let along = seen.along_m[k] - distance * cotangent;
            emission_z[k] = track_z + along * self.direction_z;
            late[k] = seen.abreast_ns[k] - t - distance * delay_per_m;
        }

        let ice = self.event.ice.sums(&emission_z).means(&block.ends);
        let xi = each(|k| effective[k] * (scale * ice.scattering_per_m[k]));
        let rho = each(|k| rate_per_ns(ice.absorption_per_m[k]));
        let delays = self.event.arrival.delays(&late, &xi, &rho);

        let steep = cotangent * self.direction_z;
        for k in 0..BLOCK {
            let (others, counts) = (block.others[k], block.counts[k]);
            let of_first = |of_one: &Pairs| of_one[2 * k] + others * of_one[2 * k + 1];
            let ln_density = block.ln_n_photons[k] + of_first(&delays.ln);
            // ln(density + floor) = ln floor + ln(1 + density / floor).
            let (lift, weight) = softplus(ln_density - ln_floor);
            sums[0][k] -= counts * (ln_floor + lift);

            let weight = counts * weight;
            let by_late = weight * of_first(&delays.by_time);
            let by_xi = weight * of_first(&delays.by_xi);
            let by_rho = weight * of_first(&delays.by_rho);
            let scattering = scale * ice.scattering_per_m[k];
            let bend = effective[k] * (scale * ice.scattering_slope[k]);
            let by_distance = by_late * delay_per_m;
            let by_emission = by_xi * bend + by_rho * (rate_slope() * ice.absorption_slope[k]);
            let by_effective = by_xi * scattering;
            let emission_u = across_u - steep * distance_u[k];
            let emission_v = across_v - steep * distance_v[k];
            sums[1][k] += by_distance * distance_u[k]
                - by_effective * effective_u[k]
                - by_emission * emission_u;
            sums[2][k] += by_distance * distance_v[k]
                - by_effective * effective_v[k]
                - by_emission * emission_v;
            sums[3][k] += by_late;
        }
    }
}
