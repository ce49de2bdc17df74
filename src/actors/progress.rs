//! What a running scan tells those who watch it.

use std::sync::Arc;

use crate::scan::TaskCounts;
use crate::sky::map::{PixelFit, SkyMap};
use crate::sky::{Equatorial, Nside};

/// The state of a running scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Rounds begun so far, coarse to fine.
    pub rounds: Vec<RoundProgress>,
    /// Tasks so far.
    pub tasks: TaskCounts,
    /// Tasks that are out, or about to be.
    pub n_out: usize,
    /// Pixels of the running wave that are in no task yet. With none, what is out is the tail.
    pub n_waiting: usize,
    /// Slots of the workers that are there.
    pub n_slots: usize,
    /// Best direction of the complete waves.
    pub best: Option<(Equatorial, PixelFit)>,
    /// The map of the complete waves, where somebody keeps one.
    pub map: Option<Arc<SkyMap>>,
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundProgress {
    /// Its resolution.
    pub nside: Nside,
    /// Pixels with an outcome.
    pub n_done: u64,
    /// Pixels asked for so far; a round may grow.
    pub n_planned: u64,
}
