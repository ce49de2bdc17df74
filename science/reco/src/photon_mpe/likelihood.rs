//! The likelihood along one direction, with its gradient.

use pulp::NullaryFnOnce;

use super::super::minimize::Evaluation;
use super::super::plane::{Plane, SOFTENING_M2, Seen};
use super::PhotonMpeLikelihood;
use super::lattice::{Cell, Fours, Interpolated, Lattice};
use crate::light::elementary::softplus;
use crate::light::lanes::{BLOCK, Lanes, on_this_cpu, sum};
use crate::light::learned::components::{N_COMPONENTS, One, Part, bent, total};
use crate::light::learned::front_delay_per_metre_ns;
use crate::light::learned::photons::Photons;

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
    /// How they lie to the track that is being evaluated, block by block.
    approaches: Vec<Approach>,
    delay_per_m: f64,
    ln_floor: f64,
}

/// How a block of DOMs lies to a track.
#[derive(Clone, Copy, Debug, Default)]
struct Approach {
    /// Derivatives of the distance by `u` and `v`.
    distance_by: [Lanes; 2],
    /// Derivatives of the cosine round the track by `u` and `v`.
    round_by: [Lanes; 2],
    /// Times as components have them, and their derivatives by the delay.
    s_ns: Lanes,
    s_by_t: Lanes,
    /// Where they are on the lattice.
    cells: [Cell; BLOCK],
}

impl Approach {
    #[inline(always)]
    fn see(
        &mut self,
        doms: &[Seen],
        [u, v, t]: [f64; 3],
        [round_u, round_v]: [f64; 2],
        delay_per_m: f64,
    ) {
        let [mut across_x, mut across_y, mut abreast] = [[0.0; BLOCK]; 3];
        for k in 0..BLOCK {
            let dom = &doms[if k < doms.len() { k } else { 0 }];
            across_x[k] = dom.across_m[0];
            across_y[k] = dom.across_m[1];
            abreast[k] = dom.abreast_ns;
        }
        let ([distance_u, distance_v], [round_by_u, round_by_v]) =
            (&mut self.distance_by, &mut self.round_by);
        for k in 0..BLOCK {
            let (x, y) = (across_x[k] - u, across_y[k] - v);
            let distance = (x * x + y * y + SOFTENING_M2).sqrt();
            let inverse = 1.0 / distance;
            distance_u[k] = -x * inverse;
            distance_v[k] = -y * inverse;
            let cos_round = (x * round_u + y * round_v) * inverse;
            round_by_u[k] = -(round_u + cos_round * distance_u[k]) * inverse;
            round_by_v[k] = -(round_v + cos_round * distance_v[k]) * inverse;
            self.cells[k] = Cell::at(distance, cos_round);
            let late = abreast[k] - t - distance * delay_per_m;
            (self.s_ns[k], self.s_by_t[k]) = bent(late);
        }
    }
}

/// An evaluation to be done.
struct Evaluating<'a, 'b>(&'a mut Slice<'b>, [f64; 3]);

impl NullaryFnOnce for Evaluating<'_, '_> {
    type Output = Evaluation;

    #[inline(always)]
    fn call(self) -> Evaluation {
        self.0.evaluate_blocks(self.1)
    }
}

/// An evaluation to be done more than once.
#[cfg(test)]
struct Again<'a, 'b, 'c>(&'a std::cell::RefCell<&'b mut Slice<'c>>, [f64; 3]);

