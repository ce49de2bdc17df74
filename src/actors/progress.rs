//! What a running scan tells those who watch it.

use crate::scan::TaskCounts;
use crate::sky::map::PixelFit;
use crate::sky::{Equatorial, Nside};

/// The state of a running scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Rounds begun so far, coarse to fine.
    pub rounds: Vec<RoundProgress>,
    /// Tasks so far.
    pub tasks: TaskCounts,
    /// Slots of the workers that are there.
    pub n_slots: usize,
    /// Best direction of the complete waves.
    pub best: Option<(Equatorial, PixelFit)>,
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
