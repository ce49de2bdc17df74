//! What a process of the fleet is told to do.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::scenario::setup::file::Scenario;
use crate::scenario::setup::{
    Absence, Ballast, Faults, Fleet, Hangs, Preemption, Ramp, ServiceTime, Setup, Stragglers,
};
use crate::scenario::workload::landscape::Landscape;
use crate::transport::Access;

/// What a process of the fleet is asked to do; a scan's tasks are evaluated until it is told to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetOrder {
    /// Where to meet the hub.
    pub url: String,
    /// With what that place is opened.
    #[serde(default)]
    pub access: Access,
    /// Numbers of its workers among those of the whole fleet.
    pub workers: std::ops::Range<usize>,
    /// The whole fleet.
    pub fleet: Fleet,
    /// Share of the fleet in each zone.
    pub zone_shares: Vec<f64>,
    /// Tasks that a worker may hold for each slot.
    pub leases_per_slot: NonZeroU16,
    /// How long a task takes.
    pub service: ServiceTime,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How large messages are made, if they are.
    pub ballast: Option<Ballast>,
    /// Workers are taken away.
    pub preemption: Option<Preemption>,
    /// Zones that vanish, the first one first.
    #[serde(default)]
    pub absences: Vec<Absence>,
    /// Some workers are slow.
    pub stragglers: Option<Stragglers>,
    /// Some tasks hang.
    pub hangs: Option<Hangs>,
    /// What they find, if the Refiner looks at it.
    pub landscape: Option<Landscape>,
    /// Every machine is paid for at least this long.
    pub paid_at_least_s: f64,
}

impl FleetOrder {
    /// The order to be these workers of a point.
    pub fn new(
        setup: &Setup,
        seed: u64,
        (url, access): (String, Access),
        workers: std::ops::Range<usize>,
    ) -> Self {
        Self {
            url,
            access,
            workers,
            fleet: setup.fleet.clone(),
            zone_shares: (setup.network.paths().into_iter())
                .map(|(share, _)| share)
                .collect(),
            leases_per_slot: setup.transport.credit,
            service: setup.workload.service,
            seed,
            ballast: setup.messages.ballast(),
            preemption: setup.faults.preemption,
            absences: setup.network.absences(&setup.faults.outages),
            stragglers: setup.faults.stragglers,
            hangs: setup.faults.hangs,
            landscape: (setup.workload.zoom.as_ref()).map(|zoom| Landscape::of(zoom, seed)),
            paid_at_least_s: setup
                .price
                .map_or(0.0, |price| price.at_least_s * setup.time_scale),
        }
    }

    /// The order to be one worker of a scenario, whichever of its points is being replayed: for a fleet that others
    /// start, and that stays while the hub goes from point to point.
    ///
    /// # Errors
    /// If what that worker does depends on the point.
    pub fn standing(scenario: &Scenario, url: &str, access: Access) -> Result<Self, NotStanding> {
        let first = scenario.points.first().ok_or(NotStanding::NoPoint)?;
        let mut setup = first.setup.clone();
        for point in &scenario.points {
            setup.fleet.workers = point.setup.fleet.workers;
            if setup != point.setup {
                return Err(NotStanding::PointsDiffer);
            }
        }
        let is_repeated = scenario.points.iter().any(|point| point.repeats != 1);
        if is_repeated || setup.faults != Faults::default() || setup.fleet.ramp != Ramp::Step {
            return Err(NotStanding::ChangesInTime);
        }
        Ok(Self::new(
            &setup,
            scenario.seed,
            (url.to_owned(), access),
            0..1,
        ))
    }
}

/// Why one worker cannot do the same for all points of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStanding {
    /// There is nothing to do.
    #[error("it has no points")]
    NoPoint,
    /// More than the size of the fleet changes from point to point.
    #[error(
        "its points differ in more than fleet.workers, and a fleet that stays is told nothing of points"
    )]
    PointsDiffer,
    /// What a worker does depends on when it does it.
    #[error("a fleet that stays knows neither repeats, nor faults, nor a ramp")]
    ChangesInTime,
}
