//! Reco `segmented`: the energy losses of a muon, one by one along its track, from how much light came and when.
//!
//! Showers stand every 15 m on the track, as far as it is in or near the telescope; their energies are what describes
//! the charges of all DOMs best (`unfolding.rs`). It is the analogue of IceCube's millipede (M. G. Aartsen et
//! al., JINST 9 (2014) P03009, section 6). Light of the muon itself is that of a quarter of a GeV of shower for each
//! metre, and counts as such.
//!
//! For a direction the position across the track and the time are minimised, each time with the best energies. The
//! search begins at the optimum of `photon-mpe` for this direction, at those of the coarser pixels, and on a track
//! through the point that would explain the light best if it all came from one shower ([`crate::cascade`]); the best
//! two are followed.
//!
//! `energy_inside_gev` is the sum of the losses within the outermost DOMs, `energy_total_gev` that of all.

use std::sync::Arc;

use super::cascade::CascadeLikelihood;
use super::compute::ComputeKernel;
use super::hits::enough_first_hits;
use super::light::SPEED_OF_LIGHT_M_PER_NS;
use super::light::cherenkov::add_scaled;
use super::light::hole_ice::HoleIce;
use super::light::learned::showers::LearnedShowers;
use super::minimize::{Evaluation, Search, minimize};
use super::photon_mpe::{PhotonMpe, PhotonMpeLikelihood};
use super::plane::{self, Plane};
use super::systematics::Systematic;
use super::unfolding::energies::rise;
use super::unfolding::{Energies, Matrix, Scene, Shower};
use super::{Kernel, KernelError, Likelihood, PixelRequest, Problem, Reco, VertexSeed};
use skyscan_event::bounds::Bounds;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Distance of showers on the track.
const SPACING_M: f64 = 15.0;
/// They stand so many on either side of where the track passes the middle of the hits: 1.2 km.
const PLACES: usize = 80;
/// And as far out of the telescope as this.
const MARGIN_M: f64 = 120.0;
/// Metres and nanoseconds that matter.
const SEARCH: Search = Search {
    scale: [10.0, 10.0, 30.0],
    tolerance: 0.1,
    most_steps: 12,
};
/// How many starts are followed for how many steps: some for a few, then the best of them to a minimum.
const FOLLOWED: [(usize, usize); 2] = [(6, 2), (2, SEARCH.most_steps)];
/// Leaps of the energies: of a start, of a step from known ones, at the end.
const LEAPS: [usize; 3] = [8, 3, 20];
/// Derivatives are differences over these.
const NUDGE: [f64; 3] = [0.05, 0.05, 0.1];
/// A muon loses this share of its energy per metre of ice in the mean (D. E. Groom et al., Atomic Data and Nuclear Data
/// Tables 78 (2001) 183: 3.35e-4 per m of water, above 1 TeV) ...
const LOST_PER_M: f64 = 3.07e-4;
/// ... beside what every muon shines.
const EVEN_GEV_PER_M: f64 = 0.25;
/// What has less than this share of the energy hardly moves the likelihood.
const ACTIVE: f64 = 1e-3;

/// The reconstruction.
#[derive(Clone, Debug)]
pub struct Segmented {
    /// How light of showers behaves.
    pub light: Arc<LearnedShowers>,
    /// What finds the track that the search begins with.
    pub track: PhotonMpe,
}

impl Default for Segmented {
    fn default() -> Self {
        Self {
            light: Arc::new(LearnedShowers::shipped(HoleIce::H2)),
            track: PhotonMpe::default(),
        }
    }
}

impl Reco for Segmented {
    fn name(&self) -> &'static str {
        "segmented"
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.for_event(problem)?)))
    }

    fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
        Ok(Arc::new(Self {
            light: self.light.behind(systematic.hole_ice),
            track: self.track.behind(systematic.hole_ice),
        }))
    }
}

impl Segmented {
    /// The likelihood of one event.
    ///
    /// # Errors
    /// If the event has too few hits with hard local coincidence.
    pub fn for_event(&self, problem: &Problem) -> Result<SegmentedLikelihood, KernelError> {
        let first = enough_first_hits(problem, self.name())?;
        let scene = Arc::new(Scene::new(problem, self.name(), Arc::clone(&self.light))?);
        let bounds = Bounds::of(&problem.detector);
        Ok(SegmentedLikelihood {
            vertex: CascadeLikelihood::new(Arc::clone(&scene), bounds).vertex(),
            center_m: plane::middle(&first),
            bright: scene.bright_points(),
            track: self.track.for_event(problem)?,
            scene,
            bounds,
        })
    }
}

