//! Reco `cascade`: one shower, a point that shines along a direction, from how much light came and when.
//!
//! For a direction the vertex and the time of the shower are minimised, with the energy that describes the charges of
//! all DOMs best (`unfolding.rs`): for events without a track. `energy_total_gev` is the energy of the shower,
//! `energy_inside_gev` the same if the vertex is within the outermost DOMs, else nothing. What the direction is worth
//! is in `docs/segmented.md`.

use std::sync::Arc;

use super::compute::ComputeKernel;
use super::hits::enough_first_hits;
use super::light::cherenkov::{add_scaled, dot, subtract};
use super::light::hole_ice::HoleIce;
use super::light::learned::front_ns_per_metre;
use super::light::learned::showers::LearnedShowers;
use super::minimize::{Evaluation, Minimum, Search, minimize};
use super::systematics::Systematic;
use super::unfolding::energies::rise;
use super::unfolding::{Energies, Matrix, Scene, Shower};
use super::{Kernel, KernelError, Likelihood, PixelRequest, Problem, Reco, VertexSeed};
use skyscan_event::bounds::Bounds;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Metres and nanoseconds that matter.
const SEARCH: Search<4> = Search {
    scale: [5.0, 5.0, 5.0, 20.0],
    tolerance: 1e-2,
    most_steps: 40,
};
/// Leaps of the energy of one shower: it is all there is to be found.
const N_LEAPS: usize = 2;
/// Derivatives are differences over these.
const NUDGE: [f64; 4] = [0.05, 0.05, 0.05, 0.1];
/// The time of the shower is first guessed as the one of which this share of the charge is late.
const EARLY_SHARE: f64 = 0.2;
/// Directions to all sides, corners of a tetrahedron.
const SIDES: [[f64; 3]; 4] = [
    [1.0, 1.0, 1.0],
    [1.0, -1.0, -1.0],
    [-1.0, 1.0, -1.0],
    [-1.0, -1.0, 1.0],
];

/// The reconstruction.
#[derive(Clone, Debug)]
pub struct Cascade {
    /// How light of showers behaves.
    pub light: Arc<LearnedShowers>,
}

impl Default for Cascade {
    fn default() -> Self {
        Self {
            light: Arc::new(LearnedShowers::shipped(HoleIce::H2)),
        }
    }
}

impl Reco for Cascade {
    fn name(&self) -> &'static str {
        "cascade"
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.for_event(problem)?)))
    }

    fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
        Ok(Arc::new(Self {
            light: self.light.behind(systematic.hole_ice),
        }))
    }
}

impl Cascade {
    /// The likelihood of one event.
    ///
    /// # Errors
    /// If the event has too few hits with hard local coincidence.
    pub fn for_event(&self, problem: &Problem) -> Result<CascadeLikelihood, KernelError> {
        enough_first_hits(problem, self.name())?;
        let scene = Scene::new(problem, self.name(), Arc::clone(&self.light))?;
        Ok(CascadeLikelihood::new(
            Arc::new(scene),
            Bounds::of(&problem.detector),
        ))
    }
}

/// The likelihood of one event, ready for any direction.
#[derive(Debug)]
pub struct CascadeLikelihood {
    scene: Arc<Scene>,
    bounds: Bounds,
    /// Vertex and time, whatever the direction.
    start: Option<[f64; 4]>,
}

impl Likelihood for CascadeLikelihood {
    fn fit(&self, request: &PixelRequest) -> PixelOutcome {
        let direction = request.direction.unit_vector().map(|x| -x);
        let seeds = request.seeds.iter().map(|seed| {
            let [x, y, z] = seed.position_m;
            [x, y, z, seed.time_ns]
        });
        let starts = seeds.chain(self.start);
        let start = starts
            .map(|start| (self.at(direction, start).0, start))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let best = start.map(|(_, start)| self.minimum(direction, start));
        match best {
            Some(minimum) if minimum.value.is_finite() => {
                PixelOutcome::Fitted(self.told(direction, &minimum))
            }
            _ => PixelOutcome::Failed("the likelihood is not finite anywhere".to_owned()),
        }
    }
}

fn shower(direction: [f64; 3], [x, y, z, time_ns]: [f64; 4]) -> Shower {
    Shower {
        position_m: [x, y, z],
        time_ns,
        direction,
    }
}

impl CascadeLikelihood {
    pub(crate) fn new(scene: Arc<Scene>, bounds: Bounds) -> Self {
        let mut own = Self {
            scene,
            bounds,
            start: None,
        };
        own.start = own.best_of_all_sides();
        own
    }

