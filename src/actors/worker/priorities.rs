//! Urgent scans first (C16): what is begun next, what is given back for it, and how long a slot waits.
//!
//! A scan goes in waves, and between two of them there is nothing to do for a moment: a slot that took a task
//! of another scan then would be away for half a second in each wave. So what is free waits a little for the
//! next wave; not for ever, since an urgent scan may be stuck.
//!
//! Decision: Urgent scans come first, and nothing is killed for them (`docs/decisions.md`).

use std::collections::VecDeque;
use std::time::Duration;

use actix::{AsyncContext, Context, SpawnHandle};
use skyscan_transport::{Lease, Priority, ScanId};
use tokio::time::Instant;

use super::{Readiness, ServedScan, Worker};

/// How long slots are kept for a scan after its last lease came or ended.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(1);

/// When to look again at slots that are kept free.
#[derive(Debug, Default)]
pub(super) struct Kept(Option<(Instant, SpawnHandle)>);

impl Worker {
    /// How urgent a scan is, if it is served.
    fn priority_of(&self, scan: ScanId) -> Option<Priority> {
        Some(self.scans.get(&scan)?.priority)
    }

    /// Something of this scan came or ended.
    pub(super) fn stir(&mut self, scan: ScanId) {
        if let Some(served) = self.scans.get_mut(&scan) {
            served.stirred = Instant::now();
        }
    }

    /// The scans of these leases have something to do, and may want what lower ones hold.
    pub(super) fn stir_all(&mut self, leases: &[Lease]) {
        let mut highest = None;
        for lease in leases {
            let scan = lease.key().scan;
            self.stir(scan);
            highest = highest.max(self.priority_of(scan));
        }
        let credit = self
            .config
            .slots
            .saturating_mul(self.config.leases_per_slot);
        let n_held = self.running.len() + self.waiting.len() + leases.len();
        if let Some(highest) = highest.filter(|_| n_held >= usize::from(credit.get())) {
            self.yield_to(highest);
        }
    }

    /// Gives back what is not begun of lower scans: it is leased again, here or elsewhere, and none of it counts
    /// as lost.
    pub(super) fn yield_to(&mut self, highest: Priority) {
        let is_lower = |lease: &Lease| {
            let served = self.scans.get(&lease.key().scan);
            served.is_some_and(|served| served.priority < highest)
        };
        let (lower, rest): (VecDeque<Lease>, VecDeque<Lease>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_lower);
        self.waiting = rest;
        self.meters.yielded(lower.len());
        self.settlements
            .extend(lower.into_iter().map(Lease::released));
    }

    /// Takes the lease that is begun next: of the highest priority, and the first that came. None while slots are
    /// kept for scans that are higher than all that wait.
    pub(super) fn next_waiting(&mut self) -> Option<Lease> {
        let highest = self.scans.values().map(|served| served.priority).max();
        let mut best: Option<(usize, Priority)> = None;
        for (at, lease) in self.waiting.iter().enumerate() {
            let Some(served) = self.scans.get(&lease.key().scan) else {
                return self.waiting.remove(at);
            };
            let is_ready = !matches!(served.readiness, Readiness::Preparing);
            if is_ready && best.is_none_or(|(_, best)| served.priority > best) {
                best = Some((at, served.priority));
            }
            // Nearly always the first one.
            if best.map(|(_, best)| best) == highest {
                break;
            }
        }
        let (at, priority) = best?;
        match self.kept_until(priority) {
            Some(_) => None,
            None => self.waiting.remove(at),
        }
    }

    /// Until when slots are kept from scans of this priority, if they are.
    fn kept_until(&self, priority: Priority) -> Option<Instant> {
        let is_higher = |served: &&ServedScan| {
            served.priority > priority && !matches!(served.readiness, Readiness::Unusable(_))
        };
        let higher = self.scans.values().filter(is_higher);
        let until = higher.map(|served| served.stirred + KEPT_FOR).max();
        until.filter(|until| *until > Instant::now())
    }

    /// Looks again when the slots that are free now are kept no longer.
    pub(super) fn look_again(&mut self, context: &mut Context<Self>) {
        let waiting = self.waiting.iter();
        let priorities = waiting.filter_map(|lease| self.priority_of(lease.key().scan));
        let next = priorities
            .filter_map(|priority| self.kept_until(priority))
            .min();
        let Some(next) = next.filter(|_| self.has_free_slot()) else {
            return;
        };
        match self.kept.0.take() {
            // It looks again after that.
            Some((at, earlier)) if at <= next => {
                self.kept.0 = Some((at, earlier));
                return;
            }
            Some((_, later)) => {
                context.cancel_future(later);
            }
            None => {}
        }
        let pause = next.saturating_duration_since(Instant::now());
        let handle = context.run_later(pause, |actor, context| {
            actor.kept = Kept::default();
            actor.fill_slots(context);
        });
        self.kept.0 = Some((next, handle));
    }
}

#[cfg(test)]
mod tests;
