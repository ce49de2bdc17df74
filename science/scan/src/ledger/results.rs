//! What becomes of a result: pixels get their outcomes, go out again, or fail for good.
//!
//! A failure belongs to its worker until another one has failed at the same pixel: it is counted, and
//! the pixel goes out again, away from that worker. A lost lease is no failure, however many there are.
//!
//! Decision: A failure belongs to its worker until others confirm it (`docs/decisions.md`).

use std::collections::BTreeSet;
use std::time::Duration;

use super::repeats::Repeat;
use super::troubles::Verdict;
use super::{Ledger, Losing, OutTask};
use crate::Point;
use crate::protocol::{Report, WorkerId};
use skyscan_reco::PixelRequest;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// What a worker says of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Who says it.
    pub worker: WorkerId,
    /// Which attempt it was: one more than how often the task was lost before.
    pub attempt: u32,
    /// How long it kept a slot busy.
    pub seconds: f64,
    /// What it says.
    pub report: Report,
}

/// What a result told of pixels, whatever became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// How long its task was out, unless another one came first.
    pub was_out: Option<Duration>,
    /// Pixels that got their outcomes by it.
    pub settled: Vec<Point>,
    /// Pixels at which its worker failed, and how; others may still fit them.
    pub failures: Vec<(Point, String)>,
}

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It entered the map, or what of it was not known did.
    Accepted {
        /// Pixels that were fitted.
        n_fitted: u64,
        /// Pixels that failed for good.
        n_failed: u64,
    },
    /// The worker failed at all of it, or what it says does not fit the task.
    Failed {
        /// Pixels that failed for good by that.
        n_failed: u64,
    },
    /// It was lost too often and came back unbegun.
    NotBegun {
        /// Pixels that failed for good by that.
        n_failed: u64,
    },
    /// Its worker cannot serve the scan: others get it.
    NotServed {
        /// Pixels that failed for good, since they were lost too often before.
        n_failed: u64,
    },
    /// It came ahead of its round and was kept aside, or came ahead of one that did not ask for it.
    Ahead,
    /// It was known already.
    Duplicate,
    /// It belongs to no task of this scan, and was thrown away.
    Unplanned,
}

/// A pixel of a task that has come to an end without an outcome for it.
struct Open {
    pixel: Point,
    request: PixelRequest,
    verdict: Verdict,
}

impl Ledger {
    /// Takes what a worker says of a task.
    pub fn accept(&mut self, id: u64, answer: Answer, now: Duration) -> Acceptance {
        self.news.was_out = None;
        self.news.settled.clear();
        self.news.failures.clear();
        if id >= self.next_id || id < self.first_id {
            return Acceptance::Unplanned;
        }
        self.stuck.ended(id);
        if let Some(task) = self.ahead.out.remove(&id) {
            return self.accept_ahead((id, task), answer, now);
        }
        let Some(task) = self.out.remove(&id) else {
            let losing = self.losing.remove(&id);
            self.standings.ended(id);
            if losing.is_some_and(|losing| losing.was_ahead) {
                self.counts.lost += u64::from(answer.attempt.saturating_sub(1));
                return Acceptance::Ahead;
            }
            self.counts.duplicate += 1;
            return Acceptance::Duplicate;
        };
        let was_out = now.saturating_sub(task.handed_out);
        self.news.was_out = Some(was_out);
        let n_lost = answer.attempt.saturating_sub(1);
        self.counts.lost += u64::from(n_lost);
        let by = (answer.worker, id);
        let n_pixels = task.pixels.len();
        let acceptance = match answer.report {
            Report::Outcomes(outcomes) if outcomes.len() == n_pixels => {
                self.measured(n_pixels, answer.seconds, was_out);
                self.stuck.returned(id);
                self.troubles.done(answer.attempt);
                self.enter(by, task, outcomes, now)
            }
            Report::Outcomes(outcomes) => {
                let reason = format!("{} fits for {n_pixels} pixels", outcomes.len());
                self.fail(by, task, &reason, now)
            }
            Report::Failed(reason) => self.fail(by, task, &reason, now),
            // It was lost once at least: what was lost within a relay's zone, and leased again there, is no attempt
            // of the lease above.
            Report::NotBegun => Acceptance::NotBegun {
                n_failed: self.give_back(id, task, n_lost.max(1), now),
            },
            Report::NotServed { reason, was_lost } => {
                let n_lost = n_lost.max(u32::from(was_lost));
                self.turn_down(by, task, n_lost, &reason, now)
            }
        };
        self.standings.ended(id);
        debug_assert_eq!(self.check(now), Ok(()));
        acceptance
    }

