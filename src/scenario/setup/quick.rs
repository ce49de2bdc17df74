//! The quick form of a scenario: small enough to run at once, with the knee where it was.
//!
//! Decision: A quick form shrinks the fleet and slows the hub by the same factor (`docs/decisions.md`).

use super::file::{PlannedPoint, Scenario};
use super::{Clock, ZoomSetup};

/// Quick forms have at most so many slots.
const QUICK_SLOTS: f64 = 200.0;
/// Tasks of quick forms take about so long.
const QUICK_SERVICE_S: f64 = 0.2;
/// Quick forms have at most so many tasks for each slot.
const QUICK_CYCLES: f64 = 5.0;
/// Tasks of quick forms that take no time: at most so many.
const QUICK_NOOPS: usize = 20_000;

impl Scenario {
    /// The same with each point shrunk: a smaller fleet, shorter and fewer tasks, one repeat. The
    /// hub, window and ramp shrink along, so that the knee stays where it was.
    pub fn quick(mut self) -> Self {
        let slots = |point: &PlannedPoint| point.setup.n_slots();
        let most = self.points.iter().map(slots).max().unwrap_or(1) as f64;
        let divisor = (most / QUICK_SLOTS).max(1.0);
        for point in &mut self.points {
            let setup = point.setup.clone().shrunk(divisor);
            let mean_s = setup.workload.service.mean_s;
            // Virtual time costs nothing.
            let factor = match mean_s > 0.0 && self.clock == Clock::Real {
                true => (QUICK_SERVICE_S / mean_s).min(1.0),
                false => 1.0,
            };
            let mut setup = setup.scaled(factor);
            let wanted = setup.n_tasks(mean_s * factor);
            let most = match mean_s > 0.0 {
                true => (QUICK_CYCLES * setup.n_slots() as f64) as usize,
                false => QUICK_NOOPS,
            };
            let workload = &mut setup.workload;
            workload.pixels = match workload.zoom.take().map(ZoomSetup::coarser) {
                Some(zoom) => {
                    workload.zoom = Some(zoom);
                    None
                }
                None => Some(wanted.min(most)),
            };
            workload.waves.clear();
            workload.variations = 1;
            workload.cycles = None;
            workload.duration_s = None;
            point.setup = setup;
            point.repeats = 1;
        }
        self.is_quick = true;
        let tasks = match self.clock {
            Clock::Real => format!("tasks of about {QUICK_SERVICE_S} s"),
            Clock::Virtual => "fewer tasks".to_owned(),
        };
        let fleets = match divisor > 1.0 {
            true => format!(
                "fleets divided by {divisor:.1} (hub time, window and ramp along with them, so the knee stays where \
                 it was relative to the fleet)"
            ),
            false => "fleets as they are".to_owned(),
        };
        self.remarks.push(format!(
            "Quick form: {fleets}, {tasks}, at most {QUICK_CYCLES} a slot, one repeat. Its figures show that it works, \
             not how well."
        ));
        let has_zoom = |point: &PlannedPoint| point.setup.workload.zoom.is_some();
        if self.points.iter().any(has_zoom) {
            self.remarks.push(
                "Its zoom scan has fewer rounds, of wider pixels, and as many tasks as these come to."
                    .to_owned(),
            );
        }
        self
    }
}
