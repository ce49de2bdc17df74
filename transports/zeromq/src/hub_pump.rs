//! The hub's I/O thread: it owns the ROUTER, the sessions and the lease table.
//!
//! One turn takes the commands, up to [`TURN_MESSAGES`] messages and what is due, then grants what
//! can be leased, and sends one frame (or a few) to each process that is concerned. It sleeps
//! only after a turn in which nothing happened.

mod budget;
mod commands;
mod connections;
mod leasing;
mod payloads;
mod places;
mod records;
mod session;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    mem,
    os::fd::RawFd,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use skyscan_transport::{
    LinkId, ScanId,
    backend::{Counts, Grant, LeaseTable, LinkSlot, Meters, random},
};

use crate::{
    post::Inlet,
    pump::{Onward, Pump},
    socket_file::SocketFile,
    wire::{self, Malformed},
};
use budget::{MAX_WAITING_BYTES, Spent};
pub(crate) use commands::{HubCommand, OpenHub};
use connections::ConnectionWatch;
use session::Session;

/// Most messages taken in one turn: however many come, commands, leases and signs of life have theirs.
const TURN_MESSAGES: usize = 256;

/// Silence allowed while no hub has said otherwise.
const DEFAULT_LIVENESS: Duration = Duration::from_secs(30);

/// How long a connection may take over libzmq's own greeting, in milliseconds.
const HANDSHAKE_MS: i32 = 10_000;

/// Most messages that libzmq queues each way for one connection. What does not fit waits in the
/// session, where it is counted; libzmq's default is 1000, whatever their size.
const QUEUE_MESSAGES: i32 = 64;

/// How long a message may linger in the socket when the pump ends, in milliseconds.
const LINGER_MS: i32 = 300;

/// The state of the hub's thread.
pub(crate) struct HubPump {
    /// Before the context, which waits for its sockets.
    router: zmq::Socket,
    connections: ConnectionWatch,
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
    spent: Spent,
    /// Sessions whose fetches wait until others have got their chunks.
    starved: VecDeque<usize>,
    next_tick: Instant,
    last_drained: Instant,
}

impl HubPump {
    /// Binds the socket and makes the state; runs on the caller's thread.
    pub(crate) fn bind(
        address: &crate::address::Address,
        place: &str,
        inlet: Inlet<HubCommand>,
        counts: Arc<Counts>,
        meters: Meters,
    ) -> zmq::Result<Self> {
        let context = zmq::Context::new();
        let router = context.socket(zmq::ROUTER)?;
        router.set_linger(LINGER_MS)?;
        // Else what is sent to a process that has gone vanishes, and nobody learns that it has.
        router.set_router_mandatory(true)?;
        // The default of 100 makes a large fleet that starts at once wait for half a minute.
        router.set_backlog(4096)?;
        router.set_maxmsgsize(crate::wire::MAX_FRAME_BYTES as i64)?;
        router.set_ipv6(place.starts_with("tcp://["))?;
        router.set_sndhwm(QUEUE_MESSAGES)?;
        router.set_rcvhwm(QUEUE_MESSAGES)?;
        router.set_handshake_ivl(HANDSHAKE_MS)?;
        let connections = ConnectionWatch::watch(&context, &router)?;
        router.bind(place)?;
        let now = Instant::now();
        Ok(Self {
            router,
            connections,
            _context: context,
            _socket_file: SocketFile::bound_at(address),
            inlet,
            counts,
            meters,
            origin: now,
            now,
            table: LeaseTable::new(random::number() as u32),
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
            spent: Spent::default(),
            starved: VecDeque::new(),
            next_tick: now,
            last_drained: now,
        })
    }