    /// Takes in what a task of this wave took its worker, and how long it was out.
    pub(super) fn measured(&mut self, n_pixels: usize, seconds: f64, was_out: Duration) {
        if seconds.is_finite() && seconds > 0.0 {
            self.busy_seconds += seconds;
            self.wave_seconds += seconds;
            self.wave_measured += n_pixels as u64;
            self.stragglers.measured(seconds, n_pixels, was_out);
        }
    }

    /// Enters the outcomes of a task, one for each of its pixels.
    fn enter(
        &mut self,
        by: (WorkerId, u64),
        task: OutTask,
        outcomes: Vec<PixelOutcome>,
        now: Duration,
    ) -> Acceptance {
        let (worker, id) = by;
        let outcomes: Vec<Result<PixelFit, String>> =
            outcomes.into_iter().map(only_finite).collect();
        let is_plain = outcomes.iter().all(Result::is_ok) && !self.copies.has(task.origin);
        if is_plain {
            // As most tasks of most scans: nobody else ever had them.
            self.counts.accepted += 1;
        } else {
            self.take_in(&task);
        }
        let (mut n_fitted, mut n_closed, mut failures) = (0, 0, Vec::new());
        let mut others = BTreeSet::new();
        for ((pixel, request), outcome) in task.pixels.into_iter().zip(outcomes) {
            if !is_plain && !self.copies.is_open(pixel) {
                continue;
            }
            match outcome {
                Ok(fit) => {
                    self.prove_wrong(pixel, worker, now);
                    others.extend(self.copies.settle(pixel));
                    self.outcomes.insert(pixel, PixelOutcome::Fitted(fit));
                    self.news.settled.push(pixel);
                    n_fitted += 1;
                    n_closed += 1;
                }
                Err(reason) => failures.push(Open {
                    verdict: self.failure(pixel, by, reason),
                    pixel,
                    request,
                }),
            }
        }
        if n_fitted > 0 {
            self.standings.did(worker, now);
        }
        if !failures.is_empty() {
            self.counts.failed += 1;
            self.standings.failed(worker, id, now);
        }
        self.n_fitted += n_fitted;
        let n_failed = self.close(
            id,
            task.origin,
            failures,
            n_closed,
            now,
            &mut others,
            |repeat| vec![repeat],
        );
        match n_fitted + n_failed {
            0 => Acceptance::Failed { n_failed },
            _ => Acceptance::Accepted { n_fitted, n_failed },
        }
    }

    /// A task failed as a whole. If it has one pixel, that has failed; one of several may have brought
    /// down the others, so they are tried one by one.
    fn fail(
        &mut self,
        by: (WorkerId, u64),
        task: OutTask,
        reason: &str,
        now: Duration,
    ) -> Acceptance {
        let (worker, id) = by;
        self.counts.failed += 1;
        self.standings.failed(worker, id, now);
        self.take_in(&task);
        let is_single = task.pixels.len() == 1;
        let mut open = Vec::new();
        for (pixel, request) in task.pixels {
            if !self.copies.is_open(pixel) {
                continue;
            }
            let verdict = match is_single {
                true => self.failure(pixel, by, reason.to_owned()),
                false => {
                    self.news.failures.push((pixel, reason.to_owned()));
                    self.troubles.suspect(pixel, by, reason);
                    Verdict::Open
                }
            };
            open.push(Open {
                pixel,
                request,
                verdict,
            });
        }
        let mut others = BTreeSet::new();
        let n_failed = self.close(id, task.origin, open, 0, now, &mut others, one_by_one);
        Acceptance::Failed { n_failed }
    }

    /// A task whose pixels may have to go out again is from now on looked at pixel by pixel.
    pub(super) fn take_in(&mut self, task: &OutTask) {
        if !self.copies.has(task.origin) {
            let pixels = task.pixels.iter().map(|(pixel, _)| *pixel);
            self.copies.begin(task.origin, pixels);
        }
    }

    fn failure(&mut self, pixel: Point, by: (WorkerId, u64), reason: String) -> Verdict {
        self.news.failures.push((pixel, reason.clone()));
        let standings = &self.standings;
        let is_anyone_left = |tried: &[WorkerId]| standings.is_anyone_but(tried);
        self.troubles
            .failed(pixel, by, reason, self.fail_after, is_anyone_left)
    }

    /// A pixel was fitted: it was not at fault where it failed before.
    fn prove_wrong(&mut self, pixel: Point, worker: WorkerId, now: Duration) {
        let Some((suspects, reason)) = self.troubles.over(pixel) else {
            return;
        };
        for (suspect, task) in suspects {
            if suspect != worker {
                self.standings.blame(suspect, task, &reason, now);
            }
        }
    }

