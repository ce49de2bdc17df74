//! What those who watch a replay are told.

use crate::scenario::results::Run;
use crate::scenario::setup::file::PlannedPoint;

/// What those who watch a replay are told.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A run begins.
    Begins {
        /// Number of the run's point, from 0.
        number: usize,
        /// Points of the scenario.
        n_points: usize,
        /// Number of the repeat, from 0.
        repeat: usize,
        /// The point.
        planned: &'a PlannedPoint,
    },
    /// The run goes on; this comes many times a second.
    Goes {
        /// Tasks with a result.
        n_settled: usize,
        /// Tasks altogether.
        n_tasks: usize,
        /// Tasks that are out.
        n_out: usize,
        /// Slots of the workers that are there.
        n_slots: usize,
    },
    /// The run has ended.
    Ends(&'a Run),
    /// It could not be run.
    Fails(&'a anyhow::Error),
}
