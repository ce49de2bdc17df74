//! Reco `linefit`: a point that moves along a straight line, at any speed, past the DOMs at the times of their first
//! light.
//!
//! For a direction `u` the position `r` at the mean time and the speed `v` (0 or more) minimise
//!
//! ```text
//! sum over DOMs of rho(|r_i - r - v u (t_i - mean t)|)
//! ```
//!
//! with Huber's `rho`, the square up to 153 m and linear beyond, over hits without those that are late: within 156 m
//! of another DOM that saw light 778 ns or more before (Aartsen et al. 2014, NIM A 736, 143, sections 3.2 and 4).
//! Light, ice and Cherenkov's cone are not in it. It takes microseconds, is off by degrees, and never misled by a
//! wrong start.
//!
//! `llh` is the mean over the DOMs, not the sum, over twice the square of [`SPREAD_M`]: the fit is off since light
//! spreads from the track and scatters, for many DOMs in the same way, so that more of them do not make it better.

use std::sync::Arc;

use super::compute::ComputeKernel;
use super::{Kernel, KernelError, Likelihood, PixelRequest, Problem, Reco};
use crate::hits::{FirstHit, enough_first_hits};
use crate::light::cherenkov::{add_scaled, dot, subtract};
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Distances beyond this count linearly.
const HUBER_M: f64 = 153.0;
/// Light this near to earlier light ...
const LATE_WITHIN_M: f64 = 156.0;
/// ... and this long after it was scattered.
const LATE_AFTER_NS: f64 = 778.0;
/// By how much the root of the mean of `rho` is larger in the true direction than in the best, so that differences of
/// `llh` are those of a likelihood.
pub const SPREAD_M: f64 = 10.0;
/// Weights change less and less; this many times is enough.
const N_WEIGHINGS: usize = 12;

/// The reconstruction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFit;

impl Reco for LineFit {
    fn name(&self) -> &'static str {
        "linefit"
    }

    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
        Ok(Arc::new(ComputeKernel(self.for_event(problem)?)))
    }
}

impl LineFit {
    /// What it fits with of one event.
    ///
    /// # Errors
    /// If the event has too few hits with hard local coincidence.
    pub fn for_event(&self, problem: &Problem) -> Result<LineFitLikelihood, KernelError> {
        let first = enough_first_hits(problem, self.name())?;
        let is_late = |hit: &FirstHit| {
            first.iter().any(|other| {
                let apart = subtract(hit.position_m, other.position_m);
                hit.time_ns - other.time_ns >= LATE_AFTER_NS
                    && dot(apart, apart) <= LATE_WITHIN_M * LATE_WITHIN_M
            })
        };
        let hits = first.iter().filter(|hit| !is_late(hit));
        Ok(LineFitLikelihood {
            hits: hits.map(|hit| (hit.position_m, hit.time_ns)).collect(),
        })
    }
}

/// Where and when the DOMs of one event saw light.
#[derive(Debug)]
pub struct LineFitLikelihood {
    hits: Vec<([f64; 3], f64)>,
}

/// A point that moves.
#[derive(Clone, Copy, Debug)]
struct Motion {
    /// Where it is at `time_ns`.
    position_m: [f64; 3],
    time_ns: f64,
    velocity: [f64; 3],
}

