//! Tasks that go out before their round: what the next one will probably ask for, for slots that the end of the
//! running one leaves idle.
//!
//! A request depends on coarser rounds only. What is foreseen where all around is known will be asked for in the
//! very same words, or not at all, so results may come first: they are kept aside. When its round begins, a task of
//! which it asks for everything becomes one of its own, done or not; the others are thrown away.
//!
//! Decision: Idle slots work ahead (`docs/decisions.md`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::results::{Answer, only_finite};
use super::{Acceptance, Ledger, Losing, OutTask, Task};
use crate::Point;
use crate::protocol::{Report, WorkerId};
use skyscan_reco::PixelRequest;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Nothing is foreseen before this share of a wave has its outcomes: too much would be likely.
const KNOWN_BEFORE: f64 = 0.5;
/// It is foreseen again once this share of what was open has its outcomes.
const KNOWN_BETWEEN: f64 = 1.0 / 16.0;
/// So many of the slots stay idle, for copies of what holds up the wave.
const SHARE_FOR_COPIES: f64 = 0.05;

/// A pixel, and what is asked of it.
pub type Asked = (Point, PixelRequest);

/// A result that came before its round and that this asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Adopted {
    /// Its task.
    pub task: u64,
    /// Who did it.
    pub worker: WorkerId,
    /// At which attempt.
    pub attempt: u32,
    /// How long it kept a slot busy.
    pub seconds: f64,
    /// What it is of.
    pub points: Vec<Point>,
}

/// A task that is done, and not asked for yet.
#[derive(Debug)]
struct Done {
    task: OutTask,
    fits: Vec<PixelFit>,
    was_out: Duration,
    worker: WorkerId,
    attempt: u32,
    seconds: f64,
}

/// What is foreseen, and what was made of it.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// In no task yet; each of these is asked for as a whole, or not at all.
    waiting: VecDeque<Vec<Asked>>,
    /// Of what was in a task already.
    taken: BTreeSet<Point>,
    pub(super) out: BTreeMap<u64, OutTask>,
    done: BTreeMap<u64, Done>,
    /// Once so many pixels of the running wave have their outcomes it is foreseen again.
    next_look: usize,
}

impl Ahead {
    /// So many pixels are asked for.
    pub(super) fn begin_wave(&mut self, n_pixels: usize) {
        self.waiting.clear();
        self.next_look = (KNOWN_BEFORE * n_pixels as f64).ceil() as usize;
    }

    fn n_waiting(&self) -> usize {
        self.waiting.iter().map(Vec::len).sum()
    }

    /// Takes so many of what is foreseen, or fewer; never of two that may have different fates.
    fn take(&mut self, n_pixels: usize) -> Option<Vec<Asked>> {
        let first = self.waiting.front_mut()?;
        let rest = first.split_off(n_pixels.clamp(1, first.len()));
        let taken = std::mem::replace(first, rest);
        if first.is_empty() {
            self.waiting.pop_front();
        }
        self.taken.extend(taken.iter().map(|(point, _)| *point));
        Some(taken)
    }

    /// The first pixel of what was made, if anything was. All of it is of one round.
    fn first(&self) -> Option<Point> {
        let done = self.done.values().map(|done| &done.task);
        let task = self.out.values().chain(done).next()?;
        task.pixels.first().map(|(point, _)| *point)
    }

    /// Parts what was made into what a wave asks for and what it does not, and forgets all of it.
    fn part(&mut self, wave: &BTreeMap<Point, &PixelRequest>) -> Parted {
        let is_asked = |task: &OutTask| {
            let mut pixels = task.pixels.iter();
            pixels.all(|(point, request)| wave.get(point) == Some(&request))
        };
        self.taken.clear();
        let (out, unasked) = std::mem::take(&mut self.out)
            .into_iter()
            .partition(|(_, task)| is_asked(task));
        let mut done = std::mem::take(&mut self.done);
        done.retain(|_, done| is_asked(&done.task));
        Parted { out, unasked, done }
    }
}

struct Parted {
    out: BTreeMap<u64, OutTask>,
    unasked: BTreeMap<u64, OutTask>,
    done: BTreeMap<u64, Done>,
}

impl Ledger {
    /// Whether it is worth to foresee anew what the next round asks for: slots are idle, and more is known.
    pub fn wants_foresight(&self, n_slots: usize) -> bool {
        self.ahead.waiting.is_empty()
            && self.n_settled >= self.ahead.next_look
            && self.n_free(n_slots) > 0
    }

    /// What the next round will probably ask for, the most likely first, if this is still that wave. Each of these
    /// is asked for as a whole, or not at all. `None`: nothing comes of this wave that could be foreseen.
    pub fn foresee(&mut self, n_wave: u64, likely: Option<Vec<Vec<Asked>>>) {
        if n_wave != self.n_waves {
            return;
        }
        let Some(likely) = likely else {
            self.ahead.next_look = usize::MAX;
            return;
        };
        let step = KNOWN_BETWEEN * (self.n_wave - self.n_settled) as f64;
        let ahead = &mut self.ahead;
        ahead.next_look = self.n_settled + step.ceil() as usize;
        let is_new = |(point, _): &Asked| !ahead.taken.contains(point);
        let likely = likely.into_iter().map(|mut asked| {
            asked.retain(is_new);
            asked
        });
        ahead.waiting = likely.filter(|asked| !asked.is_empty()).collect();
    }

