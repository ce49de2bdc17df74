//! Settles the leases of one link.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use skyscan_transport::{
    Answer, Conclusion, LeaseToken, LinkId, Outcome, Result, ScanId, Settlement, Settler, TaskKey,
    TransportError, WorkerId, backend::LinkSlot,
};

use crate::{
    Counts, Process,
    place::{Chore, Place, State},
};

/// Settles the leases of one link, from its coming up to its going down.
#[derive(Debug)]
pub(crate) struct MemorySettler {
    place: Weak<Place>,
    process: Arc<Process>,
    link: LinkId,
    worker: WorkerId,
    slot: LinkSlot,
}

impl MemorySettler {
    pub(crate) fn new(
        place: Weak<Place>,
        process: Arc<Process>,
        link: LinkId,
        worker: WorkerId,
        slot: LinkSlot,
    ) -> Self {
        Self {
            place,
            process,
            link,
            worker,
            slot,
        }
    }

    async fn connected(&self) -> Result<Arc<Place>> {
        let place = self.place.upgrade().ok_or(TransportError::Closed)?;
        let mine = Some(self.slot);
        place
            .while_cut(&self.process, |state| state.slot(self.link) == mine)
            .await;
        Ok(place)
    }

    fn settle_at(&self, state: &mut State, settlements: Vec<Settlement>) -> Vec<TaskKey> {
        let mut lost = Vec::new();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut scan: Option<ScanId> = None;
        for settlement in settlements {
            let by = settlement.worker();
            let (token, key, answer) = settlement.into_parts();
            if scan != Some(key.scan) {
                deliver(state, scan, &mut outcomes);
                scan = Some(key.scan);
            }
            let conclusion = match answer {
                Answer::Completed(result) => Conclusion::Completed(result),
                Answer::Rejected(reason) => Conclusion::Rejected(reason),
                Answer::Released => {
                    if !state.table.release(self.slot, token) {
                        lost.push(key);
                    }
                    continue;
                }
            };
            match state.table.settle(self.slot, token) {
                Some(settling) => outcomes.push(Outcome {
                    task: settling.key.task,
                    attempt: settling.attempt,
                    link: self.link,
                    worker: by.unwrap_or(self.worker),
                    conclusion,
                }),
                None => lost.push(key),
            }
        }
        deliver(state, scan, &mut outcomes);
        lost
    }
}

fn deliver(state: &mut State, scan: Option<ScanId>, outcomes: &mut Vec<Outcome>) {
    let Some(scan) = scan.filter(|_| !outcomes.is_empty()) else {
        return;
    };
    let Some(hub) = state.hubs.get(&scan) else {
        return outcomes.clear();
    };
    if hub.queue.push_outcomes(outcomes) {
        state.table.hold(scan, true);
    }
}

#[async_trait]
impl Settler for MemorySettler {
    fn lease_term(&self, key: TaskKey) -> Duration {
        let Some(place) = self.place.upgrade() else {
            return Duration::ZERO;
        };
        place.with(|state, _| {
            state
                .hubs
                .get(&key.scan)
                .map_or(Duration::ZERO, |hub| hub.config.lease_term)
        })
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let place = self.connected().await?;
        let n_bytes = settlements
            .iter()
            .map(|settlement| match settlement.answer() {
                Answer::Completed(result) => result.len(),
                Answer::Rejected(reason) => reason.len(),
                Answer::Released => 0,
            });
        let counts = &self.process.counts;
        Counts::add(&counts.messages_sent, &counts.bytes_sent, n_bytes.sum());
        Ok(place.with(|state, _| {
            if state.slot(self.link) != Some(self.slot) {
                return settlements
                    .into_iter()
                    .map(|settlement| settlement.into_parts().1)
                    .collect();
            }
            self.settle_at(state, settlements)
        }))
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let place = self.connected().await?;
        Ok(place.with(|state, now| {
            let lost = leases
                .into_iter()
                .filter(|&(token, _)| !state.table.renew(self.slot, token, now));
            lost.map(|(_, key)| key).collect()
        }))
    }

    fn abandon(&self, token: LeaseToken) {
        if let Some(place) = self.place.upgrade() {
            let (slot, process) = (self.slot, self.process.number);
            place.chore(Chore::Release {
                slot,
                token,
                process,
            });
        }
    }
}
