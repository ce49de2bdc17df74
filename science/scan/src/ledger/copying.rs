//! How a ledger copies the tasks that hold up a wave, and what it does when nothing comes at all.
//!
//! Decision: A wave ends without the copies that lost (`docs/decisions.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ledger, OutTask, Task};
use crate::Point;
use crate::stragglers::{CopyOrder, CopyReason, Situation, Suspect};
use skyscan_reco::PixelRequest;

/// So long after the deadline of what is out it is told that nothing comes.
const STALL: Duration = Duration::from_secs(60);
/// It is told less and less often, down to once in so many times that long.
const MOST_DOUBLINGS: u32 = 6;
/// Pixels that are named then.
const MOST_NAMED: usize = 5;

/// Nothing comes any more, though there is something to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// For how long.
    pub since: Duration,
    /// Some of the pixels that are waited for, each with the tasks that are out with it: none for those
    /// that are yet to go out.
    pub pixels: Vec<(Point, Vec<u64>)>,
    /// How many there are.
    pub n_open: usize,
    /// All tasks that are out with any of them.
    pub tasks: Vec<u64>,
    /// Slots that should be idle.
    pub n_idle: usize,
}

impl Ledger {
    /// When to look for stragglers again; never if nothing is done about them.
    pub fn look_again_after(&self) -> Option<Duration> {
        self.stragglers.look_again_after()
    }

    /// Looks for tasks that hold up the wave; returns copies of them to be handed out, and why. The
    /// slots are those of so many workers.
    pub fn copy_stragglers(
        &mut self,
        n_workers: usize,
        n_slots: usize,
        now: Duration,
    ) -> Vec<(Task, CopyReason)> {
        // Of a fleet that has just begun there is much to look at and nothing to see.
        let first = self.out.values().next();
        let longest = first.map_or(Duration::ZERO, |task| now.saturating_sub(task.handed_out));
        let is_early = (self.stragglers.deadlines()).is_none_or(|d| d.are_far(longest));
        if is_early && !self.stragglers.knows_times() {
            return Vec::new();
        }
        self.note_stuck(now);
        let n_copies = (self.out.iter())
            .filter(|(id, task)| task.generation > 0 && !self.stuck.is_stuck(**id))
            .count();
        let situation = Situation {
            n_slots,
            n_idle: n_slots.saturating_sub(self.n_busy() + self.n_ahead()),
            n_out: self.out.len(),
            n_copies,
            is_one_worker: n_workers < 2,
            is_all_out: self.pending.is_empty(),
        };
        let suspects = self.suspects(|task| !task.is_copied);
        let orders = self.stragglers.orders(now, &suspects, situation);
        let copies = orders.into_iter().flat_map(|order| {
            let pieces = self.copy(order, now);
            pieces.into_iter().map(move |piece| (piece, order.reason))
        });
        let copies = copies.collect();
        debug_assert_eq!(self.check(now), Ok(()));
        copies
    }

    /// The last resort: if no pixel got its outcome for far too long, says so, and hands out again what
    /// is open, as far as slots should be idle. Whatever let that happen, the scan goes on.
    pub fn stalled(&mut self, n_slots: usize, now: Duration) -> Option<(Stall, Vec<Task>)> {
        if self.without_progress(now) < STALL {
            return None;
        }
        let deadlines = self.stragglers.deadlines()?;
        let allowed_s = |task: &OutTask| deadlines.allowed_s(task.pixels.len(), task.generation);
        let shortest_s = deadlines.allowed_s(1, 0);
        let allowed_s = self.out.values().map(allowed_s).fold(shortest_s, f64::max);
        let patience =
            STALL + Duration::try_from_secs_f64(allowed_s).unwrap_or(Duration::MAX / 128);
        let since = self.without_progress(now);
        // 1, 3, 7 ... times that long: once, then after twice as long, and so on.
        let n_told = self.n_stalls.min(MOST_DOUBLINGS);
        let beyond = self.n_stalls - n_told;
        let due = ((2u32 << n_told) - 1).saturating_add(beyond.saturating_mul(2 << MOST_DOUBLINGS));
        if since < patience.saturating_mul(due) {
            return None;
        }
        self.n_stalls += 1;
        self.note_stuck(now);
        // Whatever is past its deadline by now is stuck, though nothing came that could overtake it.
        let is_at_work = |handed_out: Duration, n_pixels, generation| {
            let age_s = now.saturating_sub(handed_out).as_secs_f64();
            age_s <= deadlines.allowed_s(n_pixels, generation)
        };
        let n_at_work = (self.out.values())
            .filter(|task| is_at_work(task.handed_out, task.pixels.len(), task.generation))
            .count();
        let n_idle = n_slots.saturating_sub(n_at_work);
        let mut pixels: BTreeMap<Point, Vec<u64>> = BTreeMap::new();
        for (id, task) in &self.out {
            let of_task = task.pixels.iter().map(|(pixel, _)| *pixel);
            for pixel in of_task.filter(|pixel| self.is_open(task, *pixel)) {
                pixels.entry(pixel).or_default().push(*id);
            }
        }
        let pending = self.pending.iter().map(|(pixel, _)| *pixel);
        for pixel in pending.chain(self.repeats.pixels()) {
            pixels.entry(pixel).or_default();
        }
        let stall = Stall {
            since,
            pixels: pixels.into_iter().take(MOST_NAMED).collect(),
            n_open: self.n_wave - self.n_settled,
            tasks: self.out.keys().copied().collect(),
            n_idle,
        };
        let again = self.suspects(|_| true).into_iter().take(n_idle);
        let again = again.flat_map(|suspect| {
            let order = CopyOrder {
                id: suspect.id,
                n_pieces: 1,
                reason: CopyReason::Stalled,
            };
            self.copy(order, now)
        });
        let again = again.collect();
        Some((stall, again))
    }

