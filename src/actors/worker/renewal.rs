//! Held leases are renewed in time: those with the shortest term decide when, and no hub is waited for
//! by the others.

use std::collections::BTreeMap;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use skyscan_transport::{Lease, ScanId};
use tokio::time::Instant;

use super::Worker;

/// Held leases are renewed when this share of their term is over.
const RENEW_AFTER: f64 = 1.0 / 3.0;
/// Never more often, whatever term a hub tells.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// When leases are renewed next.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    next: Option<(Instant, SpawnHandle)>,
    /// Scans whose hub has not answered the last one yet.
    under_way: Vec<ScanId>,
}

impl Worker {
    /// Sees to it that these leases are renewed before they end.
    pub(super) fn renew_in_time(&mut self, leases: &[Lease], context: &mut Context<Self>) {
        if let Some(term) = leases.iter().map(Lease::term).min() {
            self.renew_within(term, context);
        }
    }

    fn renew_within(&mut self, term: Duration, context: &mut Context<Self>) {
        let pause = term.mul_f64(RENEW_AFTER).max(SHORTEST_PAUSE);
        let at = Instant::now() + pause;
        match self.renewals.next {
            Some((next, _)) if next <= at => return,
            Some((_, later)) => {
                context.cancel_future(later);
            }
            None => {}
        }
        self.renewals.next = Some((at, context.run_later(pause, Self::renew)));
    }

    fn renew(&mut self, context: &mut Context<Self>) {
        self.renewals.next = None;
        let mut by_scan: BTreeMap<ScanId, Vec<&Lease>> = BTreeMap::new();
        for lease in self.waiting.iter().chain(self.running.values()) {
            let scan = lease.key().scan;
            // With its hub a lease is lost, though its kernel may run on; what is lost has no term.
            if self.scans.contains_key(&scan) {
                by_scan.entry(scan).or_default().push(lease);
            }
        }
        let terms = by_scan.values().flatten().map(|lease| lease.term());
        let Some(term) = terms.min() else {
            return;
        };
        let mut begun = Vec::new();
        for (scan, leases) in by_scan {
            if !self.renewals.under_way.contains(&scan) {
                begun.push((scan, skyscan_transport::renew(leases)));
            }
        }
        for (scan, renewing) in begun {
            self.renewals.under_way.push(scan);
            context.spawn(renewing.into_actor(self).map(move |renewed, actor, _| {
                actor.renewals.under_way.retain(|other| *other != scan);
                if let Err(error) = renewed {
                    tracing::debug!(%error, "could not renew leases");
                }
            }));
        }
        self.renew_within(term, context);
    }
}