/// The likelihood of one event, ready for any direction.
#[derive(Debug)]
pub struct SegmentedLikelihood {
    scene: Arc<Scene>,
    bounds: Bounds,
    /// Mean position of the hit DOMs; tracks are described by where they pass it.
    center_m: [f64; 3],
    track: PhotonMpeLikelihood,
    /// Where all light would come from, if it came from one shower.
    vertex: Option<VertexSeed>,
    /// Where much light was, and when.
    bright: Vec<VertexSeed>,
}

impl Likelihood for SegmentedLikelihood {
    fn fit(&self, request: &PixelRequest) -> PixelOutcome {
        let (plane, best) = self.best(request);
        match best {
            Some(best) => PixelOutcome::Fitted(self.told(&plane, &best)),
            None => PixelOutcome::Failed("the likelihood is not finite anywhere".to_owned()),
        }
    }
}

/// Whether two tracks lead to the same minimum, as far as one can tell beforehand.
fn is_near(a: [f64; 3], b: [f64; 3]) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() < 0.1 * SEARCH.scale[i])
}

/// The losses along a track that describe an event best.
#[derive(Clone, Debug)]
struct Unfolded {
    /// As [`Plane`] has it.
    track: [f64; 3],
    llh: f64,
    /// Of each place, GeV.
    energies: Vec<f64>,
}

impl SegmentedLikelihood {
    /// The best track of a direction, if any is finite.
    fn best(&self, request: &PixelRequest) -> (Plane, Option<Unfolded>) {
        let direction = request.direction.unit_vector().map(|x| -x);
        let plane = Plane::new(self.center_m, direction);
        let as_track = match self.track.fit(request) {
            PixelOutcome::Fitted(fit) => Some(VertexSeed {
                position_m: fit.position_m,
                time_ns: fit.time_ns,
            }),
            PixelOutcome::Failed(_) => None,
        };
        let starts = as_track.iter().chain(&request.seeds).chain(&self.vertex);
        let starts = starts.chain(self.bright.iter().filter(|_| request.seeds.is_empty()));
        let mut starts: Vec<Unfolded> = starts
            .map(|seed| self.unfold(&plane, plane.start(seed), None, LEAPS[0]))
            .collect();
        for (n_followed, most_steps) in FOLLOWED {
            starts.retain(|start| start.llh.is_finite());
            starts.sort_by(|a, b| a.llh.total_cmp(&b.llh));
            starts.dedup_by(|a, b| is_near(a.track, b.track));
            starts.truncate(n_followed);
            let ends = starts.into_iter();
            starts = ends
                .map(|start| self.follow(&plane, start, most_steps))
                .collect();
        }
        let best = starts.into_iter().min_by(|a, b| a.llh.total_cmp(&b.llh));
        let best = best.map(|best| self.unfold(&plane, best.track, Some(&best.energies), LEAPS[2]));
        (plane, best.filter(|best| best.llh.is_finite()))
    }

    /// The energy of a muon from a direction that loses as much; nothing if the direction has no track.
    pub(crate) fn muon_energy_gev(&self, request: &PixelRequest) -> f64 {
        let (plane, best) = self.best(request);
        let Some(best) = best else {
            return 0.0;
        };
        let places = self.places(&plane, best.track);
        let showers = self.showers(&plane, best.track, &places);
        let inside = showers.iter().zip(&places);
        let losses: Vec<f64> = inside
            .filter(|(shower, _)| self.bounds.hold(shower.position_m))
            .map(|(_, place)| best.energies[*place])
            .collect();
        let per_metre = losses.iter().sum::<f64>() / (losses.len().max(1) as f64 * SPACING_M);
        ((per_metre - EVEN_GEV_PER_M) / LOST_PER_M).max(0.0)
    }

