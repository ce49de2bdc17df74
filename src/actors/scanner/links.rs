//! The links that are up, as a Scanner sees them.

use std::collections::HashMap;

use skyscan_transport::LinkId;

/// What a link can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkShare {
    pub(super) slots: usize,
    pub(super) credit: usize,
}

/// The links that are up, and what they can take together: asked for with every result.
#[derive(Debug, Default)]
pub(super) struct Links {
    shares: HashMap<LinkId, LinkShare>,
    pub(super) n_slots: usize,
    pub(super) credit: usize,
}

impl Links {
    pub(super) fn insert(&mut self, link: LinkId, share: LinkShare) {
        self.remove(link);
        self.n_slots += share.slots;
        self.credit += share.credit;
        self.shares.insert(link, share);
    }

    pub(super) fn remove(&mut self, link: LinkId) {
        if let Some(share) = self.shares.remove(&link) {
            self.n_slots -= share.slots;
            self.credit -= share.credit;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shares.len()
    }
}
