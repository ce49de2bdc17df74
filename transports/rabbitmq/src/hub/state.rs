//! A hub's books: who serves it, and who holds which task.

mod act;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use skyscan_transport::{
    DownCause, Holder, HubConfig, HubIncoming, LinkId, Outcome, TaskFrame, TaskId,
    backend::{Grant, HubQueue, LeaseTable, LinkSlot, Meters, Payloads, random},
};
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

use super::{
    budget::MAX_UNREAD_BYTES,
    peer::{Peer, PeerLink},
};
use crate::{
    door::HubDoor,
    outbox::{ChunkWanted, Outbox, Receipt, Route},
    wire::{Frame, FromHub, Lane, Scan},
};

/// Fraction of the liveness after which a sign of life is due.
pub(crate) const BEATS: u32 = 4;

#[derive(Debug)]
pub(crate) struct HubState {
    pub(crate) scan: Scan,
    pub(crate) config: HubConfig,
    pub(crate) queue: Arc<HubQueue>,
    /// Told when the backlog has room, and when the hub ends.
    pub(crate) room: Arc<Notify>,
    pub(crate) payloads: Payloads<ChunkWanted>,
    /// Where it has keys: nobody is heard who does not come through it.
    pub(crate) door: Option<HubDoor>,
    /// Whether its queues are declared and consumed in this incarnation.
    pub(crate) attached: bool,
    stood: bool,
    opened_at: Instant,
    table: LeaseTable,
    slots: HashMap<LinkSlot, (u64, LinkId)>,
    peers: BTreeMap<u64, Peer>,
    grants: Vec<Grant>,
    outcomes: Vec<Outcome>,
    origin: Instant,
    next_beat: Instant,
    /// An announcement is on its way.
    announcing: bool,
    meters: Arc<Meters>,
}

impl HubState {
    pub(crate) fn new(
        scan: Scan,
        config: HubConfig,
        queue: Arc<HubQueue>,
        room: Arc<Notify>,
        meters: Arc<Meters>,
        now: Instant,
    ) -> Self {
        let mut table = LeaseTable::new(random::number() as u32);
        // The only scan of its table: what it is beside others, each link decides.
        table.add_scan(
            config.scan,
            config.priority,
            config.backlog,
            config.lease_term,
        );
        let payloads = Payloads::new(config.payloads.clone());
        Self {
            scan,
            config,
            queue,
            room,
            payloads,
            door: None,
            attached: false,
            stood: false,
            opened_at: now,
            table,
            slots: HashMap::new(),
            peers: BTreeMap::new(),
            grants: Vec::new(),
            outcomes: Vec::new(),
            origin: now,
            next_beat: now,
            announcing: false,
            meters,
        }
    }

