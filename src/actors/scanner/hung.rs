//! Workers that hold as many tasks in vain as they have slots: none of their slots can be free, so they
//! get nothing more until they answer. Hung programs are such, and whoever takes what it can get.
//!
//! Behind a relay it may be the wrong one: a hub knows by which link a task went there, and not who of the zone has it.
//! So a Scanner forgets all of this when nothing comes any more.

use std::collections::{BTreeSet, HashMap};

use skyscan_transport::WorkerId;

/// Who holds what nothing has come of, as the hub told when copies were made of it.
#[derive(Debug, Default)]
pub(super) struct Hung {
    held: HashMap<WorkerId, BTreeSet<u64>>,
    hung: BTreeSet<WorkerId>,
}

impl Hung {
    /// A worker of so many slots holds a task in vain. Returns whether that was its last slot.
    pub(super) fn holds(&mut self, worker: WorkerId, task: u64, n_slots: usize) -> bool {
        let held = self.held.entry(worker).or_default();
        held.insert(task);
        held.len() >= n_slots.max(1) && self.hung.insert(worker)
    }

    /// A worker answered, or left: what it held is no sign any more.
    pub(super) fn stirs(&mut self, worker: WorkerId) {
        if self.held.remove(&worker).is_some() {
            self.hung.remove(&worker);
        }
    }

    /// Whether all slots of a worker hang.
    pub(super) fn is_hung(&self, worker: WorkerId) -> bool {
        self.hung.contains(&worker)
    }

    /// How many workers hang.
    pub(super) fn len(&self) -> usize {
        self.hung.len()
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
        assert!(!hung.holds(one, 7, 2));
        assert!(!hung.holds(one, 7, 2), "the same task in the same slot");
        assert!(!hung.holds(other, 8, 2));
        assert!(hung.holds(one, 9, 2));
        assert!(!hung.holds(one, 10, 2), "it is told once");
        assert_eq!((hung.is_hung(one), hung.is_hung(other)), (true, false));
        assert!(hung.workers().eq([one]));
        hung.stirs(one);
        assert_eq!(hung.len(), 0);
        assert!(!hung.holds(one, 11, 2));
    }
}
