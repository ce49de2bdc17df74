//! One session of this process with one hub.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use skyscan_transport::{
    Answer, DownCause, LeaseToken, LinkConfig, LinkId, Priority, Settlement, Settler, TaskId,
    TaskKey,
};
use tokio::time::{Duration, Instant};

use super::call::{Calls, PendingCall};
use crate::{
    hub::BEATS,
    lane::{Inbound, Outbound},
    outbox::{LaneEnd, Outbox, Receipt, Route},
    wire::{Address, Frame, FromProcess, Lane, Scan},
};

#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) session: u32,
    /// Whether its queue is declared and consumed in this incarnation.
    pub(crate) attached: bool,
    pub(crate) settler: Arc<dyn Settler>,
    pub(crate) welcome: Bytes,
    /// How urgent its hub is; told with the welcome.
    pub(super) priority: Priority,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound<Note>,
    pub(super) leases: HashMap<LeaseToken, HeldLease>,
    /// Leases beyond what a link may hold.
    pub(super) n_refused: u32,
    pub(super) calls: Calls,
    /// Tasks whose renewal is under way, by call.
    renewing: HashMap<u64, BTreeMap<LeaseToken, TaskKey>>,
    /// Links that the hub has been told of.
    told: HashSet<LinkId>,
    /// When the latest frame left that the broker has confirmed: the hub counts silence from it or
    /// later, so this process knows first that it is lost.
    pub(super) confirmed_at: Instant,
    next_beat: Instant,
    pub(super) progress: Instant,
}

/// A lease that some link holds, from its arrival until the hub has acted on its end.
#[derive(Debug)]
pub(super) struct HeldLease {
    pub(super) link: LinkId,
    pub(super) task: TaskId,
    /// The call that settles it.
    pub(super) call: Option<u64>,
    pub(super) settling: bool,
    /// Whether it counts as one that the link holds; one that was refused never did.
    pub(super) counts: bool,
}

/// What ends when the hub has acted on a frame.
#[derive(Debug, Default)]
pub(super) struct Note {
    pub(super) settled: Vec<LeaseToken>,
    /// Calls, and how many entries of each the frame carries.
    pub(super) calls: Vec<(u64, usize)>,
}

impl Note {
    fn counts_for(&mut self, call: u64) {
        match self.calls.last_mut() {
            Some((last, n_entries)) if *last == call => *n_entries += 1,
            _ => self.calls.push((call, 1)),
        }
    }
}

impl Serving {
    pub(super) fn new(session: u32, settler: Arc<dyn Settler>, now: Instant) -> Self {
        Self {
            session,
            attached: false,
            settler,
            welcome: Bytes::new(),
            priority: Priority::default(),
            inbound: Inbound::new(),
            outbound: Outbound::new(),
            leases: HashMap::new(),
            n_refused: 0,
            calls: Calls::default(),
            renewing: HashMap::new(),
            told: HashSet::new(),
            confirmed_at: now,
            next_beat: now,
            progress: now,
        }
    }

    pub(super) fn tell(&mut self, entry: &FromProcess, scan: Scan, outbox: &mut Outbox) {
        self.outbound.push(|out| entry.put(out));
        self.queue(scan, outbox);
    }

    /// Makes the lane known to whoever publishes.
    pub(super) fn queue(&mut self, scan: Scan, outbox: &mut Outbox) {
        if self.attached && !self.outbound.queued {
            self.outbound.queued = true;
            outbox.lane(LaneEnd::OfProcess { scan: scan.id });
        }
    }

    pub(super) fn link_up(
        &mut self,
        link: LinkId,
        config: &LinkConfig,
        scan: Scan,
        outbox: &mut Outbox,
    ) {
        if self.told.insert(link) {
            let up = FromProcess::LinkUp {
                link,
                protocol: config.protocol,
                worker: config.worker,
                credit: config.credit,
                hello: config.hello.clone(),
            };
            self.tell(&up, scan, outbox);
        }
    }

    /// Tells the hub that a link ends; its leases are lost with it.
    pub(super) fn link_down(
        &mut self,
        link: LinkId,
        cause: DownCause,
        scan: Scan,
        outbox: &mut Outbox,
    ) -> Option<PendingCall> {
        if !self.told.remove(&link) {
            return None;
        }
        let (call, pending) = self.calls.open(1, Vec::new());
        let down = FromProcess::LinkDown { link, cause };
        self.outbound.push(|out| down.put(out)).counts_for(call);
        self.queue(scan, outbox);
        self.leases
            .retain(|_, held| held.link != link || held.settling);
        Some(pending)
    }

