//! How a ledger copies the tasks that hold up a wave, and which of the copies lose.
//!
//! Decision: A wave ends without the copies that lost (`docs/decisions.md`).

use std::collections::BTreeSet;
use std::time::Duration;

use super::copies::Shared;
use super::{Ledger, OutTask, Task};
use crate::stragglers::{CopyOrder, CopyReason, Situation, Suspect};
use skyscan_reco::PixelRequest;
use skyscan_sky::Pixel;

impl Ledger {
    /// When to look for stragglers again; never if nothing is done about them.
    pub fn look_again_after(&self) -> Option<Duration> {
        self.stragglers.look_again_after()
    }

    /// Looks for tasks that hold up the wave; returns copies of them to be handed out, and why.
    pub fn copy_stragglers(&mut self, n_slots: usize, now: Duration) -> Vec<(Task, CopyReason)> {
        if !self.stragglers.knows_times() {
            return Vec::new();
        }
        let n_out = self.out.len();
        let situation = Situation {
            n_slots,
            n_idle: n_slots.saturating_sub(n_out + self.n_losing()),
            n_out,
            n_copies: self.out.values().filter(|task| task.generation > 0).count(),
            is_all_out: self.pending.is_empty(),
        };
        let most_copies = self.stragglers.most_copies();
        let may_be_copied =
            |(_, task): &(&u64, &OutTask)| !task.is_copied && task.generation < most_copies;
        let suspect = |(&id, task): (&u64, &OutTask)| Suspect {
            id,
            handed_out: task.handed_out,
            n_pixels: task.pixels.len(),
            n_open: self.n_open(task),
        };
        let suspects: Vec<Suspect> = (self.out.iter())
            .filter(may_be_copied)
            .map(suspect)
            .collect();
        let orders = self.stragglers.orders(now, &suspects, situation);
        let copy = |order: CopyOrder| {
            let pieces = self.copy(order, now);
            pieces.into_iter().map(move |piece| (piece, order.reason))
        };
        orders.into_iter().flat_map(copy).collect()
    }

    fn n_open(&self, task: &OutTask) -> usize {
        match self.copies.has(task.origin) {
            true => {
                let is_open = |(pixel, _): &&(Pixel, PixelRequest)| self.copies.is_open(*pixel);
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
            let pixels = piece.iter().map(|(pixel, _)| *pixel);
            self.copies.add(self.next_id, pixels);
            self.send(OutTask {
                pixels: piece.to_vec(),
                handed_out: now,
                origin,
                generation,
                is_copied: false,
            })
        });
        pieces.collect()
    }

    /// Takes a task that has a result off the list; returns its pixels, `None` for those that were
    /// known. Tasks that have nothing open any more lose.
    pub(super) fn settle(&mut self, id: u64) -> Vec<Option<Pixel>> {
        let Some(task) = self.out.remove(&id) else {
            return Vec::new();
        };
        let pixels = task.pixels.into_iter().map(|(pixel, _)| pixel);
        if !self.copies.has(task.origin) {
            self.counts.accepted += 1;
            return pixels.map(Some).collect();
        }
        let mut others = BTreeSet::new();
        let mut n_closed = 0;
        let settled = pixels.map(|pixel| match self.copies.settle(pixel, id) {
            Shared::Known => None,
            Shared::Open(holders) => {
                n_closed += 1;
                others.extend(holders);
                Some(pixel)
            }
        });
        let settled = settled.collect();
        self.counts.accepted += u64::from(self.copies.close(task.origin, n_closed));
        for other in others {
            let has_open = |task: &OutTask| {
                let mut pixels = task.pixels.iter();
                pixels.any(|(pixel, _)| self.copies.is_open(*pixel))
            };
            if !self.out.get(&other).is_some_and(has_open) {
                self.out.remove(&other);
                self.losing.insert(other);
            }
        }
        settled
    }
}

#[cfg(test)]
mod tests;