    /// Tasks that may be at work: those that are stuck hold no slot in our books, and do not keep others
    /// from going out. A task that has lost and does not come back is as bad as one that nobody answers.
    pub(super) fn n_busy(&self) -> usize {
        let n_losing = self.n_losing();
        let n_out = self.out.len() - self.stuck.n_out().min(self.out.len());
        n_out + n_losing - self.stuck.n_losing().min(n_losing)
    }

    fn note_stuck(&mut self, now: Duration) {
        let Some(deadlines) = self.stragglers.deadlines() else {
            return;
        };
        let is_overdue = |handed_out: Duration, n_pixels, generation| {
            let age_s = now.saturating_sub(handed_out).as_secs_f64();
            age_s > deadlines.allowed_s(n_pixels, generation)
        };
        let out = self.out.iter().filter(|(id, task)| {
            self.stuck.is_overtaken(**id)
                && is_overdue(task.handed_out, task.pixels.len(), task.generation)
        });
        let out = out.map(|(id, _)| *id).collect();
        // These were overtaken by their own copies.
        let losing = self.losing.iter().filter(|(_, losing)| {
            is_overdue(losing.handed_out, losing.n_pixels, losing.generation)
        });
        let losing = losing.map(|(id, _)| *id).collect();
        self.stuck.note(out, losing);
    }

    fn suspects(&self, may_be_copied: impl Fn(&OutTask) -> bool) -> Vec<Suspect> {
        let suspects = self.out.iter().filter(|(_, task)| may_be_copied(task));
        let suspects = suspects.map(|(&id, task)| Suspect {
            id,
            handed_out: task.handed_out,
            n_pixels: task.pixels.len(),
            n_open: self.n_open(task),
            generation: task.generation,
        });
        suspects.collect()
    }

    pub(super) fn is_open(&self, task: &OutTask, pixel: Point) -> bool {
        !self.copies.has(task.origin) || self.copies.is_open(pixel)
    }

    fn n_open(&self, task: &OutTask) -> usize {
        match self.copies.has(task.origin) {
            true => {
                let is_open = |(pixel, _): &&(Point, PixelRequest)| self.copies.is_open(*pixel);
                task.pixels.iter().filter(is_open).count()
            }
            false => task.pixels.len(),
        }
    }

    fn copy(&mut self, order: CopyOrder, now: Duration) -> Vec<Task> {
        let Some(task) = self.out.get_mut(&order.id) else {
            return Vec::new();
        };
        task.is_copied = true;
        let (origin, generation) = (task.origin, task.generation + 1);
        if !self.copies.has(origin) {
            let pixels = task.pixels.iter().map(|(pixel, _)| *pixel);
            self.copies.begin(origin, pixels);
        }
        let mut open = task.pixels.clone();
        open.retain(|(pixel, _)| self.copies.is_open(*pixel));
        let piece_pixels = open.len().div_ceil(order.n_pieces.max(1)).max(1);
        let pieces = open.chunks(piece_pixels).map(|piece| {
            self.counts.speculated += 1;
            let pixels = || piece.iter().map(|(pixel, _)| *pixel);
            let in_vain = match order.reason {
                CopyReason::Late | CopyReason::Overdue => self.copies.holders_of(pixels()),
                // Nothing is wrong with who has it, or anyone will do.
                CopyReason::Wide | CopyReason::Stalled => Vec::new(),
            };
            self.copies.add(self.next_id, pixels());
            let avoid = match order.reason {
                CopyReason::Late | CopyReason::Wide | CopyReason::Overdue => {
                    self.troubles.failed_at(pixels())
                }
                // The one worker that is left to try may be the one that hangs: now anyone will do.
                CopyReason::Stalled => {
                    pixels().for_each(|pixel| self.troubles.waited_in_vain(pixel));
                    Vec::new()
                }
            };
            let task = OutTask {
                pixels: piece.to_vec(),
                handed_out: now,
                origin,
                generation,
                is_copied: false,
            };
            let task = self.send(task, avoid);
            Task { in_vain, ..task }
        });
        pieces.collect()
    }
}

#[cfg(test)]
mod tests;
