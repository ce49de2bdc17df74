//! The hubs that this process has heard of, and its sessions with them.

mod act;
mod life;

use std::{collections::BTreeMap, sync::Arc};

use skyscan_transport::{
    DownCause, LeaseToken, LinkId, LinkIncoming, ScanId, Settler, TransportError, Version,
};
use tokio::time::{Duration, Instant};

use super::{call::PendingCall, links::Links, serving::Serving};
use crate::{
    NAME,
    outbox::Outbox,
    wire::{FromProcess, Malformed, Scan},
};

/// Most hubs at one place: scans that are open at once.
const MAX_HUBS: usize = 256;

/// Frames of another wire version in a row that are no accident.
const VERSION_PROOF: u32 = 3;

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    hubs: BTreeMap<ScanId, Seen>,
    pub(crate) links: Links,
    next_session: u32,
    /// Frames of another wire version since a hub was last understood.
    n_strange: u32,
    told_version: bool,
    /// Sealed announcements that this process has no keys for, since a hub was last understood.
    n_sealed: u32,
    told_sealed: bool,
    /// Shared with the settlers' process state.
    pub(crate) outbox: Outbox,
    /// Something has to be declared or deleted at the broker.
    pub(crate) topology_changed: bool,
}

/// A hub that has announced itself.
#[derive(Debug)]
struct Seen {
    scan: Scan,
    protocol: Version,
    liveness: Duration,
    lease_term: Duration,
    last_heard: Instant,
    serving: Option<Serving>,
}

/// What a hub says of itself when it announces itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announcement {
    pub(crate) scan: Scan,
    pub(crate) protocol: Version,
    pub(crate) liveness: Duration,
    pub(crate) lease_term: Duration,
}

/// Makes the settlers of sessions. A settler reaches its session through the process, which holds the
/// sessions: so it is made by someone that they do not know.
pub(crate) trait Settlers {
    /// The settler of all leases of this session.
    fn settler(&self, scan: Scan, session: u32, lease_term: Duration) -> Arc<dyn Settler>;
}

impl Sessions {
    /// The session that a lease belongs to, if it is not over.
    pub(crate) fn serving(
        &mut self,
        scan: Scan,
        session: u32,
    ) -> Option<(&mut Serving, &mut Outbox)> {
        let seen = self
            .hubs
            .get_mut(&scan.id)
            .filter(|seen| seen.scan == scan)?;
        let serving = seen.serving.as_mut();
        let serving = serving.filter(|serving| serving.session == session)?;
        Some((serving, &mut self.outbox))
    }

    /// A hub says that it is open.
    ///
    /// # Errors
    /// When it is not let in, beside those that are served.
    pub(crate) fn hub_open(
        &mut self,
        heard: Announcement,
        settlers: &dyn Settlers,
        now: Instant,
    ) -> Result<(), Malformed> {
        let id = heard.scan.id;
        (self.n_strange, self.n_sealed) = (0, 0);
        match self.hubs.get(&id) {
            Some(seen) if seen.scan == heard.scan => {}
            // A hub that takes the place of one that still gives signs of life (four of them in
            // `liveness`) is not its successor; a true one says so again when the old one is silent.
            Some(seen) if now - seen.last_heard < seen.liveness / 2 => {
                return Err(Malformed::Foreign);
            }
            Some(_) => self.hub_gone(id, now),
            None if self.hubs.len() >= MAX_HUBS => return Err(Malformed::Hubs),
            // Links are told of a hub of another major, and may end for it, unless there is one that
            // they can serve.
            None if self.serves_some() && !self.serves(heard.protocol.major) => {
                return Err(Malformed::Foreign);
            }
            None => {}
        }
        let seen = self.hubs.entry(id).or_insert(Seen {
            scan: heard.scan,
            protocol: heard.protocol,
            liveness: heard.liveness,
            lease_term: heard.lease_term,
            last_heard: now,
            serving: None,
        });
        seen.last_heard = now;
        if seen.serving.is_none() {
            self.serve(id, settlers, now);
        }
        Ok(())
    }

    /// Whether a link of this process speaks this major.
    fn serves(&self, major: u16) -> bool {
        let mut links = self.links.values();
        links.any(|link| link.config.protocol.major == major)
    }

    fn serves_some(&self) -> bool {
        let mut hubs = self.hubs.values();
        hubs.any(|seen| self.serves(seen.protocol.major))
    }

    /// A frame of another version of the wire came. Where no hub is understood, and that goes on, the
    /// links are told, once, that what is here can never be served.
    pub(crate) fn another_version(&mut self, source: Malformed) {
        self.n_strange = self.n_strange.saturating_add(1);
        let is_proved = self.n_strange >= VERSION_PROOF && self.hubs.is_empty();
        if is_proved && !std::mem::replace(&mut self.told_version, true) {
            self.fail(|| TransportError::WireMismatch {
                transport: NAME,
                beside_others: true,
                source: Box::new(source),
            });
        }
    }

    /// A hub with keys is here, and this process has none. Where no hub is served, and that goes on, the links are
    /// told, once.
    pub(crate) fn hub_is_sealed(&mut self) {
        self.n_sealed = self.n_sealed.saturating_add(1);
        let is_proved = self.n_sealed >= VERSION_PROOF && self.hubs.is_empty();
        if is_proved && !std::mem::replace(&mut self.told_sealed, true) {
            self.fail(|| TransportError::Keyless { transport: NAME });
        }
    }

    /// A hub says that it has closed.
    pub(crate) fn hub_closed(&mut self, scan: Scan, now: Instant) {
        if self
            .hubs
            .get(&scan.id)
            .is_some_and(|seen| seen.scan == scan)
        {
            self.hub_gone(scan.id, now);
        }
    }

