//! The place where hubs and links meet: one lock around the lease table and who is there.

mod state;

use std::{
    mem,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use skyscan_transport::{
    DownCause, HubConfig, Lease, LinkId, LinkIncoming, Result, ScanId, TransportError,
    backend::Grant,
};
use tokio::{sync::Notify, time::Instant};

use crate::{Counts, Process, settler::MemorySettler};

pub(crate) use state::{Chore, HubState, LinkState, State};
use state::{Severed, deliver, introduce};

/// Everything that hubs and links of one place share.
#[derive(Debug)]
pub(crate) struct Place {
    state: Mutex<State>,
    /// What was asked for inside a `Drop`; done by the next one who comes by.
    chores: Mutex<Vec<Chore>>,
    /// Wakes a driver for chores and for a deadline earlier than the one it sleeps for.
    pub(crate) driver: Arc<Notify>,
    origin: Instant,
    numbers: AtomicU64,
    /// For settlers, which must not keep the place alive.
    itself: Weak<Place>,
}

impl Place {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            state: Mutex::default(),
            chores: Mutex::default(),
            driver: Arc::new(Notify::new()),
            origin: Instant::now(),
            numbers: AtomicU64::new(1),
            itself: Weak::clone(itself),
        })
    }

    /// Returns a number that nobody else at this place has.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.origin)
    }

    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.origin + at
    }

    /// Notes a chore; may be called anywhere, inside `Drop` too.
    pub(crate) fn chore(&self, chore: Chore) {
        self.chores.lock().push(chore);
        self.driver.notify_one();
    }

    /// Does the chores, then `act`, then hands out what can be leased.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State, Duration) -> T) -> T {
        let now = self.now();
        let mut state = self.state.lock();
        self.do_chores(&mut state);
        let answer = act(&mut state, now);
        self.dispatch(state, now);
        answer
    }

    /// Does what is due; returns when to come again, `None` when that hub is gone.
    pub(crate) fn tick(&self, scan: ScanId, epoch: u64) -> Option<Option<Duration>> {
        self.with(|state, now| {
            state.table.expire(now);
            state.lose_severed(now);
            let alive = state.hubs.get(&scan).is_some_and(|hub| hub.epoch == epoch);
            let severed = state.severed.values().filter_map(|severed| severed.lost_at);
            state.armed = severed.chain(state.table.next_deadline()).min();
            alive.then_some(state.armed)
        })
    }

    pub(crate) fn sever(&self, process: &Process) {
        self.with(|state, now| {
            let liveness = state.hubs.values().map(|hub| hub.config.liveness).min();
            let lost_at = liveness.map(|liveness| now + liveness);
            state.severed.insert(
                process.number,
                Severed {
                    lost_at,
                    chores: Vec::new(),
                },
            );
        });
        self.driver.notify_one();
    }

    pub(crate) fn heal(&self, process: &Arc<Process>) {
        self.with(|state, _| {
            let Some(severed) = state.severed.remove(&process.number) else {
                return;
            };
            self.chores.lock().extend(severed.chores);
            self.do_chores(state);
            for id in state.links_of(process.number) {
                match state.links.get_mut(&id) {
                    Some(link) if link.slot.is_some() => {
                        for incoming in mem::take(&mut link.on_the_way) {
                            deliver(&link.queue, incoming);
                        }
                    }
                    _ => self.attach(state, id),
                }
            }
        });
        process.rewired.notify_waiters();
    }

    /// Waits while the process's wire is cut and what it has to say could still arrive.
    pub(crate) async fn while_cut(&self, process: &Process, hopeful: impl Fn(&State) -> bool) {
        loop {
            let mut rewired = pin!(process.rewired.notified());
            rewired.as_mut().enable();
            let cut = self.with(|state, _| state.is_severed(process.number) && hopeful(state));
            if !cut {
                return;
            }
            rewired.await;
        }
    }

    /// Brings a link up at every open hub, unless it is or cannot be.
    pub(crate) fn attach(&self, state: &mut State, id: LinkId) {
        let Some(hub) = state.hubs.values().next() else {
            return;
        };
        let hub_version = hub.config.protocol;
        let Some(link) = state.links.get_mut(&id) else {
            return;
        };
        if link.slot.is_some() || state.severed.contains_key(&link.process.number) {
            return;
        }
        if hub_version.major != link.config.protocol.major {
            let link_version = link.config.protocol;
            let error = TransportError::ProtocolMismatch {
                hub: hub_version,
                link: link_version,
            };
            return link.queue.push(Err(error));
        }
        let slot = state.table.add_link(link.config.worker, link.config.credit);
        if link.draining {
            state.table.drain_link(slot);
        }
        link.slot = Some(slot);
        let place = Weak::clone(&self.itself);
        link.settler = Some(Arc::new(MemorySettler::new(
            place,
            Arc::clone(&link.process),
            id,
            link.config.worker,
            slot,
        )));
        state.slots.insert(slot, id);
        for (&scan, hub) in &state.hubs {
            introduce(id, link, scan, hub, false);
        }
    }

    /// Brings a hub up at every link that is there.
    pub(crate) fn add_hub(&self, state: &mut State, hub: HubState, now: Duration) -> Result<()> {
        let HubConfig {
            scan,
            protocol,
            backlog,
            liveness,
            lease_term,
            priority,
            ..
        } = hub.config;
        let other = state.hubs.values().next().map(|hub| hub.config.protocol);
        if let Some(other) = other.filter(|other| other.major != protocol.major) {
            return Err(TransportError::ProtocolMismatch {
                hub: other,
                link: protocol,
            });
        }
        if !state.table.add_scan(scan, priority, backlog, lease_term) {
            return Err(TransportError::ScanInUse(scan));
        }
        let changed = other.is_none();
        for (&id, link) in state
            .links
            .iter_mut()
            .filter(|(_, link)| link.slot.is_some())
        {
            if link.config.protocol.major != protocol.major {
                continue;
            }
            let severed = state.severed.get_mut(&link.process.number);
            introduce(id, link, scan, &hub, severed.is_some());
            if let Some(severed) = severed {
                severed.lost_at.get_or_insert(now + liveness);
            }
        }
        state.hubs.insert(scan, hub);
        let ids: Vec<LinkId> = if changed {
            state.links.keys().copied().collect()
        } else {
            vec![]
        };
        for id in ids {
            if state.links[&id].config.protocol.major != protocol.major {
                state.down(id, DownCause::Lost);
            }
            self.attach(state, id);
        }
        Ok(())
    }

    fn do_chores(&self, state: &mut State) {
        loop {
            let chores = mem::take(&mut *self.chores.lock());
            if chores.is_empty() {
                return;
            }
            for chore in chores {
                state.do_chore(chore);
            }
        }
    }

    fn dispatch(&self, mut guard: MutexGuard<'_, State>, now: Duration) {
        let state = &mut *guard;
        let mut grants = mem::take(&mut state.grants);
        state.table.grant(now, usize::MAX, &mut grants);
        if grants.is_empty() {
            state.grants = grants;
            return;
        }
        let mut run: Vec<Lease> = Vec::new();
        let mut rest = grants.drain(..).peekable();
        while let Some(grant) = rest.next() {
            let slot = grant.link;
            let Some(link) = state
                .slots
                .get(&slot)
                .and_then(|id| state.links.get_mut(id))
            else {
                continue;
            };
            if let Some(settler) = &link.settler {
                let settler = Arc::clone(settler);
                let Grant {
                    key,
                    body,
                    attempt,
                    token,
                    avoid,
                    ..
                } = grant;
                run.push(Lease::new(key, body, attempt, token, settler).avoiding(avoid));
            }
            if rest.peek().is_some_and(|next| next.link == slot) {
                continue;
            }
            let n_bytes = run.iter().map(|lease| lease.body().len()).sum();
            let counts = &link.process.counts;
            Counts::add(&counts.messages_received, &counts.bytes_received, n_bytes);
            let incoming = LinkIncoming::Leased(mem::take(&mut run));
            match state.severed.contains_key(&link.process.number) {
                true => link.on_the_way.push(incoming),
                false => deliver(&link.queue, incoming),
            }
        }
        drop(rest);
        state.grants = grants;
        for hub in state.hubs.values() {
            hub.room.notify_waiters();
        }
        let next = state.table.next_deadline();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            state.armed = next;
            self.driver.notify_one();
        }
    }
}