#[cfg(test)]
impl NullaryFnOnce for Again<'_, '_, '_> {
    type Output = Evaluation;

    #[inline(always)]
    fn call(self) -> Evaluation {
        self.0.borrow_mut().evaluate_blocks(self.1)
    }
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
            approaches: vec![Approach::default(); event.hits.len().div_ceil(BLOCK)],
            delay_per_m: front_delay_per_metre_ns(),
            ln_floor: libm::log(event.settings.floor_per_ns),
        }
    }

    /// Negative log-likelihood of a track and its gradient by `[u, v, t]`.
    pub(super) fn evaluate(&mut self, track: [f64; 3]) -> Evaluation {
        on_this_cpu(Evaluating(self, track))
    }

    /// The same by the instructions of every generation of CPUs that are there.
    #[cfg(test)]
    pub(super) fn evaluate_on_every_cpu(&mut self, track: [f64; 3]) -> Vec<Evaluation> {
        let slice = std::cell::RefCell::new(self);
        crate::light::lanes::on_every_cpu(|| Again(&slice, track))
    }

    #[inline(always)]
    fn evaluate_blocks(&mut self, [u, v, t]: [f64; 3]) -> Evaluation {
        let hits = &self.event.hits;
        for first in (0..hits.len()).step_by(BLOCK) {
            let doms = &self.doms[first..hits.len().min(first + BLOCK)];
            let approach = &mut self.approaches[first / BLOCK];
            approach.see(doms, [u, v, t], self.across_round, self.delay_per_m);
            let heights = hits[first..].iter().map(|hit| hit.position_m[2]);
            let cells = approach.cells[..doms.len()].iter().copied();
            self.lattice.prepare(first, cells.zip(heights));
        }
        self.lattice.ask();
        let mut sums = [[0.0; BLOCK]; 4];
        for first in (0..hits.len()).step_by(BLOCK) {
            self.add(first, &mut sums);
        }
        let [llh, by_u, by_v, by_t] = &sums;
        (sum(llh), [sum(by_u), sum(by_v), sum(by_t)])
    }

    /// Adds the block of hits that begins with this one; where it is not full, its first one stands in its place and
    /// does not count.
    #[inline(always)]
    fn add(&self, first: usize, sums: &mut [Lanes; 4]) {
        let hits = &self.event.hits[first..self.event.hits.len().min(first + BLOCK)];
        let Approach {
            distance_by: [distance_u, distance_v],
            round_by: [round_by_u, round_by_v],
            s_ns,
            s_by_t,
            cells,
        } = &self.approaches[first / BLOCK];
        let delay_per_m = self.delay_per_m;

        // What each component has at each, and how it changes with distance and round the track.
        let mut found = Interpolated::NOTHING;
        for (k, cell) in cells[..hits.len()].iter().enumerate() {
            self.lattice.between(first + k, cell, k, &mut found);
        }
        let ones = Ones::of(&found, s_ns);

        let [mut number, mut spread, mut ln_number, mut counts] = [[0.0; BLOCK]; 4];
        for k in 0..BLOCK {
            let hit = &hits[if k < hits.len() { k } else { 0 }];
            number[k] = hit.photons.number;
            spread[k] = hit.photons.spread;
            ln_number[k] = hit.ln_number;
            counts[k] = if k < hits.len() { 1.0 } else { 0.0 };
        }
        for k in 0..BLOCK {
            let photons = Photons {
                number: number[k],
                spread: spread[k],
            };
            let one = One {
                density: ones.density[k],
                density_by_time: ones.density_by_time[k],
                survival: ones.survival[k],
            };
            let several = one.first(s_by_t[k], photons);
            // ln(density + floor) = ln floor + ln(1 + density / floor).
            let (lift, weight) = softplus(ln_number[k] + several.ln_density - self.ln_floor);
            sums[0][k] -= counts[k] * (self.ln_floor + lift);

            let weight = counts[k] * weight;
            let by_distance = several.by_density * ones.density_by_distance[k]
                + several.by_survival * ones.survival_by_distance[k]
                - several.by_time * delay_per_m;
            let by_round = several.by_density * ones.density_by_round[k]
                + several.by_survival * ones.survival_by_round[k];
            sums[1][k] -= weight * (by_distance * distance_u[k] + by_round * round_by_u[k]);
            sums[2][k] -= weight * (by_distance * distance_v[k] + by_round * round_by_v[k]);
            sums[3][k] += weight * several.by_time;
        }
    }
}

/// One photon at each DOM of a block.
#[derive(Clone, Copy, Debug)]
struct Ones {
    density: Lanes,
    density_by_time: Lanes,
    density_by_distance: Lanes,
    density_by_round: Lanes,
    survival: Lanes,
    survival_by_distance: Lanes,
    survival_by_round: Lanes,
}

impl Ones {
    #[inline(always)]
    fn of(found: &Interpolated, s_ns: &Lanes) -> Self {
        let mut time = [[0.0; N_COMPONENTS]; BLOCK];
        for k in 0..BLOCK {
            time[k] = [s_ns[k]; N_COMPONENTS];
        }
        let time = time.as_flattened();
        let [share, power, rate] = flat(&found.parameters);
        let by_distance = flat(&found.by_distance);
        let by_round = flat(&found.by_round);
        let mut parts = [[0.0; N_COMPONENTS * BLOCK]; 7];
        for i in 0..N_COMPONENTS * BLOCK {
            let part = Part::of([share[i], power[i], rate[i]], time[i]);
            let along = |by: &[f64; 3], change: &[&[f64]; 3]| {
                by[0] * change[0][i] + by[1] * change[1][i] + by[2] * change[2][i]
            };
            parts[0][i] = part.density;
            parts[1][i] = part.density_by_time;
            parts[2][i] = along(&part.density_by, &by_distance);
            parts[3][i] = along(&part.density_by, &by_round);
            parts[4][i] = part.survival;
            parts[5][i] = along(&part.survival_by, &by_distance);
            parts[6][i] = along(&part.survival_by, &by_round);
        }
        Self {
            density: totals(&parts[0]),
            density_by_time: totals(&parts[1]),
            density_by_distance: totals(&parts[2]),
            density_by_round: totals(&parts[3]),
            survival: totals(&parts[4]),
            survival_by_distance: totals(&parts[5]),
            survival_by_round: totals(&parts[6]),
        }
    }
}

/// Component by component, DOM by DOM.
#[inline(always)]
fn flat(fours: &[Fours; 3]) -> [&[f64]; 3] {
    let [a, b, c] = fours;
    [a.as_flattened(), b.as_flattened(), c.as_flattened()]
}

/// What the components of each DOM add up to.
#[inline(always)]
fn totals(of: &[f64; N_COMPONENTS * BLOCK]) -> Lanes {
    let mut lanes = [0.0; BLOCK];
    for k in 0..BLOCK {
        lanes[k] = total([of[4 * k], of[4 * k + 1], of[4 * k + 2], of[4 * k + 3]]);
    }
    lanes
}
