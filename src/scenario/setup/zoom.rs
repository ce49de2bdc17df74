//! A workload that is a zoom scan.

use serde::{Deserialize, Serialize};

use super::range::positive;
use crate::scan::{Plan, Strategy};
use crate::sky::Nside;
use crate::sky::region::wilks_level;

/// A scan encloses the region of this containment.
const CONTAINMENT: f64 = 0.9;
/// Quick forms have pixels so many times as wide.
const QUICK_COARSER: u32 = 4;
/// Quick forms have at most so many rounds.
const QUICK_ROUNDS: usize = 2;

/// A zoom scan: the Refiner decides on the pixels, from the likelihood of a smooth landscape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoomSetup {
    /// Its rounds, from coarse to fine.
    pub nside: Vec<u32>,
    /// Standard deviation of the direction, in each of two coordinates.
    pub width_deg: f64,
    /// Whether a round waits for the one before. Without, everything that the Refiner would ask for
    /// lies in one pile from the beginning, which no scan can know: the bound of what barriers cost.
    #[serde(default = "waiting")]
    pub barriers: bool,
}

fn waiting() -> bool {
    true
}

impl ZoomSetup {
    /// What the Refiner is asked to do.
    ///
    /// # Errors
    /// If the rounds make no sense.
    pub(in crate::scenario) fn plan(&self) -> Result<Plan, String> {
        let refused = |reason: String| format!("workload.zoom.nside: {reason}");
        let rounds: Vec<Nside> = (self.nside.iter())
            .map(|&nside| Nside::try_from(nside).map_err(|error| refused(error.to_string())))
            .collect::<Result<_, _>>()?;
        Plan::new(Strategy::Zoom, rounds, wilks_level(CONTAINMENT))
            .map_err(|error| refused(error.to_string()))
    }

    /// Fewer and wider pixels, for the quick form.
    pub(in crate::scenario) fn coarser(mut self) -> Self {
        self.nside.truncate(QUICK_ROUNDS);
        for nside in &mut self.nside {
            *nside = (*nside / QUICK_COARSER).max(1);
        }
        self.nside.dedup();
        self.width_deg *= f64::from(QUICK_COARSER);
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        positive("workload.zoom.width_deg", Some(self.width_deg))?;
        self.plan().map(drop)
    }
}
