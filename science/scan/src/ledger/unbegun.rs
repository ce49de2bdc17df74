//! Tasks that come back unbegun: they were lost too often, or their worker cannot serve the scan.

use std::collections::BTreeSet;
use std::time::Duration;

use super::repeats::Repeat;
use super::troubles::Verdict;
use super::{Acceptance, Ledger, OutTask};
use crate::protocol::WorkerId;

impl Ledger {
    /// A worker cannot serve the scan: nothing is held against the pixels, and it is put aside. To know of it is not
    /// always to keep tasks from it: a relay lets its zone choose who does what.
    pub(super) fn turn_down(
        &mut self,
        by: (WorkerId, u64),
        task: OutTask,
        n_lost: u32,
        reason: &str,
        now: Duration,
    ) -> Acceptance {
        let (worker, id) = by;
        let is_news = self.standings.turned_down(worker, id, reason, now);
        if n_lost > 0 {
            let n_failed = self.give_back(id, task, n_lost, now);
            return Acceptance::NotServed { n_failed };
        }
        self.take_in(&task);
        let mut again = Vec::new();
        for (pixel, request) in task.pixels {
            if self.copies.is_open(pixel) && self.is_left_by_all(pixel, id) {
                again.push((pixel, request));
            }
        }
        if !again.is_empty() {
            let pixels = || again.iter().map(|(pixel, _)| *pixel);
            let pause = self.troubles.turned_down(pixels());
            let repeat = Repeat {
                origin: task.origin,
                generation: task.generation,
                avoid: self.troubles.failed_at(pixels()),
                pixels: again,
            };
            match is_news && self.standings.is_anyone_but(&[worker]) {
                true => self.repeats.soon(repeat),
                // Who was to be spared it got it all the same, or nobody else is there.
                false => self.repeats.later(now + pause, repeat),
            }
        }
        self.settled(id, task.origin, 0, BTreeSet::new(), now);
        Acceptance::NotServed { n_failed: 0 }
    }

    /// A task came back unbegun, and was lost with its worker so often. Its pixels go out alone, and
    /// after all others, since one of them may have killed the workers. Returns how many failed for good.
    pub(super) fn give_back(&mut self, id: u64, task: OutTask, n_lost: u32, now: Duration) -> u64 {
        self.take_in(&task);
        let (mut n_closed, mut n_failed) = (0, 0);
        let mut others = BTreeSet::new();
        for (pixel, request) in task.pixels {
            if !self.copies.is_open(pixel) {
                continue;
            }
            match self.troubles.lost(pixel, n_lost) {
                Verdict::Failed(reason) => {
                    others.extend(self.fail_for_good(pixel, reason));
                    n_closed += 1;
                    n_failed += 1;
                }
                Verdict::Open if self.is_left_by_all(pixel, id) => self.repeats.last(Repeat {
                    origin: task.origin,
                    generation: task.generation,
                    avoid: self.troubles.failed_at([pixel]),
                    pixels: vec![(pixel, request)],
                }),
                Verdict::Open => {}
            }
        }
        self.settled(id, task.origin, n_closed, others, now);
        n_failed
    }
}
