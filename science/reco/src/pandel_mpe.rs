//! Reco `pandel-mpe`: the arrival of the first of several photons, in layered ice.
//!
//! For each DOM the density of the first of `N` photons is
//!
//! ```text
//! p_MPE(t) = N p(t) (1 - P(t))^(N-1)
//! ```
//!
//! (Ahrens et al. 2004, NIM A 524, 169, multi-photoelectron likelihood), with the smeared Pandel
//! density `p` of [`crate::light::arrival`], the effective distance of the same paper
//!
//! ```text
//! d_eff = 0.84 d + 3.1 m - 3.9 m cos(eta) + 4.6 m cos(eta)^2
//! ```
//!
//! (`eta`: angle of the photon to straight up, which meets a downward-looking photomultiplier head
//! on), and scattering and absorption averaged over the layers between emission and DOM. `N` is
//! the charge near the first pulse, capped: with all of it, one bright DOM whose first photon was
//! delayed by unmodelled ice outvotes the rest. A floor under the density does the same for noise.
//!
//! For every direction the position across the track and the time are minimised, from several
//! starts.

mod likelihood;
mod starts;

use std::sync::Arc;

use super::compute::ComputeKernel;
use super::minimize::{Minimum, Search, minimize};
use super::plane::{self, Plane};
use super::systematics::Systematic;
use super::{Kernel, KernelError, Likelihood, PixelRequest, Problem, Reco};
use crate::hits::{FirstHit, enough_first_hits};
use crate::light::arrival::PhotonArrival;
use crate::light::hole_ice::HoleIce;
use crate::light::ice::{Ice, Sums};
use crate::light::lanes::{BLOCK, Lanes, each};
use likelihood::Slice;
use skyscan_sky::map::PixelOutcome;

/// The reconstruction and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PandelMpe {
    /// Cap on the number of photons that count per DOM.
    pub most_photons: f64,
    /// Factor on the scattering of the ice model.
    pub scattering_scale: f64,
    /// Density per ns that any time has, as noise.
    pub floor_per_ns: f64,
}

impl Default for PandelMpe {
    fn default() -> Self {
        Self {
            most_photons: 5.0,
            scattering_scale: 1.0,
            floor_per_ns: 1e-6,
        }
    }
}

impl Reco for PandelMpe {
    fn name(&self) -> &'static str {
        "pandel-mpe"
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.for_event(problem)?)))
    }

    fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
        systematic.without_amounts(self.name())?;
        match systematic.hole_ice {
            HoleIce::H2 => Ok(Arc::new(*self)),
            HoleIce::Older => Err(format!(
                "{} knows nothing of the refrozen holes: hole_ice changes nothing in it",
                self.name()
            )),
        }
    }
}

impl PandelMpe {
    /// The likelihood of one event.
    ///
    /// # Errors
    /// If the event has too few hits with hard local coincidence.
    pub fn for_event(&self, problem: &Problem) -> Result<PandelMpeLikelihood, KernelError> {
        let first = enough_first_hits(problem, self.name())?;
        let center_m = plane::middle(&first);
        let ice = Ice::new(&problem.detector.ice);
        Ok(PandelMpeLikelihood {
            settings: *self,
            arrival: PhotonArrival::shared(),
            blocks: first
                .chunks(BLOCK)
                .map(|hits| self.counted(hits, &ice))
                .collect(),
            ice,
            hits: first,
            center_m,
        })
    }

    fn counted(&self, hits: &[FirstHit], ice: &Ice) -> Block {
        let hit = |k: usize| hits.get(k).unwrap_or(&hits[0]);
        let n_photons = each(|k| hit(k).charge_pe.clamp(1.0, self.most_photons));
        Block {
            ends: ice.sums(&each(|k| hit(k).position_m[2])),
            others: n_photons.map(|n| n - 1.0),
            ln_n_photons: n_photons.map(libm::log),
            counts: each(|k| if k < hits.len() { 1.0 } else { 0.0 }),
        }
    }
}

/// First hits as this likelihood counts them; the first one of them again where there are no more.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Where light comes to.
    ends: Sums<BLOCK>,
    /// Photons beside the first; not whole, as charge is not.
    others: Lanes,
    /// Logarithm of the number of photons, with the first.
    ln_n_photons: Lanes,
    /// 1, or 0 for what is there to fill the block.
    counts: Lanes,
}

/// The likelihood of one event, ready for any direction.
#[derive(Debug)]
pub struct PandelMpeLikelihood {
    settings: PandelMpe,
    arrival: Arc<PhotonArrival>,
    ice: Ice,
    hits: Vec<FirstHit>,
    /// The same, sixteen at a time.
    blocks: Vec<Block>,
    /// Mean position of the hit DOMs; tracks are described by where they pass it.
    center_m: [f64; 3],
}

/// Metres and nanoseconds that matter: a tenth of the string spacing and the light's time for it.
const SEARCH: Search = Search {
    scale: [10.0, 10.0, 30.0],
    tolerance: 1e-4,
    most_steps: 80,
};

impl Likelihood for PandelMpeLikelihood {
    fn fit(&self, request: &PixelRequest) -> PixelOutcome {
        let source = request.direction.unit_vector();
        let direction = source.map(|x| -x);
        let plane = Plane::new(self.center_m, direction);
        let parents: Vec<[f64; 3]> = request.seeds.iter().map(|seed| plane.start(seed)).collect();
        plane.outcome(self.minima(&plane, &parents, !parents.is_empty(), &SEARCH))
    }
}

impl PandelMpeLikelihood {
    /// Local minima in a plane: those below the given tracks, then from starts of its own, which are fewer
    /// `beside_parents`.
    pub(crate) fn minima(
        &self,
        plane: &Plane,
        from: &[[f64; 3]],
        beside_parents: bool,
        search: &Search,
    ) -> Vec<Minimum> {
        let slice = Slice::new(self, plane);
        let own = starts::choose(&slice, beside_parents);
        let starts = from.iter().copied().chain(own);
        let minima = starts.map(|start| minimize(|track| slice.evaluate(track), start, search));
        minima.collect()
    }
}

#[cfg(test)]
mod tests;