    /// A hub has lost this session: starts another.
    pub(crate) fn unknown(
        &mut self,
        scan: Scan,
        session: u32,
        settlers: &dyn Settlers,
        now: Instant,
    ) {
        if self.serving(scan, session).is_some() {
            self.end_session(scan.id, now);
            self.serve(scan.id, settlers, now);
        }
    }

    /// Opens a session unless there is one or no link to serve with.
    fn serve(&mut self, id: ScanId, settlers: &dyn Settlers, now: Instant) {
        let Some(seen) = self.hubs.get_mut(&id) else {
            return;
        };
        let ids: Vec<LinkId> = self.links.ids();
        for link_id in ids {
            let Some(link) = self.links.get_mut(link_id) else {
                continue;
            };
            if link.config.protocol.major != seen.protocol.major {
                if link.refused.insert(seen.scan) {
                    link.queue.push(Err(TransportError::ProtocolMismatch {
                        hub: seen.protocol,
                        link: link.config.protocol,
                    }));
                }
                continue;
            }
            if seen.serving.is_none() {
                self.next_session += 1;
                let settler = settlers.settler(seen.scan, self.next_session, seen.lease_term);
                seen.serving = Some(Serving::new(self.next_session, settler, now));
                self.topology_changed = true;
            }
            if let Some(serving) = &mut seen.serving {
                serving.link_up(link_id, &link.config, seen.scan, &mut self.outbox);
                if link.draining {
                    let drain = FromProcess::Drain { link: link_id };
                    serving.tell(&drain, seen.scan, &mut self.outbox);
                }
            }
        }
    }

    /// A link is new: every hub shall know it.
    pub(crate) fn link_opened(&mut self, settlers: &dyn Settlers, now: Instant) {
        let ids: Vec<ScanId> = self.hubs.keys().copied().collect();
        for id in ids {
            self.serve(id, settlers, now);
        }
    }

    /// A new link joins the sessions there are; cheaper than looking at every link again.
    pub(crate) fn link_joins(&mut self, link_id: LinkId, settlers: &dyn Settlers, now: Instant) {
        let all_serving = self.hubs.values().all(|seen| seen.serving.is_some());
        let Some(link) = self.links.get_mut(link_id) else {
            return;
        };
        let major = link.config.protocol.major;
        if !all_serving || self.hubs.values().any(|seen| seen.protocol.major != major) {
            return self.link_opened(settlers, now);
        }
        for seen in self.hubs.values_mut() {
            if let Some(serving) = &mut seen.serving {
                serving.link_up(link_id, &link.config, seen.scan, &mut self.outbox);
            }
        }
    }

    /// Gives a lease back that its holder dropped.
    pub(crate) fn release(&mut self, scan: Scan, session: u32, token: LeaseToken) {
        if let Some((serving, outbox)) = self.serving(scan, session) {
            serving.release(token, scan, outbox);
        }
    }

    /// A link wants no more leases.
    pub(crate) fn drain(&mut self, id: LinkId) -> bool {
        let Some(link) = self.links.get_mut(id) else {
            return false;
        };
        if !std::mem::replace(&mut link.draining, true) {
            let waiting = link.waiting.take_first_while(|_| true);
            for seen in self.hubs.values_mut() {
                if let Some(serving) = &mut seen.serving {
                    serving.tell(
                        &FromProcess::Drain { link: id },
                        seen.scan,
                        &mut self.outbox,
                    );
                }
            }
            for waiting in waiting {
                self.release(waiting.scan, waiting.session, waiting.token);
            }
        }
        true
    }

    /// Forgets a link; returns what to wait for until every hub has taken note.
    pub(crate) fn end_link(&mut self, id: LinkId, cause: DownCause) -> Vec<PendingCall> {
        let Some(link) = self.links.remove(id) else {
            return Vec::new();
        };
        let mut pending = Vec::new();
        for seen in self.hubs.values_mut() {
            if let Some(serving) = &mut seen.serving {
                pending.extend(serving.link_down(id, cause, seen.scan, &mut self.outbox));
            }
        }
        link.queue.end();
        pending
    }

    /// A hub has gone: its leases are lost, and every link learns it.
    fn hub_gone(&mut self, id: ScanId, now: Instant) {
        self.end_session(id, now);
        if self.hubs.remove(&id).is_some() {
            self.topology_changed = true;
        }
    }

    fn end_session(&mut self, id: ScanId, now: Instant) {
        let Some(seen) = self.hubs.get_mut(&id) else {
            return;
        };
        let Some(mut serving) = seen.serving.take() else {
            return;
        };
        serving.end(seen.scan);
        for link in self.links.ids() {
            let Some(state) = self.links.get_mut(link) else {
                continue;
            };
            state.forget(id);
            if state.up.remove(&id).is_some() {
                state.queue.push(Ok(LinkIncoming::HubDown { scan: id }));
            }
            self.feed(link, now);
        }
    }

    /// The hub to fetch a payload from, if this link is up there.
    pub(crate) fn up(&self, link: LinkId, id: ScanId) -> Option<Scan> {
        let up = self
            .links
            .get(link)
            .is_some_and(|link| link.up.contains_key(&id));
        self.hubs.get(&id).filter(|_| up).map(|seen| seen.scan)
    }

    /// Whether this hub is the one that is known under its scan's name.
    pub(crate) fn is_open(&self, scan: Scan) -> Option<Duration> {
        let seen = self.hubs.get(&scan.id).filter(|seen| seen.scan == scan);
        seen.map(|seen| seen.liveness)
    }

    /// Tells every link what is wrong with the transport.
    pub(crate) fn fail(&self, error: impl Fn() -> TransportError) {
        for link in self.links.values() {
            link.queue.push(Err(error()));
        }
    }
}
