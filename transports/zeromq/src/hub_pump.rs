//! The hub's I/O thread: it owns the ROUTER, the sessions and the lease table.
//!
//! One turn takes the commands, up to [`TURN_MESSAGES`] messages and what is due, then grants what
//! can be leased, and sends one frame (or a few) to each process that is concerned. It sleeps
//! only after a turn in which nothing happened.

mod payloads;
mod places;
mod records;
mod session;

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use skyscan_transport::{
    HubConfig, LinkId, Outcome, PayloadId, Result, ScanId, TaskFrame,
    backend::{Counts, Grant, HubQueue, LeaseTable, LinkSlot, Meters, Payloads},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use crate::{
    post::Inlet,
    socket_file::SocketFile,
    wire::{self, Malformed},
};
pub(crate) use payloads::ChunkWanted;
use session::Session;

/// Most messages taken in one turn.
const TURN_MESSAGES: usize = 256;

/// Most leases granted in one turn.
const TURN_GRANTS: usize = 4096;

/// Most leases in one frame.
const FRAME_LEASES: usize = 128;

/// Silence allowed while no hub has said otherwise.
const DEFAULT_LIVENESS: Duration = Duration::from_secs(30);

/// How long a message may linger in the socket when the pump ends, in milliseconds.
const LINGER_MS: i32 = 300;

/// What the owner of a hub asks for.
pub(crate) enum HubCommand {
    Open {
        hub: OpenHub,
        answer: oneshot::Sender<Result<()>>,
    },
    Close {
        scan: ScanId,
        epoch: u64,
        answer: Option<oneshot::Sender<()>>,
    },
    Submit {
        scan: ScanId,
        epoch: u64,
        tasks: Vec<TaskFrame>,
    },
    Publish {
        scan: ScanId,
        epoch: u64,
        id: PayloadId,
        payload: Bytes,
        answer: oneshot::Sender<()>,
    },
    /// The source of payloads has answered.
    Found {
        scan: ScanId,
        epoch: u64,
        id: PayloadId,
        payload: Option<Bytes>,
    },
    Broadcast {
        scan: ScanId,
        epoch: u64,
        notice: Bytes,
        answer: oneshot::Sender<()>,
    },
    Purge {
        scan: ScanId,
        epoch: u64,
        answer: oneshot::Sender<usize>,
    },
    HasRoom {
        scan: ScanId,
    },
    Stop,
}

/// A hub as the pump knows it.
pub(crate) struct OpenHub {
    /// Tells a hub from an earlier one of the same scan.
    pub(crate) epoch: u64,
    pub(crate) config: HubConfig,
    pub(crate) queue: Arc<HubQueue>,
    /// The room of the backlog, given out to whoever submits.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) payloads: Payloads<ChunkWanted>,
    /// Where the payloads' source is asked.
    pub(crate) runtime: Handle,
    /// Outcomes of this turn.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The state of the hub's thread.
pub(crate) struct HubPump {
    /// Ended last: it waits for the socket to be closed.
    router: zmq::Socket,
    _context: zmq::Context,
    _socket_file: Option<SocketFile>,
    inlet: Inlet<HubCommand>,
    counts: Arc<Counts>,
    meters: Meters,
    origin: Instant,
    now: Instant,
    table: LeaseTable,
    hubs: BTreeMap<ScanId, OpenHub>,
    liveness: Duration,
    sessions: Vec<Option<Session>>,
    free_sessions: Vec<usize>,
    by_identity: HashMap<Vec<u8>, usize>,
    by_process: HashMap<[u8; 16], usize>,
    by_link: HashMap<LinkId, (usize, u32)>,
    /// Session and number of the link at each slot of the table.
    routes: Vec<(usize, u32)>,
    /// Sessions with something to send in this turn.
    dirty: Vec<usize>,
    /// Sessions for which frames wait, because the socket takes no more.
    stalled: Vec<usize>,
    grants: Vec<Grant>,
    next_tick: Instant,
    last_drained: Instant,
}

impl HubPump {
    /// Binds the socket and makes the state; runs on the caller's thread.
    pub(crate) fn bind(
        address: &crate::address::Address,
        inlet: Inlet<HubCommand>,
        counts: Arc<Counts>,
        meters: Meters,
    ) -> zmq::Result<Self> {
        let context = zmq::Context::new();
        let router = context.socket(zmq::ROUTER)?;
        router.set_linger(LINGER_MS)?;
        router.set_router_mandatory(true)?;
        // The default of 100 makes a large fleet that starts at once wait for half a minute.
        router.set_backlog(4096)?;
        router.set_maxmsgsize(crate::wire::MAX_FRAME_BYTES as i64)?;
        router.set_ipv6(address.is_ipv6())?;
        router.bind(&address.to_bind())?;
        let now = Instant::now();
        Ok(Self {
            router,
            _context: context,
            _socket_file: SocketFile::bound_at(address),
            inlet,
            counts,
            meters,
            origin: now,
            now,
            table: LeaseTable::new(crate::random::number() as u32),
            hubs: BTreeMap::new(),
            liveness: DEFAULT_LIVENESS,
            sessions: Vec::new(),
            free_sessions: Vec::new(),
            by_identity: HashMap::new(),
            by_process: HashMap::new(),
            by_link: HashMap::new(),
            routes: Vec::new(),
            dirty: Vec::new(),
            stalled: Vec::new(),
            grants: Vec::new(),
            next_tick: now,
            last_drained: now,
        })
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut commands = Vec::new();
        loop {
            self.inlet.take(&mut commands);
            let mut busy = !commands.is_empty();
            for command in commands.drain(..) {
                if matches!(command, HubCommand::Stop) {
                    return self.stop();
                }
                self.obey(command);
            }
            let n_received = self.receive();
            busy |= n_received > 0;
            if busy || self.now >= self.next_tick {
                self.now = Instant::now();
            }
            if self.now >= self.next_tick {
                self.tick(n_received < TURN_MESSAGES);
            }
            self.yield_outcomes();
            busy |= self.grant() > 0;
            self.flush();
            if !busy {
                self.sleep();
            }
        }
    }

    fn receive(&mut self) -> usize {
        for n_received in 0..TURN_MESSAGES {
            let Ok(identity) = self.router.recv_msg(zmq::DONTWAIT) else {
                self.last_drained = self.now;
                return n_received;
            };
            let mut frame = None;
            let mut more = identity.get_more();
            while more {
                match self.router.recv_msg(zmq::DONTWAIT) {
                    Ok(part) => {
                        more = part.get_more();
                        frame.get_or_insert(part);
                    }
                    Err(_) => more = false,
                }
            }
            let Some(frame) = frame else { continue };
            self.counts.received(frame.len());
            self.hear(&identity, wire::frame(frame));
        }
        TURN_MESSAGES
    }

    fn hear(&mut self, identity: &[u8], frame: Bytes) {
        match self.by_identity.get(identity) {
            Some(&at) => {
                if let Err(error) = self.read(at, frame) {
                    self.meters
                        .malformed
                        .increment(u64::from(error != Malformed::Gap));
                    self.break_session(at);
                }
            }
            None => match self.greet(identity, frame) {
                Ok(()) => {}
                Err(error) => {
                    match error {
                        Malformed::Stranger => self.meters.unknown_peer.increment(1),
                        _ => self.meters.malformed.increment(1),
                    }
                    self.send_reset(identity);
                }
            },
        }
    }

    fn obey(&mut self, command: HubCommand) {
        match command {
            HubCommand::Open { hub, answer } => {
                let _ignored = answer.send(self.open_hub(hub));
            }
            HubCommand::Close {
                scan,
                epoch,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    self.close_hub(scan);
                }
                self.flush();
                if let Some(answer) = answer {
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Submit { scan, epoch, tasks } => {
                if self.alive(scan, epoch) {
                    for task in tasks {
                        self.table.submit(scan, task);
                    }
                }
            }
            HubCommand::Publish {
                scan,
                epoch,
                id,
                payload,
                answer,
            } => {
                let alive = self.alive(scan, epoch);
                if let Some(hub) = self.hubs.get_mut(&scan).filter(|_| alive) {
                    hub.payloads.publish(id, payload);
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Found {
                scan,
                epoch,
                id,
                payload,
            } => {
                if self.alive(scan, epoch) {
                    self.found(scan, id, payload);
                }
            }
            HubCommand::Broadcast {
                scan,
                epoch,
                notice,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    self.tell_all(|session| {
                        if session.may_lose_a_notice() {
                            session.writer.notice(scan, &notice);
                        }
                    });
                    let _ignored = answer.send(());
                }
            }
            HubCommand::Purge {
                scan,
                epoch,
                answer,
            } => {
                if self.alive(scan, epoch) {
                    let _ignored = answer.send(self.table.purge(scan));
                    self.free_room(scan);
                }
            }
            HubCommand::HasRoom { scan } => self.table.hold(scan, false),
            HubCommand::Stop => {}
        }
    }

    fn alive(&self, scan: ScanId, epoch: u64) -> bool {
        self.hubs.get(&scan).is_some_and(|hub| hub.epoch == epoch)
    }

    /// Hands the outcomes of this turn to their hubs. Before any answer is sent (C6).
    fn yield_outcomes(&mut self) {
        for (&scan, hub) in &mut self.hubs {
            if !hub.outcomes.is_empty() && hub.queue.push_outcomes(&mut hub.outcomes) {
                self.table.hold(scan, true);
            }
        }
    }

    fn grant(&mut self) -> usize {
        if self.table.n_ready() == 0 {
            return 0;
        }
        let mut grants = mem::take(&mut self.grants);
        let now = self.now.duration_since(self.origin);
        let n_granted = self.table.grant(now, TURN_GRANTS, &mut grants);
        let mut n_again = 0;
        for grant in grants.drain(..) {
            let (at, number) = self.routes[grant.link.index()];
            n_again += u64::from(grant.attempt > 1);
            let Some(session) = self.sessions[at].as_mut() else {
                continue;
            };
            session.writer.lease(number, &grant);
            session.n_leases += 1;
            if session.n_leases == 1 {
                self.dirty.push(at);
            }
            if session.n_leases >= FRAME_LEASES || session.is_long() {
                // Loss of a session is seen to at the end of the turn.
                session.flush(&self.router, &self.counts, self.now);
            }
        }
        self.grants = grants;
        if n_again > 0 {
            self.meters.redelivered.increment(n_again);
        }
        if n_granted > 0 {
            let scans: Vec<ScanId> = self.hubs.keys().copied().collect();
            scans.into_iter().for_each(|scan| self.free_room(scan));
        }
        n_granted
    }

    fn free_room(&mut self, scan: ScanId) {
        let n_freed = self.table.take_freed(scan);
        if let Some(hub) = self.hubs.get(&scan).filter(|_| n_freed > 0) {
            hub.room.add_permits(n_freed);
        }
    }

    /// Sends what was written in this turn, after what waited.
    fn flush(&mut self) {
        self.dirty.append(&mut self.stalled);
        let mut dirty = mem::take(&mut self.dirty);
        for at in dirty.drain(..) {
            let Some(session) = self.sessions[at].as_mut() else {
                continue;
            };
            session.flush(&self.router, &self.counts, self.now);
            if session.is_gone() {
                self.lose(at);
            } else if session.has_waiting() && !self.stalled.contains(&at) {
                self.stalled.push(at);
            }
        }
        // Losing a session may have made others dirty; they have their turn next.
        dirty.append(&mut self.dirty);
        self.dirty = dirty;
    }

    fn tick(&mut self, drained: bool) {
        self.table.expire(self.now.duration_since(self.origin));
        if self.now.saturating_duration_since(self.next_tick) > self.liveness / 2 {
            // It was this process that stood still: what the others said meanwhile comes first.
            self.sessions
                .iter_mut()
                .flatten()
                .for_each(|session| session.heard = self.now);
        }
        let fair = drained || self.now - self.last_drained > self.liveness;
        for at in 0..self.sessions.len() {
            let Some(session) = self.sessions[at].as_mut() else {
                continue;
            };
            if fair && self.now.saturating_duration_since(session.heard) > self.liveness {
                self.break_session(at);
            } else if self.now.saturating_duration_since(session.spoke) > self.liveness / 4 {
                session.writer.beat_to_links();
                self.dirty.push(at);
            }
        }
        self.meters.connections.set(self.by_identity.len());
        self.meters.links.set(self.by_link.len());
        self.meters.ready.set(self.table.n_ready());
        self.meters.leased.set(self.table.n_leased());
        self.meters.credit.set(self.table.credit());
        let beat = (self.liveness / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
        self.next_tick = self.now + beat;
    }

    fn sleep(&mut self) {
        if !self.dirty.is_empty() || !self.inlet.lie_down() {
            return;
        }
        let expiry = self.table.next_deadline().map(|at| self.origin + at);
        let until = expiry.map_or(self.next_tick, |expiry| expiry.min(self.next_tick));
        let pause = until.saturating_duration_since(Instant::now());
        let pause_ms = match self.stalled.is_empty() {
            // Rounded up: waking early would only mean to sleep again.
            true => pause.as_millis() as i64 + 1,
            // The socket does not say when one of its peers takes more.
            false => 1,
        };
        let mut items = [
            self.router.as_poll_item(zmq::POLLIN),
            zmq::PollItem::from_fd(self.inlet.bell(), zmq::POLLIN),
        ];
        let polled = zmq::poll(&mut items, pause_ms);
        let rung = polled.is_ok() && items[1].is_readable();
        self.inlet.get_up(rung);
        self.now = Instant::now();
        if expiry.is_some_and(|expiry| expiry <= self.now) {
            self.table.expire(self.now.duration_since(self.origin));
        }
    }

    fn stop(mut self) {
        let scans: Vec<ScanId> = self.hubs.keys().copied().collect();
        scans.into_iter().for_each(|scan| self.close_hub(scan));
        self.tell_all(|session| session.writer.reset());
        self.flush();
        self.meters.closed.increment(self.by_identity.len() as u64);
    }

    fn slot_of(&self, at: usize, number: u32) -> Option<LinkSlot> {
        self.sessions
            .get(at)?
            .as_ref()?
            .links
            .get(number as usize)?
            .as_ref()?
            .slot
    }
}