    /// Takes what the socket has, up to a turn's worth; returns how many messages that were.
    fn receive(&mut self) -> usize {
        self.connections.take_note(self.now, &self.meters);
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
                        // A process sends one part. More of them are read all the same, or the next
                        // message would seem to begin with the rest of this one.
                        more = part.get_more();
                        frame.get_or_insert(part);
                    }
                    Err(_) => more = false,
                }
            }
            let Some(mut frame) = frame else { continue };
            self.counts.received(frame.len());
            match self.by_identity.get(&*identity) {
                Some(&at) => self.hear(at, wire::frame(frame)),
                None => {
                    // Asked for where it is needed only: it is a look into a map of text.
                    let fd = frame.gets("__fd").and_then(|fd| fd.parse().ok());
                    self.hear_a_stranger(&identity, fd, wire::frame(frame));
                }
            }
        }
        TURN_MESSAGES
    }

    fn hear(&mut self, at: usize, frame: Bytes) {
        match self.read(at, frame) {
            Ok(()) => {}
            // This process speaks the right version, so this frame is somebody else's, or damaged.
            // If it was one of its own, the next one shows a gap.
            Err(Malformed::Version(_)) => self.meters.version.increment(1),
            Err(error) => {
                self.count(error);
                let fd = self.sessions[at].as_ref().and_then(|session| session.fd);
                self.break_session(at);
                if let Some(fd) = fd {
                    self.connections.strike(fd);
                }
            }
        }
    }

    fn hear_a_stranger(&mut self, identity: &[u8], fd: Option<RawFd>, frame: Bytes) {
        if let Err(error) = self.greet(identity, fd, frame) {
            match error {
                Malformed::Stranger => self.meters.unknown_peer.increment(1),
                error => self.count(error),
            }
            // It may be a process that has not noticed the end of its session, or one of another
            // version, which reads of it in the header of the answer.
            self.send_reset(identity);
            if let Some(fd) = fd {
                self.connections.strike(fd);
            }
        }
    }

    /// Counts what was refused of a peer.
    fn count(&self, error: Malformed) {
        if let Some(counter) = error.counter(&self.meters) {
            counter.increment(1);
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
                self.meters
                    .queued
                    .increment(u64::from(session.is_overfull()));
                self.lose(at);
            } else if session.has_waiting() && !self.stalled.contains(&at) {
                self.stalled.push(at);
            }
        }
        self.bound_waiting();
        // Losing a session may have made others dirty; they have their turn next.
        dirty.append(&mut self.dirty);
        self.dirty = dirty;
    }

    /// Parts with those who read slowest when too much waits for all of them together.
    fn bound_waiting(&mut self) {
        loop {
            let waiting = |&at: &usize| {
                let session = self.sessions[at].as_ref();
                (session.map_or(0, Session::waiting_bytes), at)
            };
            let total: usize = self.stalled.iter().map(|at| waiting(at).0).sum();
            let slowest = self.stalled.iter().map(waiting).max();
            let Some((_, at)) = slowest.filter(|_| total > MAX_WAITING_BYTES) else {
                return;
            };
            self.stalled.retain(|&other| other != at);
            self.meters.queued.increment(1);
            self.lose(at);
        }
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
        // Who has not been read may have spoken. That is an excuse for so long only: under a flood the
        // socket is never empty, and those who are really gone would keep their leases for ever.
        let fair = drained || self.now - self.last_drained > self.liveness;
        self.connections.tick(self.now, fair, &self.meters);
        for at in 0..self.sessions.len() {
            let Some(session) = self.sessions[at].as_mut() else {
                continue;
            };
            // Forgotten bit by bit: a fleet may leave at once, but not come and go without end.
            session.churn /= 2;
            if session.hoards_chunks(self.now, self.liveness) {
                self.meters.fetches.increment(1);
                self.break_session(at);
            } else if fair && self.now.saturating_duration_since(session.heard) > self.liveness {
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

impl Pump for HubPump {
    type Command = HubCommand;

    fn inlet(&self) -> &Inlet<HubCommand> {
        &self.inlet
    }

    fn obey(&mut self, command: HubCommand) -> Onward {
        match command {
            HubCommand::Stop => Onward::Stop,
            command => {
                self.act_on(command);
                Onward::Go
            }
        }
    }

    fn turn(&mut self, obeyed: bool) -> bool {
        let n_received = self.receive();
        let mut busy = obeyed || n_received > 0;
        if busy || self.now >= self.next_tick {
            self.now = Instant::now();
        }
        if self.now >= self.next_tick {
            self.tick(n_received < TURN_MESSAGES);
        }
        // In this order: an outcome is with its owner before anybody hears that it was taken (C6),
        // and the credit that it frees is leased out in the frame that carries the answer.
        self.yield_outcomes();
        busy |= self.grant() > 0;
        self.flush();
        busy
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
            self.connections.monitor().as_poll_item(zmq::POLLIN),
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
}
