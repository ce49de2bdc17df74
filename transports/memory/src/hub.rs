//! The Scanner's end in memory.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Holder, Hub, HubConfig, HubInbox, LinkIncoming, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, PayloadId,
    Result, ScanId, TaskFrame, TaskId, TransportError,
    backend::{HubQueue, HubQueueOwner},
    check_size,
};
use tokio::{sync::Notify, time};

use crate::place::{Chore, HubState, Place};

/// Outcomes not taken yet at which a hub stops leasing.
const OUTCOME_LIMIT: usize = 4096;

#[derive(Debug)]
struct MemoryHub {
    place: Arc<Place>,
    scan: ScanId,
    epoch: u64,
    room: Arc<Notify>,
}

/// Opens a hub and starts its driver on the current runtime.
pub(crate) fn open(place: &Arc<Place>, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
    check_size(config.welcome.len(), MAX_BODY_BYTES)?;
    let (scan, epoch) = (config.scan, place.next_number());
    let owner = QueueOwner {
        place: Arc::downgrade(place),
        scan,
        epoch,
    };
    let queue = HubQueue::new(OUTCOME_LIMIT, Box::new(owner));
    let room = Arc::new(Notify::new());
    let hub = HubState {
        epoch,
        config,
        queue: Arc::clone(&queue),
        room: Arc::clone(&room),
        payloads: HashMap::new(),
    };
    place.with(|state, now| place.add_hub(state, hub, now))?;
    tokio::spawn(drive(
        Arc::downgrade(place),
        Arc::clone(&place.driver),
        scan,
        epoch,
    ));
    let hub = MemoryHub {
        place: Arc::clone(place),
        scan,
        epoch,
        room,
    };
    Ok((Arc::new(hub), queue.inbox()))
}

/// Sees to deadlines and chores while the hub is open.
async fn drive(place: Weak<Place>, wake: Arc<Notify>, scan: ScanId, epoch: u64) {
    loop {
        let Some(strong) = place.upgrade() else {
            return;
        };
        let Some(next) = strong.tick(scan, epoch) else {
            return;
        };
        let next = next.map(|next| strong.instant(next));
        drop(strong);
        match next {
            None => wake.notified().await,
            Some(next) => tokio::select! {
                biased;
                () = wake.notified() => {}
                () = time::sleep_until(next) => {}
            },
        }
    }
}

impl MemoryHub {
    fn alive(&self, hub: Option<&HubState>) -> Result<()> {
        match hub {
            Some(hub) if hub.epoch == self.epoch => Ok(()),
            _ => Err(TransportError::Closed),
        }
    }
}

#[async_trait]
impl Hub for MemoryHub {
    fn scan(&self) -> ScanId {
        self.scan
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        for task in &tasks {
            task.check()?;
        }
        let mut tasks = tasks.into_iter();
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            let done = self.place.with(|state, _| {
                self.alive(state.hubs.get(&self.scan))?;
                let n_taken = state.table.room(self.scan);
                for task in tasks.by_ref().take(n_taken) {
                    state.table.submit(self.scan, task);
                }
                Ok(tasks.len() == 0)
            })?;
            if done {
                return Ok(());
            }
            room.await;
        }
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        check_size(payload.len(), MAX_PAYLOAD_BYTES)?;
        let id = PayloadId::of(&payload);
        self.place.with(|state, _| {
            self.alive(state.hubs.get(&self.scan))?;
            if let Some(hub) = state.hubs.get_mut(&self.scan) {
                hub.payloads.insert(id, payload);
            }
            Ok(id)
        })
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        check_size(notice.len(), MAX_BODY_BYTES)?;
        self.place.with(|state, _| {
            self.alive(state.hubs.get(&self.scan))?;
            state.tell_links(&LinkIncoming::Notice {
                scan: self.scan,
                body: notice,
            });
            Ok(())
        })
    }

    async fn purge(&self) -> Result<usize> {
        self.place.with(|state, _| {
            self.alive(state.hubs.get(&self.scan))?;
            Ok(state.table.purge(self.scan))
        })
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        self.place.with(|state, now| {
            self.alive(state.hubs.get(&self.scan))?;
            Ok(state.holders(self.scan, &tasks, now))
        })
    }

    async fn close(&self) -> Result<()> {
        self.place.with(|state, _| {
            if self.alive(state.hubs.get(&self.scan)).is_ok() {
                state.close_hub(self.scan);
            }
        });
        self.place.driver.notify_one();
        Ok(())
    }
}

impl Drop for MemoryHub {
    fn drop(&mut self) {
        self.place.chore(Chore::CloseHub {
            scan: self.scan,
            epoch: self.epoch,
        });
    }
}

struct QueueOwner {
    place: Weak<Place>,
    scan: ScanId,
    epoch: u64,
}

impl HubQueueOwner for QueueOwner {
    fn has_room(&self) {
        if let Some(place) = self.place.upgrade() {
            place.chore(Chore::HasRoom(self.scan));
        }
    }

    fn inbox_dropped(&self) {
        if let Some(place) = self.place.upgrade() {
            place.chore(Chore::CloseHub {
                scan: self.scan,
                epoch: self.epoch,
            });
        }
    }
}