    /// The showers of some places on a track.
    fn showers(&self, plane: &Plane, track: [f64; 3], places: &[usize]) -> Vec<Shower> {
        let (middle_m, time_ns) = plane.point(track);
        let one = |place: &usize| {
            let along_m = SPACING_M * (*place as f64 - PLACES as f64 + 0.5);
            Shower {
                position_m: add_scaled(middle_m, plane.direction, along_m),
                time_ns: time_ns + along_m / SPEED_OF_LIGHT_M_PER_NS,
                direction: plane.direction,
            }
        };
        places.iter().map(one).collect()
    }

    /// The places of a track that are in or near the telescope.
    fn places(&self, plane: &Plane, track: [f64; 3]) -> Vec<usize> {
        let all: Vec<usize> = (0..2 * PLACES).collect();
        let showers = self.showers(plane, track, &all);
        let near = self.bounds.wider(MARGIN_M);
        let is_near = |place: &usize| near.hold(showers[*place].position_m);
        all.into_iter().filter(is_near).collect()
    }

    fn unfold(
        &self,
        plane: &Plane,
        track: [f64; 3],
        known: Option<&[f64]>,
        n_leaps: usize,
    ) -> Unfolded {
        self.unfold_and_keep(plane, track, known, n_leaps).0
    }

    /// With the energies and the matrix of the places that are in the telescope.
    fn unfold_and_keep(
        &self,
        plane: &Plane,
        track: [f64; 3],
        known: Option<&[f64]>,
        n_leaps: usize,
    ) -> (Unfolded, Vec<usize>, Energies, Matrix) {
        let places = self.places(plane, track);
        let matrix = self.scene.matrix(&self.showers(plane, track, &places));
        let guess: Option<Vec<f64>> =
            known.map(|known| places.iter().map(|place| known[*place]).collect());
        let watched = &self.scene.watched;
        let mut own = Energies::new(watched, &matrix, guess.as_deref());
        own.improve(watched, &matrix, n_leaps);
        let mut energies = vec![0.0; 2 * PLACES];
        for (place, gev) in places.iter().zip(&own.gev) {
            energies[*place] = *gev;
        }
        let unfolded = Unfolded {
            track,
            llh: own.llh(watched, &matrix),
            energies,
        };
        (unfolded, places, own, matrix)
    }

    /// The best energies for a track, and by how much `-llh` grows with the track: at the best energies it does so as
    /// with fixed ones.
    fn slopes(
        &self,
        plane: &Plane,
        track: [f64; 3],
        known: &[f64],
        n_leaps: usize,
    ) -> (Unfolded, [f64; 3]) {
        let (found, places, energies, matrix) =
            self.unfold_and_keep(plane, track, Some(known), n_leaps);
        let least = ACTIVE * energies.gev.iter().sum::<f64>();
        let active: Vec<usize> = (0..places.len())
            .filter(|j| energies.gev[*j] > least)
            .collect();
        let here = matrix.of(&active);
        let pulls = energies.pulls(&self.scene.watched, &matrix);
        let gev: Vec<f64> = active.iter().map(|j| energies.gev[*j]).collect();
        let places: Vec<usize> = active.iter().map(|j| places[*j]).collect();
        let slopes = std::array::from_fn(|i| {
            let mut moved = track;
            moved[i] += NUDGE[i];
            let there = self.scene.matrix(&self.showers(plane, moved, &places));
            rise(&gev, &pulls, &here, &there) / NUDGE[i]
        });
        (found, slopes)
    }

    /// Descends from a track that is known, for so many steps at most.
    fn follow(&self, plane: &Plane, start: Unfolded, most_steps: usize) -> Unfolded {
        let mut known = start.energies;
        let function = |track| -> Evaluation {
            let (found, slopes) = self.slopes(plane, track, &known, LEAPS[1]);
            known = found.energies;
            (found.llh, slopes)
        };
        let search = Search {
            most_steps,
            ..SEARCH
        };
        let minimum = minimize(function, start.track, &search);
        self.unfold(plane, minimum.at, Some(&known), LEAPS[1])
    }

