//! Amounts and times of light, unfolded into showers: what `segmented` and `cascade` share.
//!
//! The charge `n` of a DOM in a span of time is compared with what showers of energies `E` would send there,
//! `mu = noise + sum over showers of E Lambda`, with `Lambda` as learned ([`crate::light::learned::showers`]):
//!
//! ```text
//! -llh = sum over DOMs of w sum over spans of (mu - n + n ln(n / mu))        w = 1 / (1 + f q)
//! ```
//!
//! (Poisson, less what a perfect description would have; M. G. Aartsen et al., JINST 9 (2014) P03009). `q` is the
//! charge of the whole DOM and `f` the square of the relative uncertainty of the amount of light: no DOM counts for
//! more than `1 / f` photoelectrons. DOMs that saw nothing count with what they should have seen.
//!
//! Spans ([`mod@bins`]) begin and end where light does. Those that touch a window that is known to be bad are left
//! out; where the photomultiplier was driven so hard that it gives less than it should, `n` is the least that there
//! was: more costs nothing.

pub(crate) mod bins;
pub(crate) mod energies;
mod matrix;

use std::sync::Arc;

use crate::light::cherenkov::{dot, subtract};
use crate::light::ice::Ice;
use crate::light::learned::front_ns_per_metre;
use crate::light::learned::showers::{DomIce, LearnedShowers, Place, ShowerIce};
use crate::{KernelError, Problem, VertexSeed};
use bins::Watched;
pub(crate) use energies::Energies;
pub(crate) use matrix::Matrix;

/// DOMs further from a shower than this see none of its light.
const REACH_M: f64 = 220.0;
/// Those that saw nothing count up to this distance ...
const DARK_REACH_M: f64 = 150.0;
/// ... and one of so many stands for all: what matters is a sum over hundreds.
const DARK_ONE_IN: usize = 4;
/// In the last part of the way there light fades.
const FADES: f64 = 0.2;
/// Less light per GeV than this in a DOM is none.
const FAINT_PER_GEV: f64 = 1e-7;

/// So many of the brightest DOMs are points where a track may pass, if they are so far apart ...
const BRIGHT_POINTS: usize = 5;
const APART_M: f64 = 100.0;
/// ... and the track so near.
const NEAR_M: f64 = 15.0;

/// A point that shines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shower {
    pub(crate) position_m: [f64; 3],
    pub(crate) time_ns: f64,
    /// Where its particles go to.
    pub(crate) direction: [f64; 3],
}

/// A DOM that saw nothing, and how many it stands for, times its efficiency.
#[derive(Clone, Copy, Debug)]
struct Dark {
    position_m: [f64; 3],
    ice: DomIce,
    sensitivity: f64,
}

/// What all DOMs of an event saw.
#[derive(Debug)]
pub(crate) struct Scene {
    ice: Ice,
    light: Arc<LearnedShowers>,
    pub(crate) watched: Vec<Watched>,
    dark: Vec<Dark>,
}

impl Scene {
    /// Of an event.
    ///
    /// # Errors
    /// If no light in it is trustworthy.
    pub(crate) fn new(
        problem: &Problem,
        reco: &str,
        light: Arc<LearnedShowers>,
    ) -> Result<Self, KernelError> {
        let ice = Ice::new(&problem.detector.ice);
        let watched = bins::watched(problem, &ice).filter(|watched| !watched.is_empty());
        let watched = watched.ok_or_else(|| KernelError::Unusable {
            reco: reco.to_owned(),
            reason: "none of the detector's DOMs has pulses with hard local coincidence".to_owned(),
        })?;
        let mut is_hit = watched.iter().map(|dom| dom.id).peekable();
        let unhit = problem.detector.doms.iter().filter(|(id, _)| {
            while is_hit.next_if(|hit| *hit < **id).is_some() {}
            is_hit.peek() != Some(*id)
        });
        let dark = unhit.step_by(DARK_ONE_IN).map(|(_, dom)| Dark {
            position_m: dom.position_m,
            ice: DomIce::new(&ice, dom.position_m[2]),
            sensitivity: dom.relative_efficiency * DARK_ONE_IN as f64,
        });
        Ok(Self {
            dark: dark.collect(),
            watched,
            light,
            ice,
        })
    }

    /// The brightest DOMs that are not near one another, and when light was there that came to them.
    pub(crate) fn bright_points(&self) -> Vec<VertexSeed> {
        let charge = |dom: &Watched| dom.charge_pe.iter().sum::<f64>();
        let mut by_charge: Vec<&Watched> = self.watched.iter().collect();
        by_charge.sort_by(|a, b| charge(b).total_cmp(&charge(a)));
        let mut points: Vec<VertexSeed> = Vec::new();
        for dom in by_charge {
            let is_far = |point: &VertexSeed| !is_within(APART_M, point.position_m, dom.position_m);
            if points.iter().all(is_far) {
                points.push(VertexSeed {
                    position_m: dom.position_m,
                    time_ns: dom.first_light_ns() - NEAR_M * front_ns_per_metre(),
                });
            }
            if points.len() == BRIGHT_POINTS {
                break;
            }
        }
        points
    }

    /// What each of these showers sends to each DOM.
    pub(crate) fn matrix(&self, showers: &[Shower]) -> Matrix {
        let around: Vec<ShowerIce> = showers
            .iter()
            .map(|shower| ShowerIce::new(&self.ice, shower.position_m[2]))
            .collect();
        let mut matrix = Matrix::new(showers.len());
        for dom in &self.watched {
            for (j, (shower, shower_ice)) in showers.iter().zip(&around).enumerate() {
                let seen = visible(REACH_M, shower.position_m, dom.position_m);
                if seen == 0.0 {
                    continue;
                }
                let place = Place::new(shower.position_m, shower.direction, dom.position_m);
                let light = self.light.light(&self.ice, &place, shower_ice, &dom.ice);
                let per_gev = light.per_gev * dom.efficiency * seen;
                if per_gev > FAINT_PER_GEV {
                    let front_ns = shower.time_ns + place.distance_m * front_ns_per_metre();
                    let shares = dom.shares(|time_ns| light.delays.come_until(time_ns - front_ns));
                    matrix.push(j, shares.map(|share| share * per_gev));
                }
            }
            matrix.end_dom();
        }
        for (j, (shower, shower_ice)) in showers.iter().zip(&around).enumerate() {
            for dom in &self.dark {
                let seen = visible(DARK_REACH_M, shower.position_m, dom.position_m);
                if seen == 0.0 {
                    continue;
                }
                let place = Place::new(shower.position_m, shower.direction, dom.position_m);
                let per_gev = self.light.per_gev(&self.ice, &place, shower_ice, &dom.ice);
                matrix.dark_per_gev[j] += per_gev * dom.sensitivity * seen;
            }
        }
        matrix
    }
}

/// 1, but for what is almost out of reach, and 0 beyond: nothing comes or goes at once when a track moves.
fn visible(reach_m: f64, a: [f64; 3], b: [f64; 3]) -> f64 {
    let apart = subtract(a, b);
    let square = dot(apart, apart);
    if square >= reach_m * reach_m {
        return 0.0;
    }
    let left = ((1.0 - square.sqrt() / reach_m) / FADES).min(1.0);
    left * left * (3.0 - 2.0 * left)
}

fn is_within(reach_m: f64, a: [f64; 3], b: [f64; 3]) -> bool {
    let apart = subtract(a, b);
    dot(apart, apart) < reach_m * reach_m
}