    /// The vertex that goes best with the light, whatever the direction.
    pub(crate) fn vertex(&self) -> Option<VertexSeed> {
        self.start.map(|[x, y, z, time_ns]| VertexSeed {
            position_m: [x, y, z],
            time_ns,
        })
    }

    fn best_of_all_sides(&self) -> Option<[f64; 4]> {
        let starts = self.guesses();
        let sides = SIDES.map(|side| side.map(|x| x / 3.0_f64.sqrt()));
        let minima = sides
            .iter()
            .flat_map(|side| starts.iter().map(|start| self.minimum(*side, *start)));
        minima
            .filter(|minimum| minimum.value.is_finite())
            .min_by(|a, b| a.value.total_cmp(&b.value))
            .map(|minimum| minimum.at)
    }

    /// The middle of the charge, and where the brightest DOM is; with the time from which most light would be late.
    fn guesses(&self) -> Vec<[f64; 4]> {
        let watched = &self.scene.watched;
        let charges: Vec<f64> = watched
            .iter()
            .map(|dom| dom.charge_pe.iter().sum())
            .collect();
        let total: f64 = charges.iter().sum();
        let mut middle_m = [0.0; 3];
        for (dom, charge) in watched.iter().zip(&charges) {
            middle_m = add_scaled(middle_m, dom.position_m, charge / total);
        }
        let brightest = watched
            .iter()
            .zip(&charges)
            .max_by(|a, b| a.1.total_cmp(b.1));
        let brightest = brightest.map(|(dom, _)| dom.position_m);
        let points = std::iter::once(middle_m).chain(brightest);
        let guess = |point_m: [f64; 3]| {
            let mut emitted: Vec<(f64, f64)> = watched
                .iter()
                .zip(&charges)
                .map(|(dom, charge)| {
                    let way = subtract(dom.position_m, point_m);
                    let early_ns = dot(way, way).sqrt() * front_ns_per_metre();
                    (dom.first_light_ns() - early_ns, *charge)
                })
                .collect();
            emitted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut sum = 0.0;
            let early = emitted.iter().find(|(_, charge)| {
                sum += charge;
                sum >= EARLY_SHARE * total
            });
            early.map(|(time_ns, _)| [point_m[0], point_m[1], point_m[2], *time_ns])
        };
        points.filter_map(guess).collect()
    }

    /// `-llh` of a shower, and its energy.
    fn at(&self, direction: [f64; 3], vertex: [f64; 4]) -> (f64, f64) {
        let (energies, llh, _) = self.unfold(direction, vertex);
        (llh, energies.gev[0])
    }

    fn unfold(&self, direction: [f64; 3], vertex: [f64; 4]) -> (Energies, f64, Matrix) {
        let watched = &self.scene.watched;
        let matrix = self.scene.matrix(&[shower(direction, vertex)]);
        let mut energies = Energies::new(watched, &matrix, None);
        energies.improve(watched, &matrix, N_LEAPS);
        let llh = energies.llh(watched, &matrix);
        (energies, llh, matrix)
    }

    fn minimum(&self, direction: [f64; 3], start: [f64; 4]) -> Minimum<4> {
        let function = |vertex| -> Evaluation<4> {
            let (energies, llh, here) = self.unfold(direction, vertex);
            let pulls = energies.pulls(&self.scene.watched, &here);
            let slopes = std::array::from_fn(|i| {
                let mut moved = vertex;
                moved[i] += NUDGE[i];
                let there = self.scene.matrix(&[shower(direction, moved)]);
                rise(&energies.gev, &pulls, &here, &there) / NUDGE[i]
            });
            (llh, slopes)
        };
        minimize(function, start, &SEARCH)
    }

    fn told(&self, direction: [f64; 3], minimum: &Minimum<4>) -> PixelFit {
        let [x, y, z, time_ns] = minimum.at;
        let position_m = [x, y, z];
        let (_, energy_gev) = self.at(direction, minimum.at);
        let is_inside = self.bounds.hold(position_m);
        PixelFit {
            llh: minimum.value,
            position_m,
            time_ns,
            energy_inside_gev: Some(if is_inside { energy_gev } else { 0.0 }),
            energy_total_gev: Some(energy_gev),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises;

    #[test]
    fn too_few_hits_are_refused() {
        promises::too_few_hits_are_refused("cascade", |problem| {
            Cascade::default().for_event(problem)
        });
    }
}
