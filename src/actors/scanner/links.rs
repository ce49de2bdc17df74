//! The links that are up, as a Scanner sees them.

use std::collections::HashMap;

use skyscan_transport::{LinkId, WorkerId};

/// What a link can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkShare {
    pub(super) worker: WorkerId,
    pub(super) slots: usize,
    pub(super) credit: usize,
}

/// The links that are up, and what they can take together: asked for with every result.
#[derive(Debug, Default)]
pub(super) struct Links {
    shares: HashMap<LinkId, LinkShare>,
    /// Slots and credit of the workers that are not put aside.
    pub(super) n_slots: usize,
    pub(super) credit: usize,
    /// How many were put aside when these were counted; with any, they have to be counted again.
    n_aside: usize,
}

impl Links {
    /// Returns the worker that had this link before.
    pub(super) fn insert(&mut self, link: LinkId, share: LinkShare) -> Option<WorkerId> {
        let before = self.remove(link);
        self.n_slots += share.slots;
        self.credit += share.credit;
        self.shares.insert(link, share);
        before
    }

    /// Returns whose it was.
    pub(super) fn remove(&mut self, link: LinkId) -> Option<WorkerId> {
        let share = self.shares.remove(&link)?;
        // Those of a worker that is put aside were not counted; it is counted again then.
        self.n_slots = self.n_slots.saturating_sub(share.slots);
        self.credit = self.credit.saturating_sub(share.credit);
        Some(share.worker)
    }

    pub(super) fn len(&self) -> usize {
        self.shares.len()
    }

    /// Slots of all workers, also of those that do not count.
    pub(super) fn all_slots(&self) -> usize {
        self.shares.values().map(|share| share.slots).sum()
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

    /// Leaves out those who are put aside, as many as there are. Where these are all, what they can take counts:
    /// only who gets tasks can show that it is well again.
    pub(super) fn recount(&mut self, n_aside: usize, is_aside: impl Fn(WorkerId) -> bool) {
        if n_aside == 0 && self.n_aside == 0 {
            return;
        }
        self.n_aside = n_aside;
        let shares = self.shares.values().filter(|share| !is_aside(share.worker));
        (self.n_slots, self.credit) = shares.fold((0, 0), |(n_slots, credit), share| {
            (n_slots + share.slots, credit + share.credit)
        });
        if self.credit == 0 {
            self.credit = self.shares.values().map(|share| share.credit).sum();
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
        links.recount(1, |worker| worker == one);
        assert_eq!((links.n_slots, links.credit), (3, 6));
        links.recount(2, |_| true);
        assert_eq!((links.n_slots, links.credit), (0, 10));
        assert_eq!(links.all_slots(), 5);
        links.recount(0, |_| false);
        assert_eq!((links.n_slots, links.credit), (5, 10));
    }
}
