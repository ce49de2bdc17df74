//! One connection of the process: its links, its session, and how it gets the next one.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use skyscan_transport::{Lease, LeaseToken, LinkIncoming, ScanId, TransportError, backend::random};
use tokio::sync::oneshot;

use super::{
    common::Common,
    links::PumpLink,
    session::{KnownHub, Session},
};
use crate::{
    NAME,
    link::{Batch, Terms},
    wire::{self, Malformed, WIRE_VERSION},
};

/// How often an unanswered hello is repeated, at first and at most.
const GREETING: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(20)];

/// How long after a loss the next session begins, at first and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];

/// How long a session lasts that ends a row of failures.
const GOOD_SESSION: Duration = Duration::from_secs(5);

/// Sessions in a row that another version of the wire is to be seen in, where a single flipped bit
/// would look the same.
const VERSION_DOUBTS: u32 = 3;

/// How much longer a hub may take to answer a hello for each connection of this process.
const PATIENCE_PER_LINE: Duration = Duration::from_millis(4);

/// Longest time between two looks at a line.
const IDLE_TICK: Duration = Duration::from_millis(500);

/// One connection.
pub(super) struct Line {
    /// Its place among the lines of the process.
    pub(super) at: usize,
    /// Whether it belongs to one link, and ends with it.
    pub(super) own: bool,
    /// What the hub knows it by: a new session takes the place of an old one.
    process: [u8; 16],
    pub(super) session: Option<Session>,
    /// Sessions in a row that were not answered or were lost.
    pub(super) n_failed: u32,
    retry_at: Option<Instant>,
    /// Sessions in a row in which the hub spoke another version of the wire.
    pub(super) n_strange: u32,
    told_version: bool,
    /// Whether a hub has answered once.
    pub(super) was_up: bool,
    pub(super) hubs: BTreeMap<ScanId, KnownHub>,
    /// Lease terms of these hubs, for whoever holds a lease.
    pub(super) terms: Arc<Terms>,
    pub(super) links: Vec<Option<PumpLink>>,
    /// Links whose goodbye is on its way.
    pub(super) leaving: HashMap<u32, Option<oneshot::Sender<()>>>,
    pub(super) free_numbers: Vec<u32>,
    /// Leases of the frame that is being read, all of one link.
    pub(super) run: Vec<Lease>,
    pub(super) run_number: u32,
    /// Whether it is on the pump's list of lines to see to in this turn.
    pub(super) touched: bool,
    /// Whether it is on the pump's list of lines to read from.
    pub(super) to_read: bool,
}

impl Line {
    pub(super) fn new(at: usize, own: bool) -> Self {
        Self {
            at,
            own,
            process: random::bytes(),
            session: None,
            n_failed: 0,
            retry_at: None,
            n_strange: 0,
            told_version: false,
            was_up: false,
            hubs: BTreeMap::new(),
            terms: Arc::default(),
            links: Vec::new(),
            leaving: HashMap::new(),
            free_numbers: Vec::new(),
            run: Vec::new(),
            run_number: 0,
            touched: false,
            to_read: false,
        }
    }

