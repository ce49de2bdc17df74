//! What the hubs and links of one process share: one lock, one outbox, one pair of connections.
//!
//! A link with a connection of its own is a process of its own to hubs and broker; [`Common`] is
//! what it shares with the others all the same.

mod common;
mod state;

use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use skyscan_transport::{LeaseToken, LinkId, backend::random};
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

pub(crate) use self::{common::Common, state::State};
use crate::{
    counts::Told,
    hub::HubState,
    outbox::{Receipt, Route},
    place::Place,
    wire::{Address, Frame, Malformed, Scan},
};

/// Longest time between two looks at the clock.
const MAX_TICK: Duration = Duration::from_millis(250);

/// Letters waiting beyond this stop the reading of requests.
const MAX_LETTERS: usize = 1024;

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) place: Place,
    pub(crate) id: u64,
    /// Whether it stands for one link with a connection of its own.
    pub(crate) own: bool,
    pub(crate) told: Told,
    pub(crate) common: Arc<Common>,
    state: Mutex<State>,
    /// What was asked for inside a `Drop`; done by the next one who comes by.
    chores: Mutex<Vec<Chore>>,
    /// There is something to publish.
    pub(crate) outgoing: Notify,
    /// There is something to declare or to delete.
    pub(crate) topology: Notify,
    /// The next deadline may be earlier than the one that is slept for.
    pub(crate) deadlines: Notify,
    /// Requests may be read again.
    pub(crate) letters: Notify,
    itself: Weak<Process>,
}

/// A wish that was uttered where nothing may be done.
#[derive(Debug)]
pub(crate) enum Chore {
    Release {
        scan: Scan,
        session: u32,
        token: LeaseToken,
    },
    Drain(LinkId),
    LoseLink(LinkId),
    CloseHub(Scan),
    HasRoom(Scan),
    End,
}

/// One frame to publish.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) route: Route,
    pub(crate) frame: Frame,
    pub(crate) receipt: Receipt,
}

/// Where a frame was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// The queue of this process.
    Process,
    /// The question or lane queue of a hub of this process.
    Hub(Scan),
    /// The queue of a session of this process.
    Tasks(Scan),
}

