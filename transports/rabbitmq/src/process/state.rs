//! What the lock of a process guards.

mod frames;
mod sealing;

use std::collections::BTreeMap;

use skyscan_transport::{DownCause, PayloadId, ScanId, TransportError};
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use super::Chore;
use crate::{
    door::Visits,
    drive::Trouble,
    hub::HubState,
    link::Sessions,
    outbox::{Receipt, Route},
    payload::{Fetched, Fetches},
    place::Place,
    wire::{Address, Frame, Scan},
};

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) hubs: BTreeMap<ScanId, HubState>,
    pub(crate) sessions: Sessions,
    pub(crate) fetches: Fetches,
    /// The hubs at whose doors this process is.
    pub(crate) visits: Visits,
    pub(crate) incarnation: u32,
    pub(crate) connected: bool,
    /// The broker takes no messages for now.
    pub(crate) blocked: bool,
    /// Nobody holds the transport, a hub or a link any more.
    pub(crate) ended: bool,
    /// Hubs and sessions whose queues stand at the broker.
    pub(crate) n_standing: usize,
    /// The broker answers, and wants nothing of this process.
    pub(crate) refused: bool,
    /// Why the broker cannot be used, for those who wait for it.
    pub(crate) trouble: Option<Trouble>,
}

impl State {
    pub(super) fn do_chore(&mut self, chore: Chore, now: Instant) {
        match chore {
            Chore::Release {
                scan,
                session,
                token,
            } => self.sessions.release(scan, session, token),
            Chore::Drain(link) => {
                self.sessions.drain(link);
            }
            Chore::LoseLink(link) => {
                self.sessions.end_link(link, DownCause::Lost);
            }
            Chore::CloseHub(scan) => {
                self.close_hub(scan, Receipt::Nothing);
            }
            Chore::HasRoom(scan) => {
                if let Some(hub) = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan) {
                    hub.has_room(now, &mut self.sessions.outbox);
                }
            }
            Chore::End => {
                self.ended = true;
                let open: Vec<Scan> = self.hubs.values().map(|hub| hub.scan).collect();
                for scan in open {
                    self.close_hub(scan, Receipt::Nothing);
                }
            }
        }
    }

    /// Ends a hub: its links are told, its inbox ends. Returns whether it was open.
    pub(crate) fn close_hub(&mut self, scan: Scan, receipt: Receipt) -> bool {
        if self.hubs.get(&scan.id).is_none_or(|hub| hub.scan != scan) {
            return false;
        }
        if let Some(mut hub) = self.hubs.remove(&scan.id) {
            hub.queue.end();
            hub.room.notify_waiters();
            let closed = Frame::Closed { scan };
            // Nobody is left later who could seal it.
            let sealed = hub.door.as_mut();
            let sealed = sealed.and_then(|door| door.seal(Route::AllProcesses, &closed));
            let closed = sealed.unwrap_or(closed);
            self.sessions
                .outbox
                .letter_with(Route::AllProcesses, closed, receipt);
            self.sessions.topology_changed = true;
        }
        true
    }

    /// The broker has refused a frame. Whoever sent it sends it again in time; nobody may take it for
    /// a sign that the broker has it.
    pub(super) fn nacked(&mut self, receipt: Receipt) {
        match receipt {
            // Dropped: a notice that was not taken is lost (C8).
            Receipt::Nothing | Receipt::Tell(_) => {}
            Receipt::Announced(_) | Receipt::Chunk | Receipt::HubLane { .. } => {
                self.confirmed(receipt);
            }
            Receipt::ProcessLane {
                scan,
                session,
                beat,
                ..
            } => self.sessions.nacked(scan, session, beat),
        }
    }

    pub(super) fn confirmed(&mut self, receipt: Receipt) {
        match receipt {
            Receipt::Nothing => {}
            Receipt::Tell(caller) => {
                // Who has gone need not be told.
                let _gone = caller.send(());
            }
            Receipt::Announced(scan) => {
                if let Some(hub) = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan) {
                    hub.announced();
                }
            }
            Receipt::Chunk => self.sessions.outbox.chunk_confirmed(),
            Receipt::HubLane {
                scan,
                process,
                session,
                beat,
            } => {
                let hub = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan);
                if let Some(hub) = hub.filter(|_| !beat) {
                    hub.confirmed(process, session, &mut self.sessions.outbox);
                }
            }
            Receipt::ProcessLane {
                scan,
                session,
                beat,
                sent_at,
            } => self.sessions.confirmed(scan, session, beat, sent_at),
        }
    }

    /// A payload that this process has, or a place in the line of those who wait for it.
    pub(crate) fn join_fetch(
        &mut self,
        scan: Scan,
        payload: PayloadId,
        from: Address,
        now: Instant,
    ) -> oneshot::Receiver<Fetched> {
        let outbox = &mut self.sessions.outbox;
        self.fetches.join(scan, payload, from, now, outbox)
    }

    /// New connections are there.
    pub(crate) fn connected(&mut self) {
        self.connected = true;
        self.blocked = false;
        self.sessions.topology_changed = true;
    }

    /// The broker cannot be reached, which may pass.
    pub(crate) fn unreachable(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
    }

    /// The broker answers and refuses what this process needs: tells those who wait for it, and the
    /// links; when it `lasts`, hubs that were served before end, too.
    pub(crate) fn refused(&mut self, trouble: &Trouble, lasts: bool, place: &Place) {
        let new = !self.refused;
        let error = || TransportError::Backend {
            transport: crate::NAME,
            action: format!("use {place}"),
            transient: false,
            source: Box::new(trouble.clone()),
        };
        self.refused = true;
        self.trouble = Some(trouble.clone());
        for hub in self.hubs.values() {
            hub.room.notify_waiters();
            if lasts && !hub.never_attached() {
                hub.queue.fail(error());
            }
        }
        if new {
            self.sessions.fail(error);
        }
    }

    /// What was refused is granted.
    fn granted(&mut self) {
        self.refused = false;
        self.trouble = None;
    }

    /// The queue of this process stands: answers can be had.
    pub(crate) fn listening(&mut self, from: Address, now: Instant) {
        let outbox = &mut self.sessions.outbox;
        self.fetches.reconnected(from, now, outbox);
        outbox.letter(Route::AllHubs, Frame::WhoIsThere { from });
    }

    /// The connections are gone, and with them whatever was on its way.
    pub(crate) fn disconnected(&mut self) {
        self.connected = false;
        self.blocked = false;
        self.n_standing = 0;
        self.incarnation += 1;
        self.sessions.outbox.reconnected();
        self.visits.disconnected();
        self.sessions.detached();
        for hub in self.hubs.values_mut() {
            hub.detached();
        }
    }

    /// The broker takes no messages for now, or takes them again.
    pub(crate) fn set_blocked(&mut self, blocked: bool, now: Instant) {
        self.blocked = blocked;
        if !blocked {
            self.sessions.thawed(now);
            for hub in self.hubs.values_mut() {
                hub.thawed(now);
            }
        }
    }
    /// A hub's queues stand and are read.
    pub(crate) fn hub_attached(&mut self, scan: Scan, now: Instant) {
        if let Some(hub) = self.hubs.get_mut(&scan.id).filter(|hub| hub.scan == scan) {
            hub.reattached(now, &mut self.sessions.outbox);
            hub.room.notify_waiters();
            self.granted();
        }
    }

    /// Another hub has held the scan for this long. A new hub gives up when it is not a leftover
    /// of one that has just gone; one that was open waits until the broker notices that the old
    /// connection is its own.
    pub(crate) fn hub_refused(&mut self, scan: Scan, waited: Duration) {
        let hub = self.hubs.get(&scan.id).filter(|hub| hub.scan == scan);
        let Some(hub) = hub.filter(|hub| hub.never_attached() && waited > hub.liveness()) else {
            return;
        };
        hub.room.notify_waiters();
        hub.queue.end();
        self.hubs.remove(&scan.id);
    }
    /// Whether nobody is left, everything is said, and nothing stands at the broker any more.
    pub(crate) fn is_over(&mut self, now: Instant) -> bool {
        if !self.ended || !self.sessions.outbox.is_empty() {
            return false;
        }
        self.sessions.end(now);
        self.n_standing == 0
    }
}
