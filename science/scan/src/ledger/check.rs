//! Whether the books balance: each pixel of the wave is in exactly one place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Ledger;
use crate::Point;

impl Ledger {
    /// Checks that every pixel of the wave has its outcome, waits in no task, waits to go out again, or
    /// is out in tasks of which each has a deadline, and is nothing else beside. Takes as long as the
    /// wave is large: for tests and debug assertions.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, now: Duration) -> Result<(), String> {
        let mut waiting: BTreeSet<Point> = self.pending.iter().map(|(pixel, _)| *pixel).collect();
        let n_again = self.repeats.n_pixels();
        waiting.extend(self.repeats.pixels());
        if waiting.len() != self.pending.len() + n_again {
            return Err("a pixel waits twice".to_owned());
        }
        let mut out: BTreeMap<Point, Vec<u64>> = BTreeMap::new();
        for (id, task) in &self.out {
            let pixels = task.pixels.iter().map(|(pixel, _)| *pixel);
            let open: Vec<Point> = pixels.filter(|pixel| self.is_open(task, *pixel)).collect();
            if open.is_empty() {
                return Err(format!("task {id} is out for nothing"));
            }
            if task.handed_out > now {
                return Err(format!("task {id} was handed out in the future"));
            }
            if self.losing.contains_key(id) {
                return Err(format!("task {id} counts and has lost"));
            }
            for pixel in open {
                out.entry(pixel).or_default().push(*id);
            }
        }
        if let Some(pixel) = out.keys().find(|pixel| waiting.contains(pixel)) {
            return Err(format!("{pixel:?} is out and waits"));
        }
        for (pixel, tasks) in &out {
            let shared = self.copies.is_open(*pixel);
            let mut holders = self.copies.holders(*pixel).to_vec();
            holders.sort_unstable();
            if (shared && holders != *tasks) || (!shared && tasks.len() > 1) {
                return Err(format!(
                    "{pixel:?} is in {tasks:?}, said to be in {holders:?}"
                ));
            }
            // Whoever is overdue can be copied, or has a copy that can be.
            let can_be_copied = |id: &u64| self.out.get(id).is_some_and(|task| !task.is_copied);
            if !tasks.iter().any(can_be_copied) {
                return Err(format!("{pixel:?} can get no copy any more"));
            }
        }
        let orphans = self.copies.all().filter(|(_, holders)| holders.is_empty());
        for (pixel, _) in orphans {
            if !self.repeats.pixels().any(|waits| waits == pixel) {
                return Err(format!("{pixel:?} is nowhere"));
            }
        }
        if self.copies.n_open() != self.copies.all().count() {
            return Err("open pixels are counted wrong".to_owned());
        }
        let n_placed = waiting.len() + out.len() + self.n_settled;
        if n_placed != self.n_wave {
            return Err(format!(
                "{n_placed} of {} pixels are somewhere",
                self.n_wave
            ));
        }
        Ok(())
    }
}