impl Process {
    pub(crate) fn new(place: Place, own: bool, common: Arc<Common>) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            place,
            id: random::number(),
            own,
            told: Told::new(Arc::clone(&common.totals)),
            common,
            state: Mutex::default(),
            chores: Mutex::default(),
            outgoing: Notify::new(),
            topology: Notify::new(),
            deadlines: Notify::new(),
            letters: Notify::new(),
            itself: Weak::clone(itself),
        })
    }

    /// Notes a chore; may be called anywhere, inside `Drop` too.
    pub(crate) fn chore(&self, chore: Chore) {
        self.chores.lock().push(chore);
        self.deadlines.notify_one();
    }

    /// Does the chores, then `act`, then wakes whoever has something to do now.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = Instant::now();
        let mut state = self.state.lock();
        self.do_chores(&mut state, now);
        let answer = act(&mut state, now);
        // Leases may have been dropped meanwhile.
        self.do_chores(&mut state, now);
        let outgoing = !state.sessions.outbox.is_empty();
        let topology = std::mem::take(&mut state.sessions.topology_changed);
        drop(state);
        if outgoing {
            self.outgoing.notify_one();
        }
        if topology {
            self.topology.notify_one();
        }
        answer
    }

    fn do_chores(&self, state: &mut State, now: Instant) {
        loop {
            let chores = std::mem::take(&mut *self.chores.lock());
            if chores.is_empty() {
                return;
            }
            for chore in chores {
                state.do_chore(chore, now);
            }
        }
    }

    /// This process, for settlers.
    pub(crate) fn shared(&self) -> Option<Arc<Self>> {
        self.itself.upgrade()
    }

    /// The address under which answers reach this process.
    pub(crate) fn address(&self, state: &State) -> Address {
        Address {
            process: self.id,
            incarnation: state.incarnation,
        }
    }

    /// Does what is due, and returns when to come again.
    pub(crate) fn tick(&self) -> Instant {
        self.with(|state, now| {
            let frozen = state.blocked;
            let State {
                hubs,
                sessions,
                fetches,
                connected,
                ..
            } = state;
            sessions.tick(now, frozen);
            for hub in hubs.values_mut() {
                hub.tick(now, frozen || !*connected, &mut sessions.outbox);
            }
            if !fetches.is_empty() {
                let from = Address {
                    process: self.id,
                    incarnation: state.incarnation,
                };
                let mut outbox = std::mem::take(&mut state.sessions.outbox);
                let sessions = &state.sessions;
                state
                    .fetches
                    .tick(now, from, |scan| sessions.is_open(scan), &mut outbox);
                state.sessions.outbox = outbox;
            }
            let sessions = &state.sessions;
            self.told.link.links.set(sessions.links.n_links());
            self.told.link.leased.set(sessions.n_held());
            self.told.link.credit.set(sessions.links.total_credit());
            HubState::tell(state.hubs.values(), &self.told.hub);
            let hubs = state.hubs.values().filter(|hub| hub.attached);
            let next = hubs
                .map(HubState::next_tick)
                .chain(sessions.next_tick())
                .min();
            next.map_or(now + MAX_TICK, |next| next.min(now + MAX_TICK))
        })
    }

    /// Acts on frames that were read from one queue; returns the places of those refused.
    pub(crate) fn receive(&self, source: Source, frames: Vec<Bytes>) -> Vec<usize> {
        let mut refused = Vec::new();
        let Some(itself) = self.shared() else {
            return refused;
        };
        self.with(|state, now| {
            for (number, bytes) in frames.into_iter().enumerate() {
                let n_bytes = bytes.len();
                let done = Frame::decode(bytes).and_then(|frame| {
                    self.told.received(&frame, n_bytes);
                    state.receive(&itself, source, frame, now)
                });
                if done == Err(Malformed::Version) && matches!(source, Source::Process) {
                    state.sessions.another_version(Malformed::Version);
                }
                if let Err(malformed) = done {
                    match malformed.is_of_a_stranger() {
                        true => tracing::info!(?source, %malformed, "refused a frame"),
                        false => tracing::warn!(?source, %malformed, "refused a frame"),
                    }
                    let told = &self.told.shared;
                    let reason = match malformed {
                        Malformed::Oversized(_) => &told.oversize,
                        Malformed::Version => &told.version,
                        Malformed::Damaged => &told.damaged,
                        Malformed::Foreign => &told.foreign,
                        Malformed::Hubs => &told.hubs_over,
                        Malformed::Unsealed => &told.unsealed,
                        Malformed::Keyless => &told.keyless,
                        Malformed::Unopened => &told.unopened,
                        Malformed::Repeated => &told.repeated,
                        Malformed::UnknownSeal => &told.unknown_peer,
                        _ => &told.malformed,
                    };
                    reason.increment(1);
                    refused.push(number);
                }
            }
        });
        refused
    }

    /// Whether so many letters wait that no more requests should be read.
    pub(crate) fn is_crowded(&self) -> bool {
        self.with(|state, _| state.sessions.outbox.n_letters() >= MAX_LETTERS)
    }

    /// Takes up to `limit` frames to publish.
    pub(crate) fn outgoing(&self, limit: usize) -> Vec<Outgoing> {
        let taken = self.with(|state, now| {
            let from = self.address(state);
            let mut taken = Vec::new();
            while taken.len() < limit
                && let Some(outgoing) = state.next_sealed(from, now, self.common.keys.is_some())
            {
                taken.push(outgoing);
            }
            taken
        });
        self.letters.notify_waiters();
        taken
    }

    /// The broker has taken some frames and refused others.
    pub(crate) fn settled(&self, taken: Vec<Receipt>, refused: Vec<Receipt>) {
        self.with(|state, _| {
            for receipt in taken {
                state.confirmed(receipt);
            }
            for receipt in refused {
                state.nacked(receipt);
            }
        });
    }
}