    /// Tells how the hubs of a process stand. Every link serves every hub, and counts once.
    pub(crate) fn tell<'a>(hubs: impl Iterator<Item = &'a Self>, meters: &Meters) {
        let (mut n_links, mut credit, mut n_ready, mut n_leased) = (0, 0, 0, 0);
        for hub in hubs {
            n_links = hub.slots.len().max(n_links);
            credit = hub.table.credit().max(credit);
            n_ready += hub.table.n_ready();
            n_leased += hub.table.n_leased();
        }
        meters.links.set(n_links);
        meters.credit.set(credit);
        meters.ready.set(n_ready);
        meters.leased.set(n_leased);
    }

    pub(crate) fn announcement(&self) -> Frame {
        Frame::Open {
            scan: self.scan,
            protocol: self.config.protocol,
            liveness: self.config.liveness,
            lease_term: self.config.lease_term,
        }
    }

    /// Takes tasks while the backlog has room; returns whether all were taken.
    pub(crate) fn submit(
        &mut self,
        tasks: &mut std::vec::IntoIter<TaskFrame>,
        now: Instant,
        outbox: &mut Outbox,
    ) -> bool {
        loop {
            let room = self.table.room(self.scan.id);
            let n_before = tasks.len();
            for task in tasks.by_ref().take(room) {
                self.table.submit(self.scan.id, task);
            }
            self.dispatch(now, outbox);
            if tasks.len() == 0 || tasks.len() == n_before {
                return tasks.len() == 0;
            }
        }
    }

    pub(crate) fn purge(&mut self) -> usize {
        let n_purged = self.table.purge(self.scan.id);
        self.room.notify_waiters();
        n_purged
    }

    /// Who holds these tasks.
    pub(crate) fn holders(&self, tasks: &[TaskId], now: Instant) -> Vec<Holder> {
        let link = |slot| self.slots.get(&slot).map(|&(_, link)| link);
        let at = now - self.origin;
        self.table.holders(self.scan.id, tasks, at, link)
    }

    /// The owner has taken outcomes: lease again.
    pub(crate) fn has_room(&mut self, now: Instant, outbox: &mut Outbox) {
        self.table.hold(self.scan.id, false);
        self.dispatch(now, outbox);
    }

    /// Leases what can be leased.
    fn dispatch(&mut self, now: Instant, outbox: &mut Outbox) {
        let mut grants = std::mem::take(&mut self.grants);
        let at = now - self.origin;
        if self.table.grant(at, usize::MAX, &mut grants) > 0 {
            self.room.notify_waiters();
        }
        for grant in grants.drain(..) {
            let Some(&(process, link)) = self.slots.get(&grant.link) else {
                continue;
            };
            let leased = FromHub::Leased {
                link,
                token: grant.token,
                task: grant.key.task,
                attempt: grant.attempt,
                avoid: grant.avoid,
                body: grant.body,
            };
            self.meters.redelivered.increment(u64::from(grant.is_again));
            if let Some(peer) = self.peers.get_mut(&process) {
                peer.tell(&leased, self.scan.id, outbox);
            }
        }
        self.grants = grants;
    }

    /// Does what is due. While `frozen`, nobody can be heard, so that silence proves nothing.
    pub(crate) fn tick(&mut self, now: Instant, frozen: bool, outbox: &mut Outbox) {
        self.table.expire(now - self.origin);
        let withdrawn = self.door.as_mut().map(|door| door.keep(outbox));
        for process in withdrawn.unwrap_or_default() {
            self.lose(process);
        }
        let liveness = self.config.liveness;
        if !frozen && self.attached {
            let silent = self
                .peers
                .values()
                .filter(|peer| now - peer.last_heard > liveness);
            let silent: Vec<u64> = silent.map(|peer| peer.address.process).collect();
            for process in silent {
                let seconds = liveness.as_secs_f64();
                tracing::warn!(
                    "process {process:016x} of workers is silent for {seconds:.0} s: its tasks go to others"
                );
                self.lose(process);
            }
            let full = self.peers.values().filter(|peer| {
                now - peer.progress > liveness / BEATS && peer.outbound.n_bytes() > MAX_UNREAD_BYTES
            });
            let full: Vec<u64> = full.map(|peer| peer.address.process).collect();
            for process in full {
                tracing::warn!(scan = self.scan.id.0, process, "a process reads nothing");
                self.meters.queued.increment(1);
                self.lose(process);
            }
            for peer in self.peers.values_mut() {
                if peer.outbound.n_open() > 0 && now - peer.progress > liveness / 2 {
                    peer.outbound.rewind();
                    peer.progress = now;
                    peer.queue(self.scan.id, outbox);
                }
            }
            if now >= self.next_beat && !self.announcing {
                self.next_beat = now + liveness / BEATS;
                self.announce(outbox);
            }
        }
        self.dispatch(now, outbox);
    }

    /// When to come again at the latest.
    pub(crate) fn next_tick(&self) -> Instant {
        let deadline = self.table.next_deadline().map(|at| self.origin + at);
        let beat = match self.announcing {
            true => self.next_beat + self.config.liveness / BEATS,
            false => self.next_beat,
        };
        deadline.map_or(beat, |deadline| deadline.min(beat))
    }

    pub(crate) fn announce(&mut self, outbox: &mut Outbox) {
        self.announcing = true;
        let announced = Receipt::Announced(self.scan);
        outbox.letter_with(Route::AllProcesses, self.announcement(), announced);
    }

    pub(crate) fn announced(&mut self) {
        self.announcing = false;
    }

    /// Forgets a process and its links; what they held is ready again.
    fn lose(&mut self, process: u64) {
        let Some(peer) = self.peers.remove(&process) else {
            return;
        };
        for (link, PeerLink { slot, .. }) in peer.links {
            let cause = DownCause::Lost;
            self.table.remove_link(slot, cause);
            self.slots.remove(&slot);
            self.meters.links_lost.increment(1);
            self.queue.push(Ok(HubIncoming::LinkDown { link, cause }));
        }
    }

    /// Nothing can be sent or heard until the hub is attached again.
    pub(crate) fn detached(&mut self) {
        self.attached = false;
    }

    /// The hub can be heard again: everyone starts anew with being silent, and everything is sent
    /// again that may have been lost.
    pub(crate) fn reattached(&mut self, now: Instant, outbox: &mut Outbox) {
        self.attached = true;
        self.stood = true;
        self.next_beat = now;
        self.announcing = false;
        for peer in self.peers.values_mut() {
            peer.last_heard = now;
            peer.progress = now;
            peer.outbound.reconnected();
            peer.queue(self.scan.id, outbox);
        }
    }

    /// Nobody was heard for a while through no fault of theirs.
    pub(crate) fn thawed(&mut self, now: Instant) {
        for peer in self.peers.values_mut() {
            peer.last_heard = now;
        }
    }

    /// The next frame for a process, if any, and whether there is more.
    pub(crate) fn next_frame(&mut self, process: u64) -> Option<(Route, Frame, Receipt)> {
        let peer = self.peers.get_mut(&process)?;
        let next = peer.outbound.next();
        if next.is_none() && !peer.outbound.beat_due {
            peer.outbound.queued = false;
            return None;
        }
        let beat = next.is_none();
        peer.outbound.beat_due = false;
        let (sequence, entries) =
            next.map_or((0, Bytes::new()), |next| (next.sequence, next.entries));
        let lane = Lane {
            session: peer.session,
            sequence,
            arrived: peer.inbound.arrived(),
            missing: peer.inbound.missing,
        };
        let frame = Frame::Down {
            scan: self.scan,
            lane,
            entries,
        };
        let receipt = Receipt::HubLane {
            scan: self.scan,
            process,
            session: peer.session,
            beat,
        };
        Some((Route::Tasks(self.scan, process), frame, receipt))
    }

    /// The broker has a frame of a lane.
    pub(crate) fn confirmed(&mut self, process: u64, session: u32, outbox: &mut Outbox) {
        let peer = self.peers.get_mut(&process);
        if let Some(peer) = peer.filter(|peer| peer.session == session) {
            peer.outbound.confirmed();
            peer.queue(self.scan.id, outbox);
        }
    }

    /// The frame that answers a request for a chunk.
    pub(crate) fn chunk(&self, wanted: &ChunkWanted) -> Frame {
        let (scan, payload, offset) = (wanted.scan, wanted.payload, wanted.offset);
        let whole = self.payloads.get(payload);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        match whole.filter(|whole| start <= whole.len()) {
            None => Frame::Absent { scan, payload },
            Some(whole) => {
                let end = whole
                    .len()
                    .min(start.saturating_add(crate::wire::CHUNK_BYTES));
                Frame::Chunk {
                    scan,
                    payload,
                    offset,
                    total: whole.len() as u64,
                    bytes: whole.slice(start..end),
                }
            }
        }
    }

    /// Since when the hub has wanted its queues.
    pub(crate) fn wanted_since(&self) -> Instant {
        self.opened_at
    }

    /// Whether the hub has never had its queues.
    pub(crate) fn never_attached(&self) -> bool {
        !self.stood
    }

    /// How long a peer may be silent.
    pub(crate) fn liveness(&self) -> Duration {
        self.config.liveness
    }
}
