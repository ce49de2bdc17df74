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

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::super::{Losing, OutTask};
    use super::*;
    use crate::stragglers::StragglerPolicy;

    const NOW: Duration = Duration::from_secs(5);

    /// Four pixels, of which two are out with task 0, and one, since an hour ago, has its outcome.
    fn kept() -> Ledger {
        let mut ledger = ledger(4, 2, StragglerPolicy::OFF);
        ledger.cut_task(1, NOW).unwrap();
        let settled = ledger.pending.pop_front();
        ledger.n_settled += usize::from(settled.is_some());
        ledger
    }

    fn first_out(ledger: &Ledger) -> Vec<Point> {
        let pixels = ledger.out[&0].pixels.iter();
        pixels.map(|(pixel, _)| *pixel).collect()
    }

    fn told(damage: impl Fn(&mut Ledger)) -> String {
        let mut ledger = kept();
        damage(&mut ledger);
        ledger.check(NOW).expect_err("the books do not balance")
    }

    /// What checks everything else is looked at, too.
    #[test]
    fn whatever_is_wrong_in_the_books_is_told() {
        assert_eq!(kept().check(NOW), Ok(()));
        assert!(kept().check(at(4)).unwrap_err().contains("in the future"));
        let twice = told(|ledger| ledger.pending.push_back(ledger.pending[0].clone()));
        assert!(twice.contains("waits twice"), "{twice}");
        let lacks = told(|ledger| ledger.pending.clear());
        assert!(lacks.contains("3 of 4 pixels"), "{lacks}");
        let both = told(|ledger| {
            let pixel = ledger.out[&0].pixels[0].clone();
            ledger.pending.push_back(pixel);
        });
        assert!(both.contains("is out and waits"), "{both}");
        let lost = told(|ledger| {
            let losing = Losing {
                handed_out: NOW,
                n_pixels: 2,
                generation: 0,
                was_ahead: false,
            };
            ledger.losing.insert(0, losing);
        });
        assert!(lost.contains("counts and has lost"), "{lost}");
        let stuck = told(|ledger| ledger.out.get_mut(&0).unwrap().is_copied = true);
        assert!(stuck.contains("no copy any more"), "{stuck}");
    }

    #[test]
    fn who_has_what_is_told_where_it_is_not_so() {
        let unknown = told(|ledger| {
            let again = OutTask {
                pixels: ledger.out[&0].pixels.clone(),
                handed_out: NOW,
                origin: 1,
                generation: 0,
                is_copied: false,
            };
            ledger.out.insert(1, again);
        });
        assert!(unknown.contains("is in [0, 1], said to be in []"));
        let (out, by_nobody) = (first_out(&kept()), kept().pending[0].0);
        let others = told(|ledger| {
            ledger.copies.begin(0, out.clone());
            ledger.copies.add(9, [out[1]]);
        });
        assert!(others.contains("is in [0], said to be in [0, 9]"));
        let nothing = told(|ledger| {
            ledger.copies.begin(0, out.clone());
            out.iter().for_each(|pixel| {
                ledger.copies.settle(*pixel);
            });
        });
        assert!(nothing.contains("task 0 is out for nothing"), "{nothing}");
        let nowhere = told(|ledger| {
            ledger.copies.begin(7, [by_nobody]);
            ledger.copies.abandon(by_nobody, 7);
        });
        assert!(nowhere.contains("is nowhere"), "{nowhere}");
        let miscounted = told(|ledger| {
            ledger.copies.begin(0, out.clone());
            ledger.copies.close(0, 1);
        });
        assert!(miscounted.contains("counted wrong"), "{miscounted}");
    }
}
