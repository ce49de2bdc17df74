//! The links that are up, as a Scanner sees them.

use std::collections::HashMap;

use skyscan_transport::{LinkId, WorkerId};

/// Links that are named where something is wrong.
const MOST_NAMED: usize = 5;

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

    /// Some of them by name, with their workers, for those who look for what is wrong.
    pub(super) fn named(&self) -> String {
        let mut named: Vec<String> = (self.shares.iter().take(MOST_NAMED))
            .map(|(LinkId(link), share)| format!("{link:x} of {}", share.worker))
            .collect();
        if self.shares.len() > MOST_NAMED {
            named.push(format!("{} more", self.shares.len() - MOST_NAMED));
        }
        named.join(", ")
    }

    /// Leaves out those who are put aside, as many as there are.
    pub(super) fn recount(&mut self, n_aside: usize, is_aside: impl Fn(WorkerId) -> bool) {
        if n_aside == 0 && self.n_aside == 0 {
            return;
        }
        self.n_aside = n_aside;
        let shares = self.shares.values().filter(|share| !is_aside(share.worker));
        (self.n_slots, self.credit) = shares.fold((0, 0), |(n_slots, credit), share| {
            (n_slots + share.slots, credit + share.credit)
        });
    }
}
