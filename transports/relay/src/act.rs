//! What a relay does with what it learns.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures::future::join_all;
use skyscan_transport::{
    HubIncoming, Lease, Link, LinkConfig, LinkId, LinkIncoming, Result, ScanId, SettledBatch,
    Settlement, TaskKey, TransportError, WorkerId, renew, settle,
};

use crate::{
    event::{self, Done, Event, ZoneHub},
    relay::Relay,
    uplinks::UplinkId,
    zone::{Next, Told},
};

/// What a link of the zone offers, or the relay in its place.
struct Offer {
    worker: WorkerId,
    credit: u16,
    hello: Bytes,
}

impl Relay {
    /// Acts on what came.
    pub(crate) async fn hear(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Own(Some(Ok(incoming))) => self.hear_above(incoming),
            Event::Own(Some(Err(error))) if error.is_transient() => {
                tracing::warn!(zone = self.config.zone, %error, "trouble above");
            }
            // A scan that nobody here can serve is no reason to leave the others alone.
            Event::Own(Some(Err(
                error @ (TransportError::ProtocolMismatch { .. }
                | TransportError::Keyless { .. }
                | TransportError::WireMismatch {
                    beside_others: true,
                    ..
                }),
            ))) => {
                tracing::warn!(zone = self.config.zone, %error, "skips a scan above");
            }
            Event::Own(Some(Err(error))) => return Err(error),
            Event::Own(None) => return Err(TransportError::Closed),
            Event::Above(uplink, Ok(LinkIncoming::Leased(leases))) => self.take(uplink, leases),
            // Hubs and notices are heard at the relay's own link.
            Event::Above(_, Ok(_)) => {}
            Event::Above(_, Err(error)) => tracing::debug!(%error, "trouble at a link above"),
            Event::Below(at, Some(Ok(incoming))) => self.hear_below(at, incoming).await?,
            Event::Below(at, Some(Err(error))) => {
                let scan = at.scan.0;
                tracing::warn!(zone = self.config.zone, scan, %error, "trouble in the zone");
            }
            Event::Below(at, None) => self.zone_hub_ended(at),
        }
        Ok(())
    }

    fn hear_above(&mut self, incoming: LinkIncoming) {
        match incoming {
            LinkIncoming::HubUp {
                scan,
                welcome,
                priority,
            } => {
                tracing::info!(zone = self.config.zone, scan = scan.0, "a scan is up");
                // Leases of its hub may have come before the news.
                let next = self.zone.hub_up(scan, Told { welcome, priority });
                if matches!(next, Next::Close(..)) {
                    // The one before has gone without a word.
                    self.tasks.not_in_zone(scan);
                    self.forget_links(scan);
                }
                self.go_on(next);
                self.make_room_soon();
            }
            LinkIncoming::HubDown { scan } => {
                tracing::info!(zone = self.config.zone, scan = scan.0, "a scan is down");
                self.tasks.drop_scan(scan);
                let next = self.zone.hub_down(scan);
                self.forget_links(scan);
                self.go_on(next);
            }
            LinkIncoming::Notice { scan, body } => {
                if let Some(hub) = self.zone.hub(scan).cloned() {
                    self.doing.push(Box::pin(async move {
                        // Notices are advice.
                        let _lost = hub.broadcast(body).await;
                        Done::Nothing
                    }));
                }
            }
            // The relay's own link has no credit.
            LinkIncoming::Leased(leases) => drop(leases),
        }
    }

    async fn hear_below(&mut self, at: ZoneHub, incoming: HubIncoming) -> Result<()> {
        if !self.zone.is_current(at) {
            // What a hub that is being closed still tells is lost above anyway. Unconfirmed it would come again, at
            // once and as long as the closing takes.
            if let HubIncoming::Settled(batch) = incoming {
                drop(batch.confirm());
            }
            return Ok(());
        }
        match incoming {
            // It only listens, as the own link of a relay below does.
            HubIncoming::LinkUp { credit: 0, .. } => {}
            HubIncoming::LinkUp {
                link,
                worker,
                credit,
                hello,
            } => {
                if !self.is_stopping && !self.uplinks.is_up_at(link, at.scan) {
                    let offer = Offer {
                        worker,
                        credit,
                        hello,
                    };
                    self.link_up(link, offer).await?;
                    self.uplinks.is_up_at(link, at.scan);
                }
            }
            HubIncoming::LinkDown { link, cause } => {
                let until = self.linger_until();
                let leaving = self.uplinks.is_down_at(link, at.scan, cause, until);
                self.drain(leaving.into_iter().collect());
            }
            HubIncoming::Settled(batch) => self.hand_up(at.scan, batch),
        }
        Ok(())
    }

    /// Opens a link above for one of the zone; for the first one, also what is held ready.
    async fn link_up(&mut self, below: LinkId, offer: Offer) -> Result<()> {
        self.open_uplink(Some(below), offer).await?;
        let prefetch = self.config.prefetch;
        if prefetch > 0 && !self.uplinks.has_reserve() {
            let offer = Offer {
                worker: self.worker,
                credit: prefetch,
                hello: self.config.hello.clone(),
            };
            self.open_uplink(None, offer).await?;
        }
        Ok(())
    }

    async fn open_uplink(&mut self, below: Option<LinkId>, offer: Offer) -> Result<()> {
        let config = LinkConfig {
            protocol: self.config.protocol,
            worker: offer.worker,
            credit: offer.credit,
            hello: offer.hello,
        };
        let (link, inbox) = self.above.open_link(config).await?;
        let id = self.uplinks.next_id();
        let (events, abort) = event::above(id, inbox);
        self.events.push(events);
        self.uplinks.insert(id, link, offer.credit, abort, below);
        Ok(())
    }

    /// The zone's hub of a scan is gone for its links.
    pub(crate) fn forget_links(&mut self, scan: ScanId) {
        let until = self.linger_until();
        let leaving = self.uplinks.hub_is_down(scan, until);
        self.drain(leaving);
    }

    /// These links above are leased nothing more.
    pub(crate) fn drain(&mut self, links: Vec<Arc<dyn Link>>) {
        for link in links {
            self.doing.push(Box::pin(async move {
                // A link that is closed already is leased nothing either.
                let _closed = link.drain().await;
                Done::Nothing
            }));
        }
    }

    /// Enters leases from above, and submits their tasks to the zone.
    fn take(&mut self, uplink: UplinkId, leases: Vec<Lease>) {
        // The link has gone, or is about to: dropping them gives them back.
        if self.is_stopping || self.uplinks.get_mut(uplink).is_none() {
            return;
        }
        let mut scans = Vec::new();
        for lease in leases {
            let scan = lease.key().scan;
            if scans.last() != Some(&scan) {
                self.renew_within(lease.term());
                scans.push(scan);
            }
            self.tasks.enter(uplink, lease);
        }
        scans.into_iter().for_each(|scan| self.submit(scan));
    }

    /// Submits what the zone's hub of a scan does not have, if it is up.
    pub(crate) fn submit(&mut self, scan: ScanId) {
        let Some(hub) = self.zone.hub(scan).cloned() else {
            return;
        };
        let frames = self.tasks.take_missing(scan);
        if frames.is_empty() {
            return;
        }
        self.doing.push(Box::pin(async move {
            // A hub that has ended says so at its inbox, and then all is submitted anew.
            let _ended = hub.submit(frames).await;
            Done::Nothing
        }));
    }

    /// Tells the hubs above what the zone has done. One telling for each link concerned, all at
    /// once: a transport joins what goes to one process.
    fn hand_up(&mut self, scan: ScanId, batch: SettledBatch) {
        let mut by_uplink: BTreeMap<UplinkId, Vec<Settlement>> = BTreeMap::new();
        for outcome in batch.outcomes() {
            let key = TaskKey {
                scan,
                task: outcome.task,
            };
            for (uplink, settlement) in
                self.tasks
                    .conclude(key, outcome.worker, &outcome.conclusion)
            {
                by_uplink.entry(uplink).or_default().push(settlement);
            }
        }
        self.submit(scan);
        let uplinks: Vec<UplinkId> = by_uplink.keys().copied().collect();
        for &id in &uplinks {
            if let Some(uplink) = self.uplinks.get_mut(id) {
                uplink.n_settling += 1;
            }
        }
        self.doing.push(Box::pin(async move {
            let tellings = by_uplink.into_values().map(|settlements| async {
                let n = settlements.len();
                // An error is no answer: the hub leases these again.
                let n_lost = settle(settlements).await.map_or(n, |told| told.lost.len());
                (n - n_lost, n_lost)
            });
            let told = join_all(tellings).await;
            Done::HandedUp {
                batch,
                n_taken: told.iter().map(|(n_taken, _)| n_taken).sum(),
                n_lost: told.iter().map(|(_, n_lost)| n_lost).sum(),
                uplinks,
            }
        }));
    }

    /// Starts the terms of all leases from above anew.
    pub(crate) fn renew(&mut self) {
        self.next_renewal = None;
        let by_uplink = self.tasks.by_uplink();
        let terms = by_uplink.values().flatten().map(|lease| lease.term());
        let shortest = terms.min();
        for (uplink, leases) in by_uplink {
            let renewing = renew(leases);
            self.doing.push(Box::pin(async move {
                // An error is no answer: what was lost is told when it is settled.
                let lost = renewing.await.unwrap_or_default();
                Done::Renewed { uplink, lost }
            }));
        }
        if let Some(term) = shortest {
            self.renew_within(term);
        }
    }

    /// Acts on what was under way.
    pub(crate) fn done(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Nothing => {}
            Done::Opened(at, opened) => return self.zone_hub_opened(at, opened),
            Done::Closed(at) => {
                let next = self.zone.closed(at.scan);
                self.go_on(next);
            }
            Done::HandedUp {
                batch,
                n_taken,
                n_lost,
                uplinks,
            } => {
                drop(batch.confirm());
                for id in uplinks {
                    if let Some(uplink) = self.uplinks.get_mut(id) {
                        uplink.n_settling -= 1;
                    }
                }
                self.relayed.n_handed_up += n_taken as u64;
                self.relayed.n_lost += n_lost as u64;
                self.meters.results.increment(n_taken as u64);
                self.meters.lost.increment(n_lost as u64);
            }
            Done::Renewed { uplink, lost } => self.tasks.lose(uplink, &lost),
            Done::Taken(taken) => self.taken_back.push(taken),
        }
        Ok(())
    }
}
