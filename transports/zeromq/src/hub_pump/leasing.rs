//! From outcomes to grants: what a turn does with the lease table.

use std::mem;

use skyscan_transport::ScanId;

use super::HubPump;

/// Most leases granted in one turn.
const TURN_GRANTS: usize = 4096;

/// Most leases in one frame.
const FRAME_LEASES: usize = 128;

impl HubPump {
    /// Hands the outcomes of this turn to their hubs. Before any answer is sent (C6).
    pub(super) fn yield_outcomes(&mut self) {
        for (&scan, hub) in &mut self.hubs {
            if !hub.outcomes.is_empty() && hub.queue.push_outcomes(&mut hub.outcomes) {
                self.table.hold(scan, true);
            }
        }
    }

    pub(super) fn grant(&mut self) -> usize {
        if self.table.n_ready() == 0 {
            return 0;
        }
        let mut grants = mem::take(&mut self.grants);
        let now = self.now.duration_since(self.origin);
        let n_granted = self.table.grant(now, TURN_GRANTS, &mut grants);
        let mut n_again = 0;
        for grant in grants.drain(..) {
            let (at, number) = self.routes[grant.link.index()];
            n_again += u64::from(grant.is_again);
            let Some(session) = self.sessions[at].as_mut() else {
                continue;
            };
            let before = session.writer.len();
            session.writer.lease(number, &grant);
            session.lease_bytes += session.writer.len() - before;
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

    pub(super) fn free_room(&mut self, scan: ScanId) {
        let n_freed = self.table.take_freed(scan);
        if let Some(hub) = self.hubs.get(&scan).filter(|_| n_freed > 0) {
            hub.room.add_permits(n_freed);
        }
    }
}
