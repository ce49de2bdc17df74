//! Workers that hold as many tasks in vain as they have slots: none of their slots can be free, so they
//! get nothing more until they answer. Hung programs are such, and whoever takes what it can get.
//!
//! Behind a relay it may be the wrong one: a hub knows by which link a task went there, and not who of the zone has it.
//! So a Scanner forgets all of this when nothing comes any more.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use skyscan_transport::WorkerId;

/// Of a fleet that lacks cores thousands come, some every second: they are told together.
const TOLD_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Who holds what nothing has come of, as the hub told when copies were made of it.
#[derive(Debug, Default)]
pub(super) struct Hung {
    held: HashMap<WorkerId, BTreeSet<u64>>,
    hung: BTreeSet<WorkerId>,
    /// Those that hang now and did not, or the other way round.
    moved: Vec<WorkerId>,
    /// Those that were not told of, and when that was done last.
    untold: Vec<WorkerId>,
    told_at: Option<Duration>,
}

impl Hung {
    /// A worker of so many slots holds a task in vain.
    pub(super) fn holds(&mut self, worker: WorkerId, task: u64, n_slots: usize) {
        let held = self.held.entry(worker).or_default();
        held.insert(task);
        if held.len() >= n_slots.max(1) && self.hung.insert(worker) {
            self.untold.push(worker);
            self.moved.push(worker);
        }
    }

    /// Whom to tell of now, if anybody: all slots of these hang, since it was told last.
    pub(super) fn news(&mut self, now: Duration) -> Vec<WorkerId> {
        let is_due = |told_at: Duration| now >= told_at + TOLD_AT_MOST_EVERY;
        if self.untold.is_empty() || !self.told_at.is_none_or(is_due) {
            return Vec::new();
        }
        self.told_at = Some(now);
        std::mem::take(&mut self.untold)
    }

    /// Nobody seems to hang any more.
    pub(super) fn forget(&mut self) {
        self.held.clear();
        self.moved.extend(std::mem::take(&mut self.hung));
        self.untold.clear();
    }

    /// A worker answered, or left: what it held is no sign any more.
    pub(super) fn stirs(&mut self, worker: WorkerId) {
        // As with most results of most scans.
        if self.held.is_empty() {
            return;
        }
        if self.held.remove(&worker).is_some() {
            if self.hung.remove(&worker) {
                self.moved.push(worker);
            }
            self.untold.retain(|untold| *untold != worker);
        }
    }

    /// Whether all slots of a worker hang.
    pub(super) fn is_hung(&self, worker: WorkerId) -> bool {
        self.hung.contains(&worker)
    }

    /// Who hangs since the last call, or does not any more.
    pub(super) fn take_moved(&mut self) -> Vec<WorkerId> {
        std::mem::take(&mut self.moved)
    }

    /// The workers that hang.
    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerId> {
        self.hung.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_hangs_once_all_its_slots_do_and_until_it_answers() {
        let (one, other) = (WorkerId([1; 16]), WorkerId([2; 16]));
        let mut hung = Hung::default();
        hung.holds(one, 7, 2);
        hung.holds(one, 7, 2);
        hung.holds(other, 8, 2);
        assert_eq!(hung.workers().count(), 0, "the same task in the same slot");
        hung.holds(one, 9, 2);
        assert_eq!((hung.is_hung(one), hung.is_hung(other)), (true, false));
        assert!(hung.workers().eq([one]));
        assert_eq!(hung.take_moved(), [one]);
        hung.stirs(one);
        hung.holds(one, 11, 2);
        assert_eq!(hung.workers().count(), 0);
        assert_eq!(hung.take_moved(), [one]);
        hung.stirs(other);
        assert_eq!(hung.take_moved(), []);
    }

    #[test]
    fn the_first_is_told_at_once_and_all_others_of_a_minute_together() {
        let worker = |number| WorkerId([number; 16]);
        let at = Duration::from_secs;
        let mut hung = Hung::default();
        assert_eq!(hung.news(at(1)), []);
        hung.holds(worker(1), 7, 1);
        assert_eq!(hung.news(at(2)), [worker(1)]);
        hung.holds(worker(1), 8, 1);
        hung.holds(worker(2), 9, 1);
        hung.holds(worker(3), 10, 1);
        assert_eq!(hung.news(at(61)), []);
        assert_eq!(hung.news(at(62)), [worker(2), worker(3)]);
        assert_eq!(hung.news(at(200)), []);
        hung.forget();
        hung.holds(worker(3), 11, 1);
        assert_eq!(hung.news(at(200)), [worker(3)]);
    }
}
