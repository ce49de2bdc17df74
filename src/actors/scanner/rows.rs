//! What results came to, as rows of a journal.

use skyscan_transport::{Outcome, SettledBatch, TaskId};

use crate::journal::{AttemptRow, FailureRow, PixelRow, Results};
use crate::protocol::WorkerId;
use crate::scan::ledger::News;
use crate::scan::{Acceptance, Adopted, Point};
use crate::sky::map::PixelOutcome;

/// Rows of the results of one batch, until its receipt is at hand.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pixels: Vec<PixelRow>,
    attempts: Vec<AttemptRow>,
    failures: Vec<FailureRow>,
}

impl Rows {
    /// Takes in what a result came to.
    pub(super) fn add(
        &mut self,
        outcome: &Outcome,
        seconds: f64,
        accepted: Acceptance,
        told: &News,
        outcome_of: impl Fn(Point) -> Option<PixelOutcome>,
    ) {
        let (TaskId(task), attempt, worker) = (outcome.task, outcome.attempt, outcome.worker);
        let became = match accepted {
            // It is put in when it is asked for.
            Acceptance::Ahead => return,
            Acceptance::Accepted { .. } => "accepted",
            Acceptance::Failed { .. } => "failed",
            Acceptance::NotBegun { .. } => "not begun",
            Acceptance::NotServed { .. } => "not served",
            Acceptance::Duplicate => "duplicate",
            Acceptance::Unplanned => "unplanned",
        };
        let settled = match accepted {
            Acceptance::Duplicate | Acceptance::Unplanned => &[][..],
            _ => &told.settled,
        };
        if settled.is_empty() {
            self.attempts.push(AttemptRow {
                task,
                attempt,
                worker,
                seconds,
                became,
            });
        }
        self.settled(settled, (task, attempt, worker), seconds, outcome_of);
        let failures = told.failures.iter().map(|(point, reason)| FailureRow {
            point: *point,
            task,
            worker,
            reason: reason.clone(),
        });
        self.failures.extend(failures);
    }

    /// Takes in a result that came before its wave.
    pub(super) fn adopted(
        &mut self,
        adopted: &Adopted,
        outcome_of: impl Fn(Point) -> Option<PixelOutcome>,
    ) {
        let by = (adopted.task, adopted.attempt, adopted.worker);
        self.settled(&adopted.points, by, adopted.seconds, outcome_of);
    }

    fn settled(
        &mut self,
        points: &[Point],
        (task, attempt, worker): (u64, u32, WorkerId),
        seconds: f64,
        outcome_of: impl Fn(Point) -> Option<PixelOutcome>,
    ) {
        let share = seconds / points.len().max(1) as f64;
        self.pixels.extend(points.iter().filter_map(|&point| {
            Some(PixelRow {
                point,
                outcome: outcome_of(point)?,
                task,
                attempt,
                worker,
                seconds: share,
            })
        }));
    }

    pub(super) fn with(self, receipt: Option<SettledBatch>) -> Results {
        Results {
            pixels: self.pixels,
            attempts: self.attempts,
            failures: self.failures,
            receipt,
        }
    }
}
