//! The Worker's end in memory.

use std::{
    pin::pin,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Answer, Conclusion, DownCause, LeaseToken, Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES,
    Outcome, PayloadId, PayloadSource, Result, ScanId, Settlement, Settler, TaskKey,
    TransportError, WorkerId,
    backend::{LinkQueue, LinkQueueOwner, LinkSlot},
    check_size,
};

use crate::{
    Counts, Process,
    place::{Chore, LinkState, Place, State},
};

#[derive(Debug)]
struct MemoryLink {
    place: Arc<Place>,
    process: Arc<Process>,
    id: LinkId,
}

/// Opens a link; it comes up as soon as a hub is there.
pub(crate) fn open(
    place: &Arc<Place>,
    process: &Arc<Process>,
    config: LinkConfig,
) -> Result<(Arc<dyn Link>, LinkInbox)> {
    check_size(config.hello.len(), MAX_BODY_BYTES)?;
    let id = LinkId(place.next_number());
    let queue = LinkQueue::new(Box::new(QueueOwner {
        place: Arc::downgrade(place),
        id,
    }));
    let link = LinkState::new(config, Arc::clone(process), Arc::clone(&queue));
    place.with(|state, _| {
        state.links.insert(id, link);
        place.attach(state, id);
    });
    let link = MemoryLink {
        place: Arc::clone(place),
        process: Arc::clone(process),
        id,
    };
    Ok((Arc::new(link), queue.inbox()))
}

#[async_trait]
impl Link for MemoryLink {
    fn id(&self) -> LinkId {
        self.id
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        let kept = self.process.cache.lock().get(payload);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        while_cut(&self.place, &self.process, |state| {
            state.slot(self.id).is_some()
        })
        .await;
        let (published, source) = self.place.with(|state, _| {
            let hub = state.hubs.get(&scan);
            let hub = hub.filter(|_| !state.is_severed(self.process.number));
            hub.map_or((None, None), |hub| {
                let published = hub.payloads.get(&payload).cloned();
                (published, hub.config.payloads.clone())
            })
        });
        let found = match (published, source) {
            (Some(found), _) => found,
            (None, Some(source)) => self.find(scan, payload, source.as_ref()).await?,
            (None, None) => return Err(TransportError::UnknownPayload(payload)),
        };
        let mut cache = self.process.cache.lock();
        if cache.get(payload).is_none() {
            cache.keep(payload, found.clone());
            let counts = &self.process.counts;
            counts.payloads_received.fetch_add(1, Ordering::Relaxed);
            Counts::add(
                &counts.messages_received,
                &counts.bytes_received,
                found.len(),
            );
        }
        Ok(found)
    }

    async fn drain(&self) -> Result<()> {
        self.place.chore(Chore::DrainLink(self.id));
        self.place
            .with(|state, _| match state.links.contains_key(&self.id) {
                true => Ok(()),
                false => Err(TransportError::Closed),
            })
    }

    async fn close(&self) -> Result<()> {
        self.place.with(|state, _| {
            let cause = match state.is_severed(self.process.number) {
                true => DownCause::Lost,
                false => DownCause::Closed,
            };
            state.remove_link(self.id, cause);
        });
        Ok(())
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.place.chore(Chore::LoseLink(self.id));
    }
}

impl MemoryLink {
    /// Looks for a payload where the hub looks for those that it does not have.
    async fn find(
        &self,
        scan: ScanId,
        payload: PayloadId,
        source: &dyn PayloadSource,
    ) -> Result<Bytes> {
        let found = source.find(payload).await;
        let found = found.map_err(|_| TransportError::UnknownPayload(payload))?;
        self.place.with(|state, _| {
            if let Some(hub) = state.hubs.get_mut(&scan) {
                hub.payloads.insert(payload, found.clone());
            }
        });
        Ok(found)
    }
}

struct QueueOwner {
    place: Weak<Place>,
    id: LinkId,
}

impl LinkQueueOwner for QueueOwner {
    fn inbox_dropped(&self) {
        if let Some(place) = self.place.upgrade() {
            place.chore(Chore::DrainLink(self.id));
        }
    }
}

/// Waits while the process's wire is cut and what it has to say could still arrive.
async fn while_cut(place: &Place, process: &Process, hopeful: impl Fn(&State) -> bool) {
    loop {
        let mut rewired = pin!(process.rewired.notified());
        rewired.as_mut().enable();
        let cut = place.with(|state, _| state.is_severed(process.number) && hopeful(state));
        if !cut {
            return;
        }
        rewired.await;
    }
}

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
        while_cut(&place, &self.process, |state| state.slot(self.link) == mine).await;
        Ok(place)
    }

    fn settle_at(&self, state: &mut State, settlements: Vec<Settlement>) -> Vec<TaskKey> {
        let mut lost = Vec::new();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut scan: Option<ScanId> = None;
        for settlement in settlements {
            let by = settlement.worker();
            let (token, key, answer) = settlement.into_told();
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
                    .map(|told| told.into_told().1)
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
