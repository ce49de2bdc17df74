//! What is put into a journal, and what is heard of it.

use std::sync::Arc;

use skyscan_transport::SettledBatch;
use tokio::sync::oneshot;

use super::JournalError;
use skyscan_scan::Point;
use skyscan_scan::protocol::{Hello, WorkerId};
use skyscan_sky::Nside;
use skyscan_sky::map::PixelOutcome;

/// A pixel that was accepted, and whom it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelRow {
    /// Which one.
    pub point: Point,
    /// What became of it.
    pub outcome: PixelOutcome,
    /// The task that it came with.
    pub task: u64,
    /// Which attempt at that it was, counted from 1.
    pub attempt: u32,
    /// Who did it.
    pub worker: WorkerId,
    /// Its share of the time that the task took.
    pub seconds: f64,
}

/// A result that brought no pixel its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// The task.
    pub task: u64,
    /// Which attempt it was, counted from 1.
    pub attempt: u32,
    /// Who did it.
    pub worker: WorkerId,
    /// How long it took.
    pub seconds: f64,
    /// `failed`, `not begun`, `not served`, `duplicate` or `unplanned`.
    pub became: &'static str,
}

/// A worker failed at a pixel, which others may still fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureRow {
    /// The pixel.
    pub point: Point,
    /// With which task.
    pub task: u64,
    /// Who.
    pub worker: WorkerId,
    /// How.
    pub reason: String,
}

/// What a batch of results brought, and the receipts that wait for it to be durable.
#[derive(Debug)]
pub struct Results {
    /// Pixels that got their outcomes.
    pub pixels: Vec<PixelRow>,
    /// Results that brought none.
    pub attempts: Vec<AttemptRow>,
    /// Failures at pixels.
    pub failures: Vec<FailureRow>,
    /// Confirmed once all of this is on the disk; absent for results that were kept aside, which are confirmed already.
    pub receipt: Option<SettledBatch>,
}

impl Results {
    /// Nothing yet, for the batch that is told of then.
    pub fn new(receipt: Option<SettledBatch>) -> Self {
        Self {
            pixels: Vec::new(),
            attempts: Vec::new(),
            failures: Vec::new(),
            receipt,
        }
    }

    /// How many rows that is.
    pub fn n_rows(&self) -> usize {
        self.pixels.len() + self.attempts.len() + self.failures.len()
    }
}

/// Something that is put into a journal.
#[derive(Debug)]
pub enum Note {
    /// A wave began: so many pixels of this resolution.
    Wave(Nside, usize),
    /// A worker came, and said this of itself.
    Worker(WorkerId, Option<Hello>),
    /// Results came.
    Results(Results),
    /// The Scanner ends, for this reason; nothing follows.
    End {
        /// Whether the plan was fulfilled.
        is_finished: bool,
        /// In a word or two.
        why: String,
        /// Told when it is on the disk, or that it never will be.
        done: oneshot::Sender<Result<(), Arc<JournalError>>>,
    },
}

/// What a Scanner hears of its journal.
#[derive(Clone, Debug)]
pub enum News {
    /// The disk takes nothing, or there is much to be written: nothing is to be handed out.
    Paused,
    /// It goes on.
    GoesOn,
    /// It never takes anything again.
    Ended(Arc<JournalError>),
}
