//! Room above for urgent tasks: what waits in the zone of lower scans, and that nobody has begun, goes
//! back where a link above has more than half of its credit of it (C16).
//!
//! Workers of the zone give back to the zone's hub, which says nothing of it: so the relay looks again,
//! later and later. While no scan is above another one, it never looks.
//!
//! Decision: Urgent scans come first, and nothing is killed for them (`docs/decisions.md`).

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use skyscan_transport::{ScanId, TaskId, TaskKey};
use tokio::time::Instant;

use crate::{
    event::{Done, TakenBack},
    relay::Relay,
    uplinks::UplinkId,
};

/// The Workers give back as soon as they hear of the urgent scan ...
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// ... and one that has nothing to give back is not asked for ever at this pace.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When it is looked next, and how long the pause after that is.
#[derive(Debug, Default)]
pub(crate) struct MakingRoom(Option<(Instant, Duration)>);

impl MakingRoom {
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.map(|(next, _)| next)
    }
}

impl Relay {
    /// A scan came up above, which may be above another one.
    pub(crate) fn make_room_soon(&mut self) {
        self.making_room = MakingRoom(Some((Instant::now(), FIRST_PAUSE)));
    }

    /// Takes back what waits in the zone, if a link above holds too much of lower scans.
    pub(crate) fn make_room(&mut self) {
        let lower = self.zone.lower_scans();
        let Some((_, pause)) = self.making_room.0.take().filter(|_| !lower.is_empty()) else {
            return;
        };
        let longer = (2 * pause).min(LONGEST_PAUSE);
        self.making_room = MakingRoom(Some((Instant::now() + pause, longer)));
        if !self.is_stopping && !self.beyond_half(&lower).is_empty() {
            lower.into_iter().for_each(|scan| self.take_back(scan));
        }
    }

    /// How many leases of these scans links above hold beyond half of their credit.
    fn beyond_half(&self, lower: &BTreeSet<ScanId>) -> HashMap<UplinkId, usize> {
        let n_held = self.tasks.n_by_uplink_of(lower);
        let beyond = self.uplinks.iter().filter_map(|(id, uplink)| {
            let half = usize::from(uplink.credit.div_ceil(2));
            let n_beyond = n_held.get(&id)?.saturating_sub(half);
            (n_beyond > 0).then_some((id, n_beyond))
        });
        beyond.collect()
    }

    fn take_back(&mut self, scan: ScanId) {
        // Asked before anything is taken: what comes from above meanwhile is not among it.
        let mut unbegun = self.tasks.in_zone(scan);
        let Some((at, hub)) = self.zone.current(scan).filter(|_| !unbegun.is_empty()) else {
            return;
        };
        let hub = hub.clone();
        self.doing.push(Box::pin(async move {
            let taken = async {
                hub.purge().await?;
                hub.holders(unbegun.clone()).await
            };
            // A hub that has ended says so at its inbox, and then all is submitted anew.
            let Ok(holders) = taken.await else {
                return Done::Nothing;
            };
            let begun: BTreeSet<TaskId> = holders.iter().map(|holder| holder.task).collect();
            unbegun.retain(|task| !begun.contains(task));
            Done::Taken(TakenBack { at, unbegun })
        }));
    }

    /// Gives back above what is beyond half of a link's credit, the latest first, and to the zone what is
    /// not. Outcomes have been read by now: what has one is done, and not among what waited.
    pub(crate) fn sort_taken_back(&mut self) {
        for TakenBack { at, unbegun } in std::mem::take(&mut self.taken_back) {
            if !self.zone.is_current(at) {
                continue;
            }
            let lower = self.zone.lower_scans();
            let mut beyond = match lower.contains(&at.scan) {
                true => self.beyond_half(&lower),
                // The urgent one has gone meanwhile.
                false => HashMap::new(),
            };
            let scan = at.scan;
            for task in unbegun.into_iter().rev() {
                self.tasks.take_back(TaskKey { scan, task }, |uplink| {
                    let n_beyond = beyond.get_mut(&uplink).filter(|n_beyond| **n_beyond > 0);
                    n_beyond.map(|n_beyond| *n_beyond -= 1).is_some()
                });
            }
            self.submit(scan);
        }
    }
}
