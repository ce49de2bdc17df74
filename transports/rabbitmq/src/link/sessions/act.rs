//! What a process does with what a hub tells it.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use skyscan_transport::{Lease, LinkId, LinkIncoming, TaskKey, backend::Meters};
use tokio::time::Instant;

use super::Sessions;
use crate::{
    lane::Arrival,
    link::{links::LinkState, serving::HeldLease, waitlist::Waiting},
    wire::{FromHub, Lane, Malformed, Scan},
};

/// Leases of one hub that a link may hold beyond twice its credit. A hub leases anew what has run out,
/// and this process may learn of that later.
const LEASES_BESIDE: usize = 16;

/// Leases refused in one session before its hub is taken for a broken one.
const MAX_REFUSED: u32 = 1024;

impl Sessions {
    /// Acts on a frame of a hub's lane.
    pub(crate) fn receive(
        &mut self,
        scan: Scan,
        lane: Lane,
        entries: Bytes,
        meters: &Meters,
        now: Instant,
    ) -> Result<(), Malformed> {
        let Some(seen) = self.hubs.get_mut(&scan.id).filter(|seen| seen.scan == scan) else {
            return Ok(());
        };
        let liveness = seen.liveness;
        let serving = seen.serving.as_mut();
        let Some(serving) = serving.filter(|serving| serving.session == lane.session) else {
            return Ok(());
        };
        seen.last_heard = now;
        let n_open = serving.outbound.n_open();
        serving.outbound.arrived(lane.arrived);
        if serving.outbound.n_open() < n_open || n_open == 0 {
            serving.progress = now;
        } else if lane.missing && now - serving.progress > liveness / 8 {
            serving.outbound.rewind();
            serving.progress = now;
            serving.queue(scan, &mut self.outbox);
        }
        if lane.sequence == 0 {
            return Ok(());
        }
        match serving.inbound.accept(lane.sequence) {
            Arrival::Repeated => return Ok(()),
            Arrival::Early => {
                serving.outbound.beat_due = true;
                serving.queue(scan, &mut self.outbox);
                return Ok(());
            }
            Arrival::New => {}
        }
        let read = FromHub::read_all(entries);
        if read.is_err() {
            // Its lane would stand still for ever.
            self.hub_gone(scan.id, now);
        }
        self.act(scan, read?, meters, now);
        Ok(())
    }

    fn act(&mut self, scan: Scan, entries: Vec<FromHub>, meters: &Meters, now: Instant) {
        let seen = self.hubs.get_mut(&scan.id);
        let Some(serving) = seen.and_then(|seen| seen.serving.as_mut()) else {
            return;
        };
        let settler = Arc::clone(&serving.settler);
        let mut freed: BTreeSet<LinkId> = BTreeSet::new();
        let mut run: Vec<Lease> = Vec::new();
        let mut run_link = None;
        for entry in entries {
            match entry {
                // A slice would keep the whole frame.
                FromHub::Welcome { priority, welcome } => {
                    serving.welcome = Bytes::copy_from_slice(&welcome);
                    serving.priority = priority;
                }
                FromHub::Known { link } => {
                    if let Some(link) = self.links.get_mut(link) {
                        let welcome = serving.welcome.clone();
                        let up = LinkIncoming::HubUp {
                            scan: scan.id,
                            welcome,
                            priority: serving.priority,
                        };
                        link.up.insert(scan.id, serving.priority);
                        link.queue.push(Ok(up));
                    }
                }
                FromHub::Leased {
                    link,
                    token,
                    task,
                    attempt,
                    avoid,
                    body,
                } => {
                    let priority = serving.priority;
                    let is_over = |state: &LinkState| {
                        let most = 2 * usize::from(state.config.credit) + LEASES_BESIDE;
                        let has_room =
                            state.fits(scan.id, priority) || state.waiting.has_room(body.len());
                        state.n_held(scan.id) >= most || !has_room
                    };
                    let state = self.links.get_mut(link).filter(|link| !link.draining);
                    let is_refused = state.as_ref().is_some_and(|state| is_over(state));
                    let state = state.filter(|_| !is_refused);
                    let held = HeldLease {
                        link,
                        task,
                        call: None,
                        settling: false,
                        counts: state.is_some(),
                    };
                    serving.leases.insert(token, held);
                    let Some(state) = state else {
                        meters.leases_over.increment(u64::from(is_refused));
                        serving.n_refused += u32::from(is_refused);
                        serving.release(token, scan, &mut self.outbox);
                        continue;
                    };
                    let fits = state.fits(scan.id, priority);
                    state.hold(scan.id);
                    if !fits {
                        state.waiting.push(Waiting {
                            scan,
                            priority,
                            session: serving.session,
                            token,
                            task,
                            attempt,
                            avoid,
                            body,
                            since: now,
                        });
                        continue;
                    }
                    if run_link != Some(link) {
                        self.links.push_leases(run_link, &mut run);
                        run_link = Some(link);
                    }
                    let key = TaskKey {
                        scan: scan.id,
                        task,
                    };
                    let lease = Lease::new(key, body, attempt, token, Arc::clone(&settler));
                    run.push(lease.avoiding(avoid));
                }
                FromHub::Lost { token } => {
                    if let Some(held) = serving.leases.get(&token)
                        && let Some(call) = held.call
                    {
                        let key = TaskKey {
                            scan: scan.id,
                            task: held.task,
                        };
                        serving.calls.lost(call, key);
                    }
                }
                FromHub::NotRenewed { call, token } => serving.not_renewed(call, token),
                FromHub::Taken { sequence } => {
                    for note in serving.outbound.taken(sequence) {
                        for token in note.settled {
                            if let Some(held) = serving.leases.remove(&token)
                                && held.counts
                                && let Some(link) = self.links.get_mut(held.link)
                            {
                                link.let_go(scan.id);
                                freed.insert(held.link);
                            }
                        }
                        for (call, n_taken) in note.calls {
                            serving.call_taken(call, n_taken);
                        }
                    }
                }
            }
        }
        let n_refused = serving.n_refused;
        self.links.push_leases(run_link, &mut run);
        for link in freed {
            self.feed(link, now);
        }
        if n_refused > MAX_REFUSED {
            self.hub_gone(scan.id, now);
        }
    }

    /// Hands a link what waits for its credit.
    pub(super) fn feed(&mut self, id: LinkId, now: Instant) {
        while let Some(waiting) = self.links.get_mut(id).and_then(|link| link.next_waiting()) {
            let Some((serving, outbox)) = self.serving(waiting.scan, waiting.session) else {
                continue;
            };
            if now > waiting.since {
                // Its term has been running while it waited.
                serving.touch(waiting.token, waiting.scan, outbox);
            }
            let settler = Arc::clone(&serving.settler);
            let key = TaskKey {
                scan: waiting.scan.id,
                task: waiting.task,
            };
            let lease = Lease::new(key, waiting.body, waiting.attempt, waiting.token, settler);
            let lease = lease.avoiding(waiting.avoid);
            self.links.push_leases(Some(id), &mut vec![lease]);
        }
    }

    /// Tells every link that is up at this hub.
    pub(crate) fn notice(&mut self, scan: Scan, body: &Bytes) {
        if self.is_open(scan).is_none() {
            return;
        }
        for link in self
            .links
            .values()
            .filter(|link| link.up.contains_key(&scan.id))
        {
            let notice = LinkIncoming::Notice {
                scan: scan.id,
                body: body.clone(),
            };
            link.queue.push(Ok(notice));
        }
    }
}

#[cfg(test)]
mod tests;
