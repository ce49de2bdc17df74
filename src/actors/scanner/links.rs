//! The links that are up, as a Scanner sees them.

use std::collections::{HashMap, HashSet};

use skyscan_transport::{LinkId, WorkerId};

/// What a link can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkShare {
    pub(super) worker: WorkerId,
    pub(super) slots: usize,
    pub(super) credit: usize,
}

/// The links that are up, and what they can take together: asked for with every result, so it is counted as workers
/// come, go, are left out and count again.
#[derive(Debug, Default)]
pub(super) struct Links {
    shares: HashMap<LinkId, LinkShare>,
    /// Of all links of each worker.
    by_worker: HashMap<WorkerId, Takes>,
    /// Workers that do not count, whether they have a link or not.
    left_out: HashSet<WorkerId>,
    all: Takes,
    /// Slots of the workers that count, and their credit. Where none counts the credit is that of all: only who gets
    /// tasks can show that it is well again.
    pub(super) n_slots: usize,
    pub(super) credit: usize,
    counted: Takes,
}

/// What links can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Takes {
    n_links: usize,
    slots: usize,
    credit: usize,
}

impl Takes {
    fn add(&mut self, other: Self) {
        self.n_links += other.n_links;
        self.slots += other.slots;
        self.credit += other.credit;
    }

    fn take_off(&mut self, other: Self) {
        self.n_links -= other.n_links;
        self.slots -= other.slots;
        self.credit -= other.credit;
    }
}

impl LinkShare {
    fn takes(self) -> Takes {
        Takes {
            n_links: 1,
            slots: self.slots,
            credit: self.credit,
        }
    }
}

impl Links {
    /// Returns the worker that had this link before.
    pub(super) fn insert(&mut self, link: LinkId, share: LinkShare) -> Option<WorkerId> {
        let before = self.remove(link);
        self.shares.insert(link, share);
        self.by_worker
            .entry(share.worker)
            .or_default()
            .add(share.takes());
        self.all.add(share.takes());
        if !self.left_out.contains(&share.worker) {
            self.counted.add(share.takes());
        }
        self.sum_up();
        before
    }

    /// Returns whose it was.
    pub(super) fn remove(&mut self, link: LinkId) -> Option<WorkerId> {
        let share = self.shares.remove(&link)?;
        if let Some(takes) = self.by_worker.get_mut(&share.worker) {
            takes.take_off(share.takes());
            if takes.n_links == 0 {
                self.by_worker.remove(&share.worker);
            }
        }
        self.all.take_off(share.takes());
        if !self.left_out.contains(&share.worker) {
            self.counted.take_off(share.takes());
        }
        self.sum_up();
        Some(share.worker)
    }

    /// A worker does not count from now on, or counts again.
    pub(super) fn leave_out(&mut self, worker: WorkerId, is_left_out: bool) {
        let takes = self.by_worker.get(&worker).copied().unwrap_or_default();
        let has_changed = match is_left_out {
            true => self.left_out.insert(worker),
            false => self.left_out.remove(&worker),
        };
        match (has_changed, is_left_out) {
            (false, _) => return,
            (true, true) => self.counted.take_off(takes),
            (true, false) => self.counted.add(takes),
        }
        self.sum_up();
    }

    fn sum_up(&mut self) {
        self.n_slots = self.counted.slots;
        self.credit = match self.counted.credit {
            0 => self.all.credit,
            credit => credit,
        };
    }

    pub(super) fn len(&self) -> usize {
        self.shares.len()
    }

    /// Slots of all workers, also of those that do not count.
    pub(super) fn all_slots(&self) -> usize {
        self.all.slots
    }

    /// Whose link it is and what it can take, while it is up.
    pub(super) fn share(&self, link: LinkId) -> Option<LinkShare> {
        self.shares.get(&link).copied()
    }

    /// Whether somebody is there who takes tasks and is none of these.
    pub(super) fn is_anyone_but(&self, avoid: &[WorkerId]) -> bool {
        let mut shares = self.shares.values();
        avoid.is_empty() || shares.any(|share| share.credit > 0 && !avoid.contains(&share.worker))
    }

    /// A link by name, with its worker, for those who look for what is wrong.
    pub(super) fn name(&self, link: LinkId) -> String {
        match self.shares.get(&link) {
            Some(share) => format!("link {:x} of worker {}", link.0, share.worker),
            None => format!("link {:x}, which is down", link.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_put_aside_does_not_count_unless_there_is_nobody_else() {
        let (one, other) = (WorkerId([1; 16]), WorkerId([2; 16]));
        let share = |worker, credit| LinkShare {
            worker,
            slots: credit / 2,
            credit,
        };
        let mut links = Links::default();
        links.insert(LinkId(1), share(one, 4));
        links.insert(LinkId(2), share(other, 6));
        links.leave_out(one, true);
        links.leave_out(one, true);
        assert_eq!((links.n_slots, links.credit), (3, 6));
        links.leave_out(other, true);
        assert_eq!((links.n_slots, links.credit), (0, 10));
        assert_eq!(links.all_slots(), 5);
        links.leave_out(one, false);
        links.leave_out(other, false);
        assert_eq!((links.n_slots, links.credit), (5, 10));
    }

    #[test]
    fn who_is_left_out_stays_so_whatever_its_links_do() {
        let (one, other) = (WorkerId([1; 16]), WorkerId([2; 16]));
        let share = |worker| LinkShare {
            worker,
            slots: 1,
            credit: 2,
        };
        let mut links = Links::default();
        links.leave_out(one, true);
        for link in [1, 2, 2] {
            links.insert(LinkId(link), share(one));
        }
        links.insert(LinkId(3), share(other));
        assert_eq!((links.n_slots, links.credit, links.all_slots()), (1, 2, 3));
        assert_eq!(links.remove(LinkId(2)), Some(one));
        links.leave_out(one, false);
        assert_eq!((links.n_slots, links.credit, links.len()), (2, 4, 2));
        assert_eq!(links.remove(LinkId(2)), None);
        assert_eq!(links.insert(LinkId(1), share(other)), Some(one));
        links.leave_out(one, true);
        assert_eq!((links.n_slots, links.credit), (2, 4));
    }
}
