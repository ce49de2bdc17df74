//! The links of this process: their credit, and what waits for it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use skyscan_transport::{Lease, LinkConfig, LinkId, ScanId, backend::LinkQueue};
use tokio::time::{Duration, Instant};

use super::waitlist::{Waiting, Waitlist};
use crate::wire::Scan;

#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<LinkId, LinkState>);

#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) config: LinkConfig,
    pub(crate) queue: Arc<LinkQueue>,
    pub(crate) draining: bool,
    /// Hubs that know it, and that it knows of.
    pub(super) up: BTreeSet<ScanId>,
    /// Hubs of another protocol major that it was told of.
    pub(super) refused: HashSet<Scan>,
    /// Tasks for which no credit is left, for other hubs' tasks hold it.
    pub(super) waiting: Waitlist,
    held: BTreeMap<ScanId, usize>,
}

impl LinkState {
    pub(crate) fn new(config: LinkConfig, queue: Arc<LinkQueue>) -> Self {
        Self {
            config,
            queue,
            draining: false,
            up: BTreeSet::new(),
            refused: HashSet::new(),
            waiting: Waitlist::default(),
            held: BTreeMap::new(),
        }
    }

    /// Whether one more lease of this hub fits into the credit. Each hub counts on its own: what
    /// one has leased beyond the credit stands for leases of its own that have run out.
    pub(super) fn fits(&self, scan: ScanId) -> bool {
        let credit = usize::from(self.config.credit);
        let count = |(&id, &n_held): (&ScanId, &usize)| match id == scan {
            true => (n_held + 1).min(credit),
            false => n_held.min(credit),
        };
        let others: usize = self.held.iter().map(count).sum();
        let first = usize::from(!self.held.contains_key(&scan));
        others + first <= credit
    }

    /// How many leases of this hub it holds.
    pub(super) fn n_held(&self, scan: ScanId) -> usize {
        self.held.get(&scan).copied().unwrap_or_default()
    }

    pub(super) fn hold(&mut self, scan: ScanId) {
        *self.held.entry(scan).or_default() += 1;
    }

    pub(super) fn let_go(&mut self, scan: ScanId) {
        if let Some(n_held) = self.held.get_mut(&scan) {
            *n_held = n_held.saturating_sub(1);
            if *n_held == 0 {
                self.held.remove(&scan);
            }
        }
    }

    /// A hub has gone with its leases.
    pub(super) fn forget(&mut self, scan: ScanId) {
        self.held.remove(&scan);
        self.waiting.forget(scan);
    }

    /// Takes a waiting task for which there is credit now.
    pub(super) fn next_waiting(&mut self) -> Option<Waiting> {
        let credit = usize::from(self.config.credit);
        let n_held: usize = self.held.values().map(|&n_held| n_held.min(credit)).sum();
        let n_live = n_held.saturating_sub(self.waiting.len());
        match n_live < credit {
            true => self.waiting.pop(),
            false => None,
        }
    }
}

impl Links {
    pub(crate) fn insert(&mut self, id: LinkId, link: LinkState) {
        self.0.insert(id, link);
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&LinkState> {
        self.0.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut LinkState> {
        self.0.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<LinkState> {
        self.0.remove(&id)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &LinkState> {
        self.0.values()
    }

    pub(super) fn ids(&self) -> Vec<LinkId> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn n_links(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn total_credit(&self) -> usize {
        let credit = |link: &LinkState| usize::from(link.config.credit);
        self.0.values().map(credit).sum()
    }

    /// Hands leases to a link's owner, emptying the vector.
    pub(super) fn push_leases(&self, link: Option<LinkId>, leases: &mut Vec<Lease>) {
        if leases.is_empty() {
            return;
        }
        let leases = std::mem::take(leases);
        // Without a link they are dropped, hence released.
        if let Some(link) = link.and_then(|id| self.0.get(&id)) {
            link.queue.push_leases(leases);
        }
    }

    /// Takes the tasks that have waited for too long: another link may have credit for them.
    pub(super) fn stale(
        &mut self,
        now: Instant,
        patience: impl Fn(ScanId) -> Duration,
    ) -> Vec<Waiting> {
        let mut stale = Vec::new();
        for link in self.0.values_mut() {
            while let Some(first) = link.waiting.first()
                && now - first.since > patience(first.scan.id)
            {
                stale.extend(link.waiting.pop());
            }
        }
        stale
    }
}
