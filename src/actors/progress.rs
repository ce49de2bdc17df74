//! What a running scan tells those who watch it.

use std::sync::Arc;

use crate::scan::{Point, TaskCounts};
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

impl Progress {
    /// Whether the running round has not begun, since nobody is there to begin it.
    pub fn waits_for_workers(&self) -> bool {
        self.n_slots == 0 && self.rounds.last().is_some_and(|round| round.n_done == 0)
    }
}

/// Which round of a scan it is: those of the first scan come before the systematics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundName {
    /// Whether it is the scan repeated under systematics.
    pub is_systematic: bool,
    /// Its resolution.
    pub nside: Nside,
}

impl From<Point> for RoundName {
    fn from(point: Point) -> Self {
        Self {
            is_systematic: point.systematic > 0,
            nside: point.pixel.nside,
        }
    }
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundProgress {
    /// Which one it is.
    pub name: RoundName,
    /// Pixels with an outcome.
    pub n_done: u64,
    /// Pixels asked for so far; a round may grow.
    pub n_planned: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::Pixel;

    #[test]
    fn a_round_waits_until_somebody_is_there_to_begin_it() {
        let round = |n_done| RoundProgress {
            name: Point::from(Pixel::new(Nside::try_from(8).unwrap(), 0).unwrap()).into(),
            n_done,
            n_planned: 768,
        };
        let progress = |n_slots, n_done| Progress {
            rounds: vec![round(n_done)],
            n_slots,
            ..Progress::default()
        };
        assert!(progress(0, 0).waits_for_workers());
        // Who has left after a while has begun it.
        assert!(!progress(0, 5).waits_for_workers() && !progress(2, 0).waits_for_workers());
        assert!(!Progress::default().waits_for_workers());
    }
}