impl Likelihood for LineFitLikelihood {
    fn fit(&self, request: &PixelRequest) -> PixelOutcome {
        let direction = request.direction.unit_vector().map(|x| -x);
        let mut weights = vec![1.0; self.hits.len()];
        let mut motion = self.weighted(direction, &weights);
        for _ in 0..N_WEIGHINGS {
            for (weight, distance_m) in weights.iter_mut().zip(self.distances_m(&motion)) {
                *weight = if distance_m > HUBER_M {
                    HUBER_M / distance_m
                } else {
                    1.0
                };
            }
            motion = self.weighted(direction, &weights);
        }
        let losses = self
            .distances_m(&motion)
            .map(|distance_m| match distance_m > HUBER_M {
                true => HUBER_M * (2.0 * distance_m - HUBER_M),
                false => distance_m * distance_m,
            });
        PixelOutcome::Fitted(PixelFit {
            llh: losses.sum::<f64>() / self.hits.len() as f64 / (2.0 * SPREAD_M * SPREAD_M),
            position_m: motion.position_m,
            time_ns: motion.time_ns,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    }
}

impl LineFitLikelihood {
    /// The motion along a direction with the least squares, in closed form.
    fn weighted(&self, direction: [f64; 3], weights: &[f64]) -> Motion {
        let (mut sum, mut position_m, mut time_ns) = (0.0, [0.0; 3], 0.0);
        for ((hit, time), weight) in self.hits.iter().zip(weights) {
            sum += weight;
            position_m = add_scaled(position_m, *hit, *weight);
            time_ns += weight * time;
        }
        position_m = position_m.map(|x| x / sum);
        time_ns /= sum;
        let (mut along, mut squares) = (0.0, 0.0);
        for ((hit, time), weight) in self.hits.iter().zip(weights) {
            let later_ns = time - time_ns;
            along += weight * later_ns * dot(subtract(*hit, position_m), direction);
            squares += weight * later_ns * later_ns;
        }
        // One that moves the other way has another direction.
        let speed = if squares > 0.0 {
            (along / squares).max(0.0)
        } else {
            0.0
        };
        Motion {
            position_m,
            time_ns,
            velocity: direction.map(|x| x * speed),
        }
    }

    /// How far each DOM is from the point when it sees light.
    fn distances_m(&self, motion: &Motion) -> impl Iterator<Item = f64> {
        let Motion {
            position_m,
            time_ns,
            velocity,
        } = *motion;
        self.hits.iter().map(move |(hit, time)| {
            let there = add_scaled(position_m, velocity, time - time_ns);
            let apart = subtract(*hit, there);
            dot(apart, apart).sqrt()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises::{self, fitted};
    use skyscan_event::DetectorDirection;

    fn likelihood(problem: &Problem) -> LineFitLikelihood {
        LineFit.for_event(problem).unwrap()
    }

    #[test]
    fn too_few_hits_are_refused() {
        promises::too_few_hits_are_refused("linefit", |problem| LineFit.for_event(problem));
    }

    /// A point that passes every DOM when that sees light leaves nothing over, and one that moves the other way does.
    #[test]
    fn a_motion_that_is_one_is_found() {
        let velocity = [0.12, -0.16, 0.15];
        let hits = (0..20).map(|i| {
            let time_ns = 1e4 + 130.0 * f64::from(i);
            (
                add_scaled([7.0, 8.0, 9.0], velocity, time_ns - 1e4),
                time_ns,
            )
        });
        let likelihood = LineFitLikelihood {
            hits: hits.collect(),
        };
        let speed = dot(velocity, velocity).sqrt();
        let from = velocity.map(|x| -x / speed);
        let direction = DetectorDirection {
            zenith_rad: from[2].acos(),
            azimuth_rad: from[1].atan2(from[0]),
        };
        let fit = fitted(&likelihood, direction, vec![]);
        assert!(fit.llh < 1e-12, "{}", fit.llh);
        let expected = add_scaled([7.0, 8.0, 9.0], velocity, fit.time_ns - 1e4);
        let off = subtract(fit.position_m, expected);
        assert!(dot(off, off) < 1e-12, "{off:?}");
        let back = DetectorDirection {
            zenith_rad: std::f64::consts::PI - direction.zenith_rad,
            azimuth_rad: direction.azimuth_rad + std::f64::consts::PI,
        };
        assert!(fitted(&likelihood, back, vec![]).llh > 10.0);
    }

    /// The paper's fit is 3 to 4 degrees off in the median.
    #[test]
    fn the_true_direction_beats_what_is_far_from_it() {
        let far = [(20.0, 0.0), (-20.0, 0.0), (60.0, 0.0), (0.0, 180.0)];
        promises::the_true_direction_beats(&far, 0.0, likelihood);
    }
}
