//! The links above: one for each link of the zone, and one for what is held ready.
//!
//! Decision: A relay opens a link above for each of its zone (`docs/decisions.md`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::stream::AbortHandle;
use skyscan_transport::{DownCause, Link, LinkId, ScanId};
use tokio::time::Instant;

/// Names a link above within its relay; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UplinkId(pub(crate) u64);

/// A link above.
#[derive(Debug)]
pub(crate) struct Uplink {
    pub(crate) link: Arc<dyn Link>,
    /// How many leases it may hold.
    pub(crate) credit: u16,
    /// Ends the reading of its inbox.
    pub(crate) events: AbortHandle,
    /// The link of the zone that it stands for; none for what is held ready.
    below: Option<LinkId>,
    /// The zone's hubs at which that one is up.
    scans: BTreeSet<ScanId>,
    /// How many calls are under way that settle leases of it; it stays until they are answered.
    pub(crate) n_settling: usize,
    leaving: Option<Leaving>,
}

/// The link of the zone has gone; this one follows once its leases are settled, or at that time.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    cause: DownCause,
    until: Instant,
}

/// The links above that are open.
#[derive(Debug, Default)]
pub(crate) struct Uplinks {
    open: BTreeMap<UplinkId, Uplink>,
    by_below: BTreeMap<LinkId, UplinkId>,
    leaving: BTreeSet<UplinkId>,
    next: u64,
}

impl Uplinks {
    /// A name for a link that is about to be opened.
    pub(crate) fn next_id(&mut self) -> UplinkId {
        self.next += 1;
        UplinkId(self.next)
    }

    /// Enters an open link.
    pub(crate) fn insert(
        &mut self,
        id: UplinkId,
        link: Arc<dyn Link>,
        credit: u16,
        events: AbortHandle,
        below: Option<LinkId>,
    ) {
        if let Some(below) = below {
            self.by_below.insert(below, id);
        }
        let uplink = Uplink {
            link,
            credit,
            events,
            below,
            scans: BTreeSet::new(),
            n_settling: 0,
            leaving: None,
        };
        self.open.insert(id, uplink);
    }

    /// A link of the zone is up at one of its hubs; returns false if none stands for it yet.
    pub(crate) fn is_up_at(&mut self, below: LinkId, scan: ScanId) -> bool {
        let id = self.by_below.get(&below);
        let Some(uplink) = id.and_then(|id| self.open.get_mut(id)) else {
            return false;
        };
        uplink.scans.insert(scan);
        true
    }

    /// A link of the zone is down at one of its hubs. When that was the last one, the link above
    /// begins to leave, and is returned.
    pub(crate) fn is_down_at(
        &mut self,
        below: LinkId,
        scan: ScanId,
        cause: DownCause,
        until: Instant,
    ) -> Option<Arc<dyn Link>> {
        let id = *self.by_below.get(&below)?;
        let uplink = self.open.get_mut(&id)?;
        uplink.scans.remove(&scan);
        if !uplink.scans.is_empty() {
            return None;
        }
        self.by_below.remove(&below);
        self.leave(id, cause, until)
    }

    /// A hub of the zone is gone for all of its links; returns those above that begin to leave.
    pub(crate) fn hub_is_down(&mut self, scan: ScanId, until: Instant) -> Vec<Arc<dyn Link>> {
        let concerned: Vec<LinkId> = self.by_below.keys().copied().collect();
        let leave = |below| self.is_down_at(below, scan, DownCause::Closed, until);
        concerned.into_iter().filter_map(leave).collect()
    }

    /// Lets a link above leave.
    fn leave(&mut self, id: UplinkId, cause: DownCause, until: Instant) -> Option<Arc<dyn Link>> {
        let uplink = self.open.get_mut(&id)?;
        uplink.leaving = Some(Leaving { cause, until });
        self.leaving.insert(id);
        Some(Arc::clone(&uplink.link))
    }

    /// Whether no link of the zone is up.
    pub(crate) fn zone_is_empty(&self) -> bool {
        self.by_below.is_empty()
    }

    /// How many links of the zone are up.
    pub(crate) fn n_below(&self) -> usize {
        self.by_below.len()
    }

    /// Whether there is a link for what is held ready.
    pub(crate) fn has_reserve(&self) -> bool {
        let mut open = self.open.values();
        open.any(|uplink| uplink.below.is_none() && uplink.leaving.is_none())
    }

    /// The links that may go now.
    pub(crate) fn due(&self, now: Instant, n_held: impl Fn(UplinkId) -> usize) -> Vec<UplinkId> {
        let is_due = |id: &UplinkId| {
            self.open.get(id).is_some_and(|uplink| {
                let is_late = uplink.leaving.is_some_and(|leaving| leaving.until <= now);
                uplink.n_settling == 0 && (is_late || n_held(*id) == 0)
            })
        };
        self.leaving.iter().copied().filter(is_due).collect()
    }

    /// When the next link may go at the latest.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let leaving = self.leaving.iter().filter_map(|id| self.open.get(id));
        let settled = leaving.filter(|uplink| uplink.n_settling == 0);
        settled
            .filter_map(|uplink| Some(uplink.leaving?.until))
            .min()
    }

    /// Lets every link go that stands for none that is up, and the one for what is held ready:
    /// the zone is empty. Returns those that begin to leave.
    pub(crate) fn hurry(&mut self, now: Instant) -> Vec<Arc<dyn Link>> {
        let mut begin = Vec::new();
        for (&id, uplink) in &mut self.open {
            if uplink.leaving.is_none() {
                begin.push(Arc::clone(&uplink.link));
            }
            let cause = uplink
                .leaving
                .map_or(DownCause::Closed, |leaving| leaving.cause);
            uplink.leaving = Some(Leaving { cause, until: now });
            self.leaving.insert(id);
        }
        begin
    }

    /// Those that are to go without a goodbye, since their links of the zone were lost.
    pub(crate) fn lost(&self) -> Vec<UplinkId> {
        let is_lost = |id: &UplinkId| {
            let leaving = self.open.get(id).and_then(|uplink| uplink.leaving);
            leaving.is_some_and(|leaving| leaving.cause == DownCause::Lost)
        };
        self.leaving.iter().copied().filter(is_lost).collect()
    }

    /// Takes a link out; returns it with how it is to end.
    pub(crate) fn remove(&mut self, id: UplinkId) -> Option<(Uplink, DownCause)> {
        self.leaving.remove(&id);
        let uplink = self.open.remove(&id)?;
        let cause = uplink
            .leaving
            .map_or(DownCause::Closed, |leaving| leaving.cause);
        Some((uplink, cause))
    }

    pub(crate) fn get_mut(&mut self, id: UplinkId) -> Option<&mut Uplink> {
        self.open.get_mut(&id)
    }

    /// All links that are open.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UplinkId, &Uplink)> {
        self.open.iter().map(|(&id, uplink)| (id, uplink))
    }
}
