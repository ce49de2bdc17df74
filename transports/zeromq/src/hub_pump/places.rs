//! Who is there: sessions, their links, and the hubs that they serve.

use std::{mem, time::Duration};

use skyscan_transport::{DownCause, HubConfig, HubIncoming, Result, ScanId, TransportError};

use super::{
    DEFAULT_LIVENESS, HubPump, OpenHub,
    session::{Session, SessionLink},
};
use crate::wire::{LinkUp, Writer};

impl HubPump {
    pub(super) fn open_hub(&mut self, hub: OpenHub) -> Result<()> {
        let HubConfig {
            scan,
            protocol,
            backlog,
            lease_term,
            priority,
            ..
        } = hub.config;
        let other = self.hubs.values().next().map(|hub| hub.config.protocol);
        if let Some(other) = other.filter(|other| other.major != protocol.major) {
            return Err(TransportError::ProtocolMismatch {
                hub: other,
                link: protocol,
            });
        }
        if !self.table.add_scan(scan, priority, backlog, lease_term) {
            return Err(TransportError::ScanInUse(scan));
        }
        let term_ms = lease_term.as_millis() as u64;
        let welcome = hub.config.welcome.clone();
        self.hubs.insert(scan, hub);
        self.set_liveness();
        self.tell_all(|session| {
            (session.writer).hub_up(scan, protocol, priority, term_ms, &welcome);
        });
        for at in 0..self.sessions.len() {
            let n_links = self.sessions[at]
                .as_ref()
                .map_or(0, |session| session.links.len());
            for number in 0..n_links as u32 {
                self.meet(at, number, scan, other.is_none());
            }
        }
        Ok(())
    }

    /// Makes a link known to a hub that has just opened.
    fn meet(&mut self, at: usize, number: u32, scan: ScanId, first_hub: bool) {
        let Some(hub) = self.hubs.get(&scan) else {
            return;
        };
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        let Some(Some(link)) = session.links.get_mut(number as usize) else {
            return;
        };
        let matches = link.up.protocol.major == hub.config.protocol.major;
        match link.slot {
            Some(_) if matches => hub.queue.push(Ok(HubIncoming::LinkUp {
                link: link.up.link,
                worker: link.up.worker,
                credit: link.up.credit,
                hello: link.up.hello.clone(),
            })),
            // It has served hubs of another major, which have closed since.
            Some(slot) if first_hub => {
                link.slot = None;
                self.table.remove_link(slot, DownCause::Closed);
            }
            None if matches => self.bring_up(at, number),
            Some(_) | None => {}
        }
    }

    pub(super) fn close_hub(&mut self, scan: ScanId) {
        self.yield_outcomes();
        let Some(hub) = self.hubs.remove(&scan) else {
            return;
        };
        self.table.remove_scan(scan);
        self.tell_all(|session| session.writer.hub_down(scan));
        hub.room.close();
        hub.queue.end();
        self.set_liveness();
    }

    /// All sessions live by the strictest hub.
    fn set_liveness(&mut self) {
        let strictest = self.hubs.values().map(|hub| hub.config.liveness).min();
        let liveness = strictest
            .unwrap_or(self.liveness)
            .max(Duration::from_millis(20));
        if liveness != self.liveness {
            self.liveness = liveness;
            let ms = self.liveness_ms();
            self.tell_all(|session| session.writer.terms(ms));
            self.next_tick = self.now;
        }
    }

    pub(super) fn liveness_ms(&self) -> u32 {
        u32::try_from(self.liveness.as_millis()).unwrap_or(DEFAULT_LIVENESS.as_millis() as u32)
    }

    pub(super) fn add_session(&mut self, session: Session) -> usize {
        let at = self.free_sessions.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        if let Some(fd) = session.fd {
            self.connections.begin_session(fd, self.now, &self.meters);
        }
        self.by_identity.insert(session.identity.clone(), at);
        self.by_process.insert(session.process, at);
        self.sessions[at] = Some(session);
        self.dirty.push(at);
        self.meters.opened.increment(1);
        at
    }

    pub(super) fn add_link(&mut self, at: usize, up: LinkUp) {
        let (number, link) = (up.number, up.link);
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        let place = number as usize;
        if session.links.len() <= place {
            session.links.resize_with(place + 1, || None);
        }
        session.links[place] = Some(SessionLink { up, slot: None });
        self.by_link.insert(link, (at, number));
        self.bring_up(at, number);
    }