    /// Whether a hub has answered.
    pub(super) fn is_up(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.greeted)
    }

    /// How many batches of settlements have no answer yet.
    pub(super) fn n_asked(&self) -> usize {
        self.session.as_ref().map_or(0, Session::n_asked)
    }

    /// Whether its link has left.
    pub(super) fn is_over(&self) -> bool {
        self.own && self.free_numbers.len() == self.links.len()
    }

    pub(super) fn receive(&mut self, common: &mut Common, limit: usize) -> usize {
        for n_received in 0..limit {
            let Some(session) = &self.session else {
                return n_received;
            };
            let Ok(message) = session.dealer.recv_msg(zmq::DONTWAIT) else {
                return n_received;
            };
            common.counts.received(message.len());
            let read = self.read(common, wire::frame(message));
            self.hand_over();
            if let Err(error) = read {
                self.refuse(common, error);
            }
        }
        limit
    }

    /// The session of this number, if it lives and a hub has answered it.
    fn session(&mut self, number: u64) -> Option<&mut Session> {
        let session = self.session.as_mut();
        session.filter(|session| session.number == number && session.greeted)
    }

    pub(super) fn tell(&mut self, common: &Common, session: u64, batch: Batch) {
        match self.session(session) {
            Some(session) => session.tell(batch, &common.counts, common.now),
            None => batch.all_lost(),
        }
    }

    pub(super) fn abandon(&mut self, session: u64, number: u32, token: LeaseToken) {
        if let Some(session) = self.session(session) {
            session.writer.abandoned(number, token);
        }
    }

    /// Does what is due; returns when to come again at the latest, and whether anything was done.
    pub(super) fn tick(
        &mut self,
        common: &mut Common,
        overslept: Duration,
        drained: bool,
    ) -> (Duration, bool) {
        let mut pause = IDLE_TICK;
        let mut changed = false;
        if let Some(session) = &mut self.session {
            // It was this process that stood still: what the hub said meanwhile comes first.
            if overslept > session.liveness / 2 {
                session.heard = common.now;
            }
            let silence = common.now.saturating_duration_since(session.heard);
            if session.greeted {
                pause = session.tick_pause();
                if silence > session.liveness && drained {
                    self.lose_session(common);
                    changed = true;
                } else if common.now.saturating_duration_since(session.spoke) > session.liveness / 4
                {
                    session.writer.beat_to_hub();
                    changed = true;
                }
            } else if common.now >= session.patient_until {
                self.lose_session(common);
                changed = true;
            }
        }
        if self.session.is_none() && self.free_numbers.len() < self.links.len() {
            match self.retry_at {
                Some(at) if at > common.now => pause = pause.min(at - common.now),
                Some(_) | None => {
                    self.begin_session(common);
                    changed = true;
                }
            }
        }
        (pause, changed)
    }

    /// Dials anew and says who is here.
    fn begin_session(&mut self, common: &mut Common) {
        let wait = PATIENCE_PER_LINE.saturating_mul(common.n_lines);
        let until = common.now + wait + stretched(GREETING, self.n_failed);
        match Session::dial(common, self.at, until, self.n_failed) {
            Ok(mut session) => {
                session.writer.hello(&self.process);
                self.session = Some(session);
                for number in 0..self.links.len() as u32 {
                    self.announce(common, number);
                }
            }
            Err(error) => {
                // It may pass (files that are closed, a network that comes up), so no link hears of it: an
                // error in its inbox may end a worker.
                let place = common.address.to_connect();
                tracing::warn!(place, %error, "failed to dial; trying on");
                self.n_failed = self.n_failed.saturating_add(1);
                self.retry_at = Some(common.now + stretched(BACKOFF, self.n_failed));
            }
        }
    }

    /// Ends a session: its leases are lost, its hubs are down.
    fn lose_session(&mut self, common: &mut Common) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        session.give_up();
        common.poller.remove(&session.dealer);
        let (greeted, greeted_at) = (session.greeted, session.greeted_at);
        let was_of_use = session.was_of_use;
        drop(session);
        if greeted {
            common.meters.lost.increment(1);
        }
        // Only a session that lasted or got work done shows that all is well again: a hub that greets and
        // is gone, over and over, is dialled less and less often. A bad wire costs sessions all the time,
        // and is no reason to stay away.
        if was_of_use || greeted_at.is_some_and(|at| common.now - at > GOOD_SESSION) {
            self.n_failed = 0;
        }
        self.n_failed = self.n_failed.saturating_add(1);
        if !greeted && self.n_failed == 1 {
            common.tell_of_silence();
        }
        self.retry_at = Some(match greeted {
            true => common.now + stretched(BACKOFF, self.n_failed),
            // Nobody was there: the waiting was done already.
            false => common.now,
        });
        self.terms.write().clear();
        let hubs = mem::take(&mut self.hubs);
        for link in self.links.iter_mut().flatten() {
            link.settler = None;
            for (&scan, hub) in &hubs {
                if hub.protocol.major == link.config.protocol.major {
                    link.queue.push(Ok(LinkIncoming::HubDown { scan }));
                }
            }
        }
        // The hub that would answer their goodbyes is gone; with the session it has forgotten them.
        let leaving: Vec<u32> = self.leaving.keys().copied().collect();
        leaving.into_iter().for_each(|number| self.left(number));
        common.fetches.lose_line(self.at);
        common.come_again_in(Duration::ZERO);
    }

    /// Ends a session whose hub said what cannot be understood.
    fn refuse(&mut self, common: &mut Common, error: Malformed) {
        common.count(error);
        if let Malformed::Version(theirs) = error {
            if self.is_up() {
                // The hub has spoken this process's version, so this is not from there. If it was,
                // and was damaged, the next frame shows a gap.
                return;
            }
            self.n_strange += 1;
            let looks_like_damage = (theirs ^ WIRE_VERSION).count_ones() == 1;
            if !looks_like_damage || self.n_strange >= VERSION_DOUBTS {
                self.tell_version(error);
            }
        }
        self.lose_session(common);
        // Somebody was there and answered at once: dialling again at once would go on as fast as sockets
        // can be opened, and faster than they are closed.
        self.retry_at = Some(common.now + stretched(BACKOFF, self.n_failed));
    }

    /// Tells every link, once, that this hub can never be served.
    fn tell_version(&mut self, error: Malformed) {
        if mem::replace(&mut self.told_version, true) {
            return;
        }
        for link in self.links.iter().flatten() {
            link.queue.push(Err(TransportError::WireMismatch {
                transport: NAME,
                beside_others: false,
                source: Box::new(error),
            }));
        }
    }

    /// Sends what was written; returns whether there was anything.
    pub(super) fn flush(&mut self, common: &Common) -> bool {
        let session = self.session.as_mut();
        session.is_some_and(|session| session.flush(&common.counts, common.now))
    }

    /// Says goodbye for good.
    pub(super) fn end(&mut self, common: &mut Common) {
        if let Some(session) = &mut self.session {
            session.writer.goodbye();
            session.flush(&common.counts, common.now);
            session.linger();
            common.meters.closed.increment(u64::from(session.greeted));
            common.poller.remove(&session.dealer);
        }
        common.fetches.lose_line(self.at);
        self.terms.write().clear();
        self.links
            .iter()
            .flatten()
            .for_each(|link| link.queue.end());
    }
}

/// Doubles from the first to the second with every failure, and adds up to half of it at random,
/// so that a fleet does not come back in one moment.
fn stretched([first, most]: [Duration; 2], n_failed: u32) -> Duration {
    let plain = first.saturating_mul(1 << n_failed.min(16)).min(most);
    plain + plain.mul_f64((random::number() % 1024) as f64 / 2048.0)
}
