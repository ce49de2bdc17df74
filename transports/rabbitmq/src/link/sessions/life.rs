//! Sessions in time: signs of life, silence, lost and new connections.

use skyscan_transport::ScanId;
use tokio::time::{Duration, Instant};

use super::Sessions;
use crate::{
    outbox::{Receipt, Route},
    wire::{Address, Frame, Scan},
};

impl Sessions {
    /// Does what is due. While `frozen` nobody can be heard through no fault of theirs.
    pub(crate) fn tick(&mut self, now: Instant, frozen: bool) {
        let ids: Vec<ScanId> = self.hubs.keys().copied().collect();
        for id in ids {
            let Some(seen) = self.hubs.get_mut(&id) else {
                continue;
            };
            let liveness = seen.liveness;
            let unheard = |since: Instant| !frozen && now - since > liveness;
            let fenced = seen.serving.as_ref();
            let fenced = fenced.is_some_and(|serving| unheard(serving.confirmed_at));
            if unheard(seen.last_heard) || fenced {
                let what = match fenced {
                    true => "does not take what is sent to it",
                    false => "is silent",
                };
                let (seconds, scan) = (liveness.as_secs_f64(), id.0 >> 32);
                tracing::warn!(
                    "scan {scan:08x} {what} for {seconds:.0} s: its tasks are left to others until it is heard again"
                );
                self.hub_gone(id, now);
            } else if let Some(serving) = &mut seen.serving {
                serving.tick(now, liveness, seen.scan, &mut self.outbox);
            }
        }
        for waiting in self.links.stale(now, |scan| {
            self.hubs
                .get(&scan)
                .map_or(Duration::ZERO, |seen| seen.lease_term / 2)
        }) {
            self.release(waiting.scan, waiting.session, waiting.token);
        }
    }

    pub(crate) fn next_tick(&self) -> Option<Instant> {
        let seen = self.hubs.values().map(|seen| {
            let silence = seen.last_heard + seen.liveness;
            let serving = seen.serving.as_ref();
            serving.map_or(silence, |serving| {
                let fence = serving.confirmed_at + seen.liveness;
                silence.min(fence).min(serving.next_tick().unwrap_or(fence))
            })
        });
        seen.min()
    }

    /// The process can be heard again after it was blocked.
    pub(crate) fn thawed(&mut self, now: Instant) {
        for seen in self.hubs.values_mut() {
            seen.last_heard = now;
            if let Some(serving) = &mut seen.serving {
                serving.confirmed_at = now;
            }
        }
    }

    /// The connections are gone.
    pub(crate) fn detached(&mut self) {
        for seen in self.hubs.values_mut() {
            if let Some(serving) = &mut seen.serving {
                serving.attached = false;
            }
        }
    }

    /// The session's queue is declared and consumed.
    pub(crate) fn attached(&mut self, scan: Scan, now: Instant) {
        let seen = self.hubs.get_mut(&scan.id).filter(|seen| seen.scan == scan);
        if let Some(serving) = seen.and_then(|seen| seen.serving.as_mut()) {
            serving.reattached(now, scan, &mut self.outbox);
        }
    }

    /// Hubs that want a queue at the broker, and whether they have it in this incarnation.
    pub(crate) fn wanted(&self) -> Vec<(Scan, bool, Duration)> {
        let serving = self.hubs.values().filter_map(|seen| {
            let serving = seen.serving.as_ref()?;
            Some((seen.scan, serving.attached, seen.liveness))
        });
        serving.collect()
    }

    /// The next frame of a lane, if any.
    pub(crate) fn next_frame(
        &mut self,
        id: ScanId,
        from: Address,
        now: Instant,
    ) -> Option<(Route, Frame, Receipt)> {
        let seen = self.hubs.get_mut(&id)?;
        let serving = seen.serving.as_mut()?;
        serving.next_frame(from, seen.scan, now)
    }

    /// The broker has a frame of a lane.
    pub(crate) fn confirmed(&mut self, scan: Scan, session: u32, beat: bool, sent_at: Instant) {
        if let Some((serving, outbox)) = self.serving(scan, session) {
            serving.confirmed(sent_at, beat, scan, outbox);
        }
    }

    /// The broker has refused a frame of a lane: there is room for another one, and that is all.
    pub(crate) fn nacked(&mut self, scan: Scan, session: u32, beat: bool) {
        if let Some((serving, _)) = self.serving(scan, session).filter(|_| !beat) {
            serving.outbound.confirmed();
        }
    }

    /// Ends everything: the transport has gone.
    pub(crate) fn end(&mut self, now: Instant) {
        let ids: Vec<ScanId> = self.hubs.keys().copied().collect();
        for id in ids {
            self.hub_gone(id, now);
        }
        for id in self.links.ids() {
            if let Some(link) = self.links.remove(id) {
                link.queue.end();
            }
        }
    }

    /// How many leases the links of this process hold.
    pub(crate) fn n_held(&self) -> usize {
        let serving = self.hubs.values().filter_map(|seen| seen.serving.as_ref());
        serving.map(|serving| serving.leases.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use skyscan_transport::{
        LinkConfig, LinkId, ScanId, Version, WorkerId,
        backend::{LinkQueue, LinkQueueOwner},
    };
    use tokio::time::Duration;

    use crate::{
        link::{Announcement, links::LinkState},
        place::Place,
        process::{Common, Process},
        wire::Scan,
    };

    struct Nobody;

    impl LinkQueueOwner for Nobody {
        fn inbox_dropped(&self) {}
    }

    const PROTOCOL: Version = Version { major: 1, minor: 0 };
    const LIVENESS: Duration = Duration::from_secs(10);

    /// Whether a session goes on when its last frame, sent late, was taken by the broker or refused.
    fn survives(taken: bool) -> bool {
        let place = Place::parse("amqp://host").expect("it is well formed");
        let process = Process::new(place, false, Arc::<Common>::default());
        let scan = Scan {
            id: ScanId(1),
            epoch: 1,
        };
        let heard = Announcement {
            scan,
            protocol: PROTOCOL,
            liveness: LIVENESS,
            lease_term: LIVENESS,
        };
        let config = LinkConfig {
            protocol: PROTOCOL,
            worker: WorkerId::random(),
            credit: 1,
            hello: Bytes::new(),
        };
        let queue = LinkQueue::new(Box::new(Nobody));
        process.with(|state, now| {
            let sessions = &mut state.sessions;
            sessions
                .links
                .insert(LinkId(1), LinkState::new(config, queue));
            sessions
                .hub_open(heard, &process, now)
                .expect("it is the only one");
            let later = now + LIVENESS * 6 / 10;
            match taken {
                true => sessions.confirmed(scan, 1, true, later),
                false => sessions.nacked(scan, 1, true),
            }
            // The hub is heard all the time; it is this process that may not be.
            sessions
                .hub_open(heard, &process, later)
                .expect("it is known");
            sessions.tick(now + LIVENESS * 11 / 10, false);
            sessions.serving(scan, 1).is_some()
        })
    }

    #[test]
    fn a_frame_that_the_broker_refused_is_no_sign_of_life() {
        assert!(survives(true));
        assert!(!survives(false));
    }
}
