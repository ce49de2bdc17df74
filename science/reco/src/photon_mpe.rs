//! Reco `photon-mpe`: the arrival of the first of several photons, as simulated light has it.
//!
//! Of the photons that a DOM sees in the 1.5 us from the first one on, `q` in charge, so many count as the
//! track's, more or less:
//!
//! ```text
//! n = min(max(q, 1), 200)^0.88        s = 0.5 (1 - 1 / q)
//! ```
//!
//! The density of the first of them is that of [`crate::light::learned::photons`], with delays that are learned from
//! photons that were simulated in layered ice ([`crate::light::learned`]). Beside it any time is as likely as noise has
//! it. The four numbers are those with which the first hits of 60 simulated muons with showers are the most likely ones
//! about the true tracks (`docs/likelihood.md`).
//!
//! What is narrow has more local minima. So `pandel-mpe` searches first, and its minima are where the descent begins,
//! beside the optima of the coarser pixels.
//!
//! Decision: Pandel's density searches for the learned one (`docs/decisions.md`).

mod lattice;
mod likelihood;

use std::sync::Arc;

use super::compute::ComputeKernel;
use super::hits::{FirstHit, enough_first_hits};
use super::minimize::{Minimum, Search, minimize};
use super::pandel_mpe::{PandelMpe, PandelMpeLikelihood};
use super::plane::{self, Plane};
use super::systematics::Systematic;
use super::{Kernel, KernelError, Likelihood, PixelRequest, Problem, Reco};
use crate::light::hole_ice::HoleIce;
use crate::light::ice::Ice;
use crate::light::learned::LearnedLight;
use crate::light::learned::photons::Photons;
use likelihood::Slice;
use skyscan_sky::map::PixelOutcome;

/// Metres and nanoseconds that matter: a tenth of the string spacing and the light's time for it.
const SEARCH: Search = Search {
    scale: [10.0, 10.0, 30.0],
    tolerance: 1e-3,
    most_steps: 80,
};
/// Where a descent begins need not be known as well.
const COARSE: Search = Search {
    tolerance: 1e-2,
    ..SEARCH
};
/// How many of the tracks that are known are followed to a minimum, if a request does not name more.
const FOLLOWED: usize = 2;
/// Two tracks are the same within so many steps of the search.
const NEAR: f64 = 0.1;

/// The reconstruction and its settings.
#[derive(Clone, Debug)]
pub struct PhotonMpe {
    /// No more photons count per DOM.
    pub most_photons: f64,
    /// Of so many photons this power of their number is the track's.
    pub power: f64,
    /// Square of the relative spread of that number where there are many.
    pub spread: f64,
    /// Density per ns that any time has, as noise.
    pub floor_per_ns: f64,
    /// How light behaves.
    pub light: Arc<LearnedLight>,
}

impl Default for PhotonMpe {
    fn default() -> Self {
        Self {
            most_photons: 200.0,
            power: 0.88,
            spread: 0.5,
            floor_per_ns: 1e-6,
            light: Arc::new(LearnedLight::shipped(HoleIce::H2)),
        }
    }
}

impl Reco for PhotonMpe {
    fn name(&self) -> &'static str {
        "photon-mpe"
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.for_event(problem)?)))
    }

    fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
        systematic.without_amounts(self.name())?;
        Ok(Arc::new(self.behind(systematic.hole_ice)))
    }
}

impl PhotonMpe {
    /// The same behind other holes.
    pub(crate) fn behind(&self, hole_ice: HoleIce) -> Self {
        let light = match hole_ice {
            HoleIce::H2 => Arc::clone(&self.light),
            HoleIce::Older => Arc::new(LearnedLight::shipped(HoleIce::Older)),
        };
        Self {
            light,
            ..self.clone()
        }
    }

    /// The likelihood of one event.
    ///
    /// # Errors
    /// If the event has too few hits with hard local coincidence.
    pub fn for_event(&self, problem: &Problem) -> Result<PhotonMpeLikelihood, KernelError> {
        let first = enough_first_hits(problem, self.name())?;
        Ok(PhotonMpeLikelihood {
            settings: self.clone(),
            ice: Ice::new(&problem.detector.ice),
            center_m: plane::middle(&first),
            hits: first.iter().map(|hit| self.counted(hit)).collect(),
            coarse: PandelMpe::default().for_event(problem)?,
        })
    }

    fn counted(&self, hit: &FirstHit) -> Hit {
        let photons = hit.charge_pe.clamp(1.0, self.most_photons);
        let number = libm::pow(photons, self.power);
        Hit {
            position_m: hit.position_m,
            time_ns: hit.time_ns,
            ln_number: libm::log(number),
            photons: Photons {
                number,
                spread: self.spread * (1.0 - 1.0 / photons),
            },
        }
    }
}

/// A first hit as this likelihood counts it.
#[derive(Clone, Copy, Debug)]
struct Hit {
    position_m: [f64; 3],
    time_ns: f64,
    photons: Photons,
    /// Logarithm of their number.
    ln_number: f64,
}

/// The likelihood of one event, ready for any direction.
#[derive(Debug)]
pub struct PhotonMpeLikelihood {
    settings: PhotonMpe,
    ice: Ice,
    hits: Vec<Hit>,
    /// Mean position of the hit DOMs; tracks are described by where they pass it.
    center_m: [f64; 3],
    /// Where to begin.
    coarse: PandelMpeLikelihood,
}

impl Likelihood for PhotonMpeLikelihood {
    fn fit(&self, request: &PixelRequest) -> PixelOutcome {
        let direction = request.direction.unit_vector().map(|x| -x);
        let plane = Plane::new(self.center_m, direction);
        let parents: Vec<[f64; 3]> = request.seeds.iter().map(|seed| plane.start(seed)).collect();
        let coarse = self
            .coarse
            .minima(&plane, &[], !parents.is_empty(), &COARSE);
        let mut slice = Slice::new(self, &plane);
        let n_followed = FOLLOWED.max(parents.len());
        let starts = parents
            .into_iter()
            .chain(coarse.iter().map(|minimum| minimum.at));
        let mut starts: Vec<(f64, [f64; 3])> = starts
            .map(|start| (slice.evaluate(start).0, start))
            .collect();
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        starts.dedup_by(|a, b| is_near(a.1, b.1));
        let followed = starts.into_iter().take(n_followed);
        let minima: Vec<Minimum> = followed
            .map(|(_, start)| minimize(|track| slice.evaluate(track), start, &SEARCH))
            .collect();
        plane.outcome(minima)
    }
}

/// Whether two tracks lead to the same minimum, as far as one can tell beforehand.
fn is_near(a: [f64; 3], b: [f64; 3]) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() < NEAR * SEARCH.scale[i])
}

#[cfg(test)]
mod tests;
