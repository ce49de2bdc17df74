//! What a Scanner does with results.

use std::collections::BTreeMap;

use actix::Context;
use skyscan_transport::{Conclusion, Outcome, SettledBatch, TaskId};
use tokio::time::Instant;

use super::rows::Rows;
use super::{Ending, Phase, Scanner};
use crate::actors::progress::RoundName;
use crate::journal::Note;
use crate::protocol::{Report, ResultBody};
use crate::scan::ledger::News;
use crate::scan::{Acceptance, Answer};

impl Scanner {
    /// Enters results into the ledger, then confirms them.
    pub(super) fn collect(&mut self, batch: SettledBatch, context: &mut Context<Self>) {
        let begun = Instant::now();
        let mut n_pixels: BTreeMap<RoundName, u64> = BTreeMap::new();
        // Whatever comes after the end is none of the scan's any more.
        let mut rows = self.keeping.is_on().then(Rows::default);
        for outcome in batch.outcomes() {
            self.enter(outcome, &mut n_pixels, rows.as_mut());
        }
        match rows {
            Some(rows) => self.keeping.put(|| Note::Results(rows.with(Some(batch)))),
            None => self.keeping.confirm(batch),
        }
        self.meters.collected(begun);
        self.note_put_aside();
        self.progress.send_modify(|progress| {
            for round in &mut progress.rounds {
                round.n_done += n_pixels.get(&round.name).copied().unwrap_or(0);
            }
        });
        if self.phase != Phase::Scanning {
            return self.report();
        }
        if let Some(reason) = self.ledger.hopeless() {
            let ending = Ending::Hopeless(reason.to_owned());
            self.report();
            return self.conclude(ending, context);
        }
        match self.ledger.is_wave_done() {
            true => self.end_wave(context),
            false => self.hand_out(context),
        }
    }

    fn enter(
        &mut self,
        outcome: &Outcome,
        n_done: &mut BTreeMap<RoundName, u64>,
        rows: Option<&mut Rows>,
    ) {
        let TaskId(id) = outcome.task;
        self.hung.stirs(outcome.worker);
        let answer = |seconds, report| Answer {
            worker: outcome.worker,
            attempt: outcome.attempt,
            seconds,
            report,
        };
        // What cannot be read is as good as a failure: the task is settled, and must go out again.
        let answer = match &outcome.conclusion {
            Conclusion::Completed(result) => match ResultBody::decode(result) {
                Ok(result) => answer(result.seconds, result.report),
                Err(error) => {
                    tracing::debug!(task = id, %error, "a result is not understood");
                    self.meters.invalid();
                    answer(0.0, Report::failed(&error.to_string()))
                }
            },
            Conclusion::Rejected(reason) => {
                self.meters.rejected();
                answer(0.0, Report::failed(reason))
            }
        };
        if let Report::Failed(reason) = &answer.report {
            tracing::debug!(task = id, worker = %answer.worker, reason, "a worker failed at a task");
        }
        let (seconds, attempt) = (answer.seconds, answer.attempt);
        let accepted = self.ledger.accept(id, answer, self.begun.elapsed());
        self.meters.result(accepted, attempt);
        let News {
            was_out, settled, ..
        } = self.ledger.news();
        self.meters.task_back(*was_out);
        let first = settled.first().copied();
        if let Some(rows) = rows {
            let ledger = &self.ledger;
            let outcome_of = |point| ledger.outcome(point).cloned();
            rows.add(outcome, seconds, accepted, ledger.news(), outcome_of);
        }
        let (n_fitted, n_failed) = match accepted {
            Acceptance::Accepted { n_fitted, n_failed } => (n_fitted, n_failed),
            Acceptance::Failed { n_failed }
            | Acceptance::NotBegun { n_failed }
            | Acceptance::NotServed { n_failed } => (0, n_failed),
            Acceptance::Ahead | Acceptance::Duplicate | Acceptance::Unplanned => return,
        };
        if let Some(first) = first {
            self.meters
                .pixels(first.pixel.nside, n_fitted, n_failed, seconds);
            *n_done.entry(first.into()).or_default() += n_fitted + n_failed;
        }
    }

    /// Tells who was put aside; each of them once.
    fn note_put_aside(&mut self) {
        for put_aside in self.ledger.take_put_aside() {
            tracing::warn!(
                worker = %put_aside.worker,
                reason = put_aside.reason,
                "a worker fails at what others can do, or cannot serve this scan: it gets no tasks for a while"
            );
            self.meters.put_aside();
            self.put_aside.push(put_aside);
        }
        self.recount();
    }

    /// Slots of workers that are put aside or hang do not count.
    pub(super) fn recount(&mut self) {
        let moved = self.ledger.take_moved().into_iter();
        for worker in moved.chain(self.hung.take_moved()) {
            let is_left_out = self.ledger.is_aside(worker) || self.hung.is_hung(worker);
            self.links.leave_out(worker, is_left_out);
        }
    }
}
