//! The links of this process: their credit, and what waits for it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use skyscan_transport::{Lease, LinkConfig, LinkId, Priority, ScanId, backend::LinkQueue};
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
    /// Hubs that know it, and that it knows of, with how urgent they are.
    pub(super) up: BTreeMap<ScanId, Priority>,
    /// Hubs of another protocol major that it was told of.
    pub(super) refused: HashSet<Scan>,
    /// Tasks for which no credit is left, for other hubs' tasks hold it, or are to find room (C16).
    pub(super) waiting: Waitlist,
    held: BTreeMap<ScanId, usize>,
}

impl LinkState {
    pub(crate) fn new(config: LinkConfig, queue: Arc<LinkQueue>) -> Self {
        Self {
            config,
            queue,
            draining: false,
            up: BTreeMap::new(),
            refused: HashSet::new(),
            waiting: Waitlist::default(),
            held: BTreeMap::new(),
        }
    }

    /// Whether its owner may have one more lease of this hub at once. Each hub counts on its own: what
    /// one has leased beyond the credit stands for leases of its own that have run out.
    pub(super) fn fits(&self, scan: ScanId, priority: Priority) -> bool {
        let is_one_more = self.n_held(scan) < usize::from(self.config.credit);
        let n_more = usize::from(is_one_more);
        !self.waiting.any_from(priority) && self.room(priority) >= n_more
    }

    /// How many leases of hubs of this priority its owner may have beside those that it has. While a
    /// hub of a higher one is up, those of lower ones get half of the credit at most (C16).
    fn room(&self, priority: Priority) -> usize {
        let credit = usize::from(self.config.credit);
        let highest = self.up.values().max().copied().unwrap_or_default();
        let (mut n_live, mut n_lower) = (0, 0);
        for (scan, &n_held) in &self.held {
            let n_of_hub = n_held.min(credit).saturating_sub(self.waiting.n_of(*scan));
            n_live += n_of_hub;
            if self.up.get(scan).is_some_and(|other| *other < highest) {
                n_lower += n_of_hub;
            }
        }
        let room = credit.saturating_sub(n_live);
        match priority < highest {
            true => room.min(credit.div_ceil(2).saturating_sub(n_lower)),
            false => room,
        }
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

    /// Takes a waiting task for which there is credit now, the most urgent one.
    pub(super) fn next_waiting(&mut self) -> Option<Waiting> {
        let mut priorities = self.waiting.priorities().rev();
        let priority = priorities.find(|&priority| self.room(priority) > 0)?;
        drop(priorities);
        self.waiting.pop(priority)
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
            let is_stale = |first: &Waiting| now - first.since > patience(first.scan.id);
            stale.extend(link.waiting.take_first_while(is_stale));
        }
        stale
    }
}