    fn told(&self, plane: &Plane, best: &Unfolded) -> PixelFit {
        let (position_m, time_ns) = plane.point(best.track);
        let places: Vec<usize> = (0..2 * PLACES).collect();
        let showers = self.showers(plane, best.track, &places);
        let inside = showers.iter().zip(&best.energies);
        let inside = inside.filter(|(shower, _)| self.bounds.hold(shower.position_m));
        PixelFit {
            llh: best.llh,
            position_m,
            time_ns,
            energy_inside_gev: Some(inside.map(|(_, gev)| gev).sum()),
            energy_total_gev: Some(best.energies.iter().sum()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises;
    use crate::synthetic;
    use skyscan_event::detector::Detector;

    fn likelihood(problem: &Problem) -> SegmentedLikelihood {
        Segmented::default().for_event(problem).unwrap()
    }

    #[test]
    fn too_few_hits_are_refused() {
        promises::too_few_hits_are_refused("segmented", |problem| {
            Segmented::default().for_event(problem)
        });
    }

    #[test]
    fn slopes_are_derivatives_at_fixed_energies() {
        let problem = promises::problem(2, 1e5);
        let likelihood = likelihood(&problem);
        let direction = promises::truth(&problem).unit_vector().map(|x| -x);
        let plane = Plane::new(likelihood.center_m, direction);
        let truth = problem.event.truth.as_ref().unwrap();
        let start = plane.start(&VertexSeed {
            position_m: truth.position_m,
            time_ns: truth.time_ns,
        });
        let mut track = start;
        track[0] += 7.0;
        track[2] -= 12.0;
        let found = likelihood.unfold(&plane, track, None, 300);
        let (_, slopes) = likelihood.slopes(&plane, track, &found.energies, 100);
        for i in 0..3 {
            let at = |step: f64| {
                let mut moved = track;
                moved[i] += step;
                likelihood
                    .unfold(&plane, moved, Some(&found.energies), 100)
                    .llh
            };
            let numeric = (at(0.3) - at(-0.3)) / 0.6;
            assert!(
                (numeric - slopes[i]).abs() < 0.1 * numeric.abs() + 0.5,
                "{i}: {numeric} {}",
                slopes[i]
            );
        }
    }

    /// Each step of the energies makes the likelihood better.
    #[test]
    fn energies_only_improve() {
        let problem = promises::problem(3, 1e5);
        let likelihood = likelihood(&problem);
        let direction = promises::truth(&problem).unit_vector().map(|x| -x);
        let plane = Plane::new(likelihood.center_m, direction);
        let places = likelihood.places(&plane, [5.0, -3.0, 10_000.0]);
        let showers = likelihood.showers(&plane, [5.0, -3.0, 10_000.0], &places);
        let matrix = likelihood.scene.matrix(&showers);
        let watched = &likelihood.scene.watched;
        let mut energies = Energies::new(watched, &matrix, None);
        let mut before = energies.llh(watched, &matrix);
        for _ in 0..50 {
            energies.improve(watched, &matrix, 1);
            let now = energies.llh(watched, &matrix);
            assert!(now <= before + 1e-9 * before, "{before} {now}");
            before = now;
        }
    }

    #[test]
    fn the_true_direction_beats_what_is_far_from_it() {
        for seed in [0, 3] {
            let problem = promises::problem(seed, 5e4);
            let likelihood = likelihood(&problem);
            let truth = promises::truth(&problem);
            let [here, off] = [0.0_f64, 8.0].map(|off_deg| {
                let direction = skyscan_event::DetectorDirection {
                    zenith_rad: truth.zenith_rad + off_deg.to_radians(),
                    ..truth
                };
                promises::fitted(&likelihood, direction, vec![]).llh
            });
            assert!(here + 1.0 < off, "seed {seed}: {here} {off}");
        }
    }

    #[test]
    fn energies_grow_with_the_light() {
        let detector = Detector::icecube86();
        let mut told = [1e4, 1e6].map(|energy| {
            let recipe = synthetic::Recipe::of(4, energy);
            let problem = Problem {
                event: synthetic::generate(&detector, &recipe),
                detector: detector.clone(),
                reco: "segmented".to_owned(),
                systematics: None,
            };
            let fit = promises::fitted(&likelihood(&problem), promises::truth(&problem), vec![]);
            assert!(fit.energy_inside_gev <= fit.energy_total_gev);
            fit.energy_inside_gev.unwrap()
        });
        told.reverse();
        assert!(told[0] > 10.0 * told[1] && told[1] > 10.0, "{told:?}");
    }
}