    /// Ends a task with what of it has failed: for good, or to go out again unless somebody else is out
    /// with it. Returns how many pixels failed for good.
    #[expect(clippy::too_many_arguments, reason = "the parts of one step")]
    fn close(
        &mut self,
        id: u64,
        origin: u64,
        open: Vec<Open>,
        n_closed: usize,
        now: Duration,
        others: &mut BTreeSet<u64>,
        cut: impl Fn(Repeat) -> Vec<Repeat>,
    ) -> u64 {
        let mut n_failed = 0;
        let mut again = Vec::new();
        for failed in open {
            match failed.verdict {
                Verdict::Failed(reason) => {
                    others.extend(self.fail_for_good(failed.pixel, reason));
                    n_failed += 1;
                }
                Verdict::Open if self.is_left_by_all(failed.pixel, id) => {
                    again.push((failed.pixel, failed.request));
                }
                Verdict::Open => {}
            }
        }
        if !again.is_empty() {
            let repeat = Repeat {
                origin,
                generation: 0,
                avoid: self
                    .troubles
                    .failed_at(again.iter().map(|(pixel, _)| *pixel)),
                pixels: again,
            };
            for repeat in cut(repeat) {
                self.go_out_again(repeat, now);
            }
        }
        let others = std::mem::take(others);
        self.settled(id, origin, n_closed + n_failed as usize, others, now);
        n_failed
    }

    /// At once if somebody is there who has not failed at it, or if nobody else can come.
    fn go_out_again(&mut self, repeat: Repeat, now: Duration) {
        let pixels = || repeat.pixels.iter().map(|(pixel, _)| *pixel);
        let n_failures = self.troubles.n_failures(pixels());
        let pause = self.patience * n_failures;
        match pause.is_zero() || self.standings.is_anyone_but(&repeat.avoid) {
            true => self.repeats.soon(repeat),
            false => self.repeats.later(now + pause, repeat),
        }
    }

    /// Returns the tasks that are out with the pixel in vain now.
    pub(super) fn fail_for_good(&mut self, pixel: Point, reason: String) -> Vec<u64> {
        self.troubles.over(pixel);
        self.last_failure.clone_from(&reason);
        self.n_failed += 1;
        self.outcomes.insert(pixel, PixelOutcome::Failed(reason));
        self.news.settled.push(pixel);
        self.copies.settle(pixel)
    }

    /// A task came to nothing for this pixel. Returns whether nobody else is out with it, so that it has to go out
    /// again; those who are may be copied again.
    pub(super) fn is_left_by_all(&mut self, pixel: Point, id: u64) -> bool {
        let is_left = self.copies.abandon(pixel, id);
        for holder in self.copies.holders(pixel) {
            if let Some(task) = self.out.get_mut(holder) {
                task.is_copied = false;
            }
        }
        is_left
    }

    /// So many pixels of a task have their outcomes now; whoever has nothing else open loses.
    pub(super) fn settled(
        &mut self,
        id: u64,
        origin: u64,
        n_closed: usize,
        others: BTreeSet<u64>,
        now: Duration,
    ) {
        self.n_settled += n_closed;
        if n_closed > 0 {
            self.went_on(now);
        }
        self.counts.accepted += u64::from(self.copies.close(origin, n_closed));
        for other in others {
            let has_open = |task: &OutTask| {
                let mut pixels = task.pixels.iter();
                pixels.any(|(pixel, _)| self.copies.is_open(*pixel))
            };
            if other == id || self.out.get(&other).is_none_or(has_open) {
                continue;
            }
            if let Some(task) = self.out.remove(&other) {
                let losing = Losing {
                    handed_out: task.handed_out,
                    n_pixels: task.pixels.len(),
                    generation: task.generation,
                    was_ahead: false,
                };
                self.losing.insert(other, losing);
            }
        }
    }
}

/// Cuts what is to go out again into single pixels.
fn one_by_one(repeat: Repeat) -> Vec<Repeat> {
    let Repeat {
        origin,
        generation,
        pixels,
        avoid,
    } = repeat;
    let single = |pixel| Repeat {
        origin,
        generation,
        pixels: vec![pixel],
        avoid: avoid.clone(),
    };
    pixels.into_iter().map(single).collect()
}

/// A fit that is not a number is a failure, whatever the worker says.
pub(super) fn only_finite(outcome: PixelOutcome) -> Result<PixelFit, String> {
    match outcome {
        PixelOutcome::Fitted(fit) if fit.llh.is_finite() => Ok(fit),
        PixelOutcome::Fitted(fit) => Err(format!("llh is {}", fit.llh)),
        PixelOutcome::Failed(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests;