    /// Sends the end of leases; those not held any more are lost at once.
    pub(crate) fn settle(
        &mut self,
        settlements: Vec<Settlement>,
        scan: Scan,
        outbox: &mut Outbox,
    ) -> PendingCall {
        let mut lost = Vec::new();
        let mut entries = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let by = settlement.worker();
            let (token, key, answer) = settlement.into_parts();
            match self.leases.get_mut(&token).filter(|held| !held.settling) {
                Some(held) => {
                    held.settling = true;
                    entries.push((held.link, token, by, answer));
                }
                None => lost.push(key),
            }
        }
        let (call, pending) = self.calls.open(entries.len(), lost);
        for (link, token, worker, answer) in entries {
            let entry = match answer {
                Answer::Completed(result) => FromProcess::Completed {
                    link,
                    token,
                    worker,
                    result,
                },
                Answer::Rejected(reason) => FromProcess::Rejected {
                    link,
                    token,
                    worker,
                    reason,
                },
                Answer::Released => FromProcess::Released { link, token },
            };
            let note = self.outbound.push(|out| entry.put(out));
            note.settled.push(token);
            note.counts_for(call);
            if let Some(held) = self.leases.get_mut(&token) {
                held.call = Some(call);
            }
        }
        self.queue(scan, outbox);
        pending
    }

    /// Gives a task back without anybody waiting for it.
    pub(crate) fn release(&mut self, token: LeaseToken, scan: Scan, outbox: &mut Outbox) {
        let held = self.leases.get_mut(&token).filter(|held| !held.settling);
        let Some(held) = held else {
            return;
        };
        held.settling = true;
        let entry = FromProcess::Released {
            link: held.link,
            token,
        };
        let note = self.outbound.push(|out| entry.put(out));
        note.settled.push(token);
        self.queue(scan, outbox);
    }

    pub(crate) fn renew(
        &mut self,
        leases: Vec<(LeaseToken, TaskKey)>,
        scan: Scan,
        outbox: &mut Outbox,
    ) -> PendingCall {
        let (held, lost): (Vec<_>, Vec<_>) = leases
            .into_iter()
            .partition(|(token, _)| self.leases.contains_key(token));
        let lost = lost.into_iter().map(|(_, key)| key).collect();
        let (call, pending) = self.calls.open(held.len(), lost);
        for &(token, _) in &held {
            let Some(link) = self.leases.get(&token).map(|held| held.link) else {
                continue;
            };
            let entry = FromProcess::Renew { link, token, call };
            self.outbound.push(|out| entry.put(out)).counts_for(call);
        }
        if !held.is_empty() {
            self.renewing.insert(call, held.into_iter().collect());
        }
        self.queue(scan, outbox);
        pending
    }

    /// Starts the term of a lease anew on the process's own account.
    pub(super) fn touch(&mut self, token: LeaseToken, scan: Scan, outbox: &mut Outbox) {
        if let Some(link) = self.leases.get(&token).map(|held| held.link) {
            let call = u64::MAX;
            self.tell(&FromProcess::Renew { link, token, call }, scan, outbox);
        }
    }

    pub(super) fn not_renewed(&mut self, call: u64, token: LeaseToken) {
        let key = self.renewing.get(&call).and_then(|keys| keys.get(&token));
        if let Some(&key) = key {
            self.calls.lost(call, key);
        }
    }

    pub(super) fn call_taken(&mut self, call: u64, n_taken: usize) {
        self.calls.taken(call, n_taken);
        self.renewing.remove(&call);
    }

    /// Answers every call: whatever the hub has not acted on is lost.
    pub(super) fn end(&mut self, scan: Scan) {
        for held in self.leases.values() {
            if let Some(call) = held.call {
                let key = TaskKey {
                    scan: scan.id,
                    task: held.task,
                };
                self.calls.lost(call, key);
            }
        }
        for (&call, keys) in &self.renewing {
            for &key in keys.values() {
                self.calls.lost(call, key);
            }
        }
        self.calls.end();
    }

    /// The broker has a frame that left at this moment.
    pub(super) fn confirmed(
        &mut self,
        sent_at: Instant,
        beat: bool,
        scan: Scan,
        outbox: &mut Outbox,
    ) {
        self.confirmed_at = self.confirmed_at.max(sent_at);
        if !beat {
            self.outbound.confirmed();
            self.queue(scan, outbox);
        }
    }

    /// Sends a sign of life when it is due, and again what has not arrived for long.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        liveness: Duration,
        scan: Scan,
        outbox: &mut Outbox,
    ) {
        if !self.attached {
            return;
        }
        if self.outbound.n_open() > 0 && now - self.progress > liveness / 2 {
            self.outbound.rewind();
            self.progress = now;
            self.queue(scan, outbox);
        }
        if now >= self.next_beat {
            self.next_beat = now + liveness / BEATS;
            self.outbound.beat_due = true;
            self.queue(scan, outbox);
        }
    }

    pub(super) fn next_tick(&self) -> Option<Instant> {
        self.attached.then_some(self.next_beat)
    }

    /// The connections are new: nothing is on its way any more.
    pub(super) fn reattached(&mut self, now: Instant, scan: Scan, outbox: &mut Outbox) {
        self.attached = true;
        self.progress = now;
        self.outbound.reconnected();
        self.next_beat = now;
        self.queue(scan, outbox);
    }

    /// The next frame for the hub, if any.
    pub(super) fn next_frame(
        &mut self,
        from: Address,
        scan: Scan,
        now: Instant,
    ) -> Option<(Route, Frame, Receipt)> {
        let next = if self.attached {
            self.outbound.next()
        } else {
            None
        };
        if next.is_none() && !(self.attached && self.outbound.beat_due) {
            self.outbound.queued = false;
            return None;
        }
        let beat = next.is_none();
        self.outbound.beat_due = false;
        let (sequence, entries) =
            next.map_or((0, Bytes::new()), |next| (next.sequence, next.entries));
        let lane = Lane {
            session: self.session,
            sequence,
            arrived: self.inbound.arrived(),
            missing: self.inbound.missing,
        };
        let receipt = Receipt::ProcessLane {
            scan,
            session: self.session,
            beat,
            sent_at: now,
        };
        Some((
            Route::Results(scan),
            Frame::Up {
                from,
                lane,
                entries,
            },
            receipt,
        ))
    }
}