    /// Cuts a task from what is foreseen, if slots are idle.
    pub fn cut_ahead(&mut self, n_slots: usize, now: Duration) -> Option<Task> {
        let n_free = self.n_free(n_slots);
        if n_free == 0 {
            return None;
        }
        let share = self.ahead.n_waiting().div_ceil(n_free);
        let pixels = self.ahead.take(self.pixels_by_cost().min(share))?;
        self.counts.ahead += 1;
        let out = OutTask::cut(self.next_id, pixels, now);
        let task = self.number(&out, Vec::new());
        self.ahead.out.insert(task.id, out);
        // Lost once it is given back: it may be what takes its workers, and nobody has asked for it.
        let most_attempts = Some(1);
        Some(Task {
            most_attempts,
            ..task
        })
    }

    /// Tasks that are out ahead of their round.
    pub fn n_ahead(&self) -> usize {
        self.ahead.out.len()
    }

    /// Whether a task is out ahead of its round.
    pub fn is_ahead(&self, id: u64) -> bool {
        self.ahead.out.contains_key(&id)
    }

    /// Slots that nothing of the running wave can be in, nor a copy that it may need yet.
    fn n_free(&self, n_slots: usize) -> usize {
        if !self.works_ahead || !self.pending.is_empty() || self.is_wave_done() {
            return 0;
        }
        let n_kept = (SHARE_FOR_COPIES * n_slots as f64).ceil() as usize;
        n_slots.saturating_sub(self.n_busy() + self.ahead.out.len() + n_kept)
    }

    /// Takes what a worker says of a task that is out ahead of its round. Of a failure nothing is held against the
    /// pixels: whether it counts is for the round to find out.
    pub(super) fn accept_ahead(
        &mut self,
        (id, task): (u64, OutTask),
        answer: Answer,
        now: Duration,
    ) -> Acceptance {
        let was_out = now.saturating_sub(task.handed_out);
        self.news.was_out = Some(was_out);
        self.counts.lost += u64::from(answer.attempt.saturating_sub(1));
        let fits = match answer.report {
            Report::Outcomes(outcomes) if outcomes.len() == task.pixels.len() => {
                let fits = outcomes.into_iter().map(only_finite);
                fits.collect::<Result<Vec<PixelFit>, String>>().ok()
            }
            _ => None,
        };
        match fits {
            Some(fits) => {
                self.standings.did(answer.worker, now);
                let done = Done {
                    was_out,
                    task,
                    fits,
                    worker: answer.worker,
                    attempt: answer.attempt,
                    seconds: answer.seconds,
                };
                self.ahead.done.insert(id, done);
            }
            None => self.standings.failed(answer.worker, id, now),
        }
        self.standings.ended(id);
        Acceptance::Ahead
    }

    /// A wave begins: takes over what it asks for of what was done ahead, or is out, and leaves the rest of it.
    /// Returns what is done. Of a wave by which the running round grows nothing is known yet.
    pub(super) fn adopt(&mut self, wave: &mut Vec<Asked>) -> Vec<Adopted> {
        let (Some(made), Some((asked, _))) = (self.ahead.first(), wave.first()) else {
            self.ahead.taken.clear();
            return Vec::new();
        };
        if asked.systematic == 0 && asked.pixel.nside < made.pixel.nside {
            return Vec::new();
        }
        let asked = wave.iter().map(|(point, request)| (*point, request));
        let Parted { out, unasked, done } = self.ahead.part(&asked.collect());
        let n_adopted = (out.len() + done.len()) as u64;
        self.counts.planned += n_adopted;
        self.counts.asked_for += n_adopted;
        for (id, task) in unasked {
            let losing = Losing {
                handed_out: task.handed_out,
                n_pixels: task.pixels.len(),
                generation: 0,
                was_ahead: true,
            };
            self.losing.insert(id, losing);
        }
        let out_or_done = out.values().chain(done.values().map(|done| &done.task));
        let adopted: BTreeSet<Point> = (out_or_done.flat_map(|task| &task.pixels))
            .map(|(point, _)| *point)
            .collect();
        if !adopted.is_empty() {
            wave.retain(|(point, _)| !adopted.contains(point));
        }
        self.out.extend(out);
        let done = done.into_iter().map(|(id, done)| self.enter_done(id, done));
        done.collect()
    }

    /// The round asks for what is done.
    fn enter_done(&mut self, id: u64, done: Done) -> Adopted {
        let Done { task, fits, .. } = done;
        self.counts.accepted += 1;
        self.measured(fits.len(), done.seconds, done.was_out);
        self.n_fitted += fits.len() as u64;
        self.n_settled += fits.len();
        let points: Vec<Point> = task.pixels.into_iter().map(|(point, _)| point).collect();
        let outcomes = fits.into_iter().map(PixelOutcome::Fitted);
        self.outcomes.extend(points.iter().copied().zip(outcomes));
        Adopted {
            task: id,
            worker: done.worker,
            attempt: done.attempt,
            seconds: done.seconds,
            points,
        }
    }
}

#[cfg(test)]
mod tests;