    /// Lets a link serve, if there is a hub of its major.
    fn bring_up(&mut self, at: usize, number: u32) {
        let major = self
            .hubs
            .values()
            .next()
            .map(|hub| hub.config.protocol.major);
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        let Some(Some(link)) = session.links.get_mut(number as usize) else {
            return;
        };
        if major != Some(link.up.protocol.major) {
            return;
        }
        let slot = self.table.add_link(link.up.worker, link.up.credit);
        if link.up.draining {
            self.table.drain_link(slot);
        }
        link.slot = Some(slot);
        if self.routes.len() <= slot.index() {
            self.routes.resize(slot.index() + 1, (0, 0));
        }
        self.routes[slot.index()] = (at, number);
        for hub in self.hubs.values() {
            hub.queue.push(Ok(HubIncoming::LinkUp {
                link: link.up.link,
                worker: link.up.worker,
                credit: link.up.credit,
                hello: link.up.hello.clone(),
            }));
        }
    }

    pub(super) fn link_down(&mut self, at: usize, number: u32, cause: DownCause) {
        let Some(session) = self.sessions[at].as_mut() else {
            return;
        };
        let Some(link) = session
            .links
            .get_mut(number as usize)
            .and_then(Option::take)
        else {
            return;
        };
        session.hello_bytes -= link.up.hello.len();
        self.spent.hello_bytes -= link.up.hello.len();
        self.forget(link, cause);
    }

    fn forget(&mut self, link: SessionLink, cause: DownCause) {
        self.by_link.remove(&link.up.link);
        let Some(slot) = link.slot else { return };
        self.table.remove_link(slot, cause);
        self.meters
            .links_lost
            .increment(u64::from(cause == DownCause::Lost));
        for hub in self.hubs.values() {
            hub.queue.push(Ok(HubIncoming::LinkDown {
                link: link.up.link,
                cause,
            }));
        }
    }

    /// Ends a session that broke the protocol or fell silent, and tells it.
    pub(super) fn break_session(&mut self, at: usize) {
        if let Some(session) = &self.sessions[at] {
            let identity = session.identity.clone();
            self.lose(at);
            self.send_reset(&identity);
        }
    }

    pub(super) fn lose(&mut self, at: usize) {
        self.end_session(at, DownCause::Lost);
    }

    pub(super) fn end_session(&mut self, at: usize, cause: DownCause) {
        let Some(mut session) = self.sessions[at].take() else {
            return;
        };
        self.by_identity.remove(&session.identity);
        self.by_process.remove(&session.process);
        self.free_sessions.push(at);
        self.part_with(&session);
        match cause {
            DownCause::Closed => self.meters.closed.increment(1),
            DownCause::Lost => self.meters.lost.increment(1),
        }
        for link in mem::take(&mut session.links).into_iter().flatten() {
            self.forget(link, cause);
        }
    }

    /// Gives back what a session had of the budgets of all.
    fn part_with(&mut self, session: &Session) {
        self.spent.hello_bytes -= session.hello_bytes;
        self.spent.n_fetches -= session.fetches.len() + session.n_sought;
        self.spent.n_chunks -= session.proofs.len();
        let Some(fd) = session.fd else { return };
        match session.proofs.is_empty() {
            true => self.connections.end_session(fd, self.now),
            // What libzmq has queued for it goes with the connection only.
            false => self.connections.shut(fd),
        }
    }

    /// Tells a peer that it has no session here.
    pub(super) fn send_reset(&self, identity: &[u8]) {
        let mut writer = Writer::default();
        writer.reset();
        if self
            .router
            .send(identity, zmq::SNDMORE | zmq::DONTWAIT)
            .is_ok()
        {
            let _unroutable = self.router.send(writer.seal(0), zmq::DONTWAIT);
        }
    }

    /// Writes to one session, to be sent at the end of the turn.
    pub(super) fn write(&mut self, at: usize, write: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions[at].as_mut() {
            write(session);
            self.dirty.push(at);
            if session.is_long() {
                session.flush(&self.router, &self.counts, self.now);
            }
        }
    }

    /// Writes to every session.
    pub(super) fn tell_all(&mut self, write: impl Fn(&mut Session)) {
        for at in 0..self.sessions.len() {
            self.write(at, &write);
        }
    }
}
