//! The Scanner's end at a broker.
//!
//! Decision: Over RabbitMQ the hub keeps the leases too (`docs/decisions.md`).

mod budget;
mod peer;
mod state;

use std::{
    error::Error,
    pin::pin,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Holder, Hub, HubConfig, HubInbox, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, PayloadId, Result, ScanId,
    TaskFrame, TaskId, TransportError,
    backend::{HubQueue, HubQueueOwner, random},
    check_size,
};
use tokio::{
    sync::{Notify, oneshot},
    time::{Duration, error::Elapsed, timeout},
};

pub(crate) use self::{
    budget::MAX_PROCESSES,
    state::{BEATS, HubState},
};
use crate::{
    Handle, NAME,
    door::{HubDoor, HubSide},
    outbox::{Receipt, Route},
    process::{Chore, Process, State},
    wire::{Frame, Scan},
};

/// Outcomes not taken yet at which a hub stops leasing.
const OUTCOME_LIMIT: usize = 4096;

/// How long the broker may take over a goodbye or a notice.
const GOODBYE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct RabbitmqHub {
    handle: Arc<Handle>,
    scan: Scan,
    room: Arc<Notify>,
}

/// Opens a hub, behind a door if it has keys, and waits until its queues stand at the broker.
pub(crate) async fn open(
    handle: &Arc<Handle>,
    config: HubConfig,
    side: Option<Arc<HubSide>>,
) -> Result<(Arc<dyn Hub>, HubInbox)> {
    check_size(config.welcome.len(), MAX_BODY_BYTES)?;
    let process = handle.process();
    let scan = Scan {
        id: config.scan,
        epoch: random::number(),
    };
    let door = side.map(|side| {
        HubDoor::new(side, process.place.namespace.clone(), scan).map_err(|source| {
            TransportError::Backend {
                transport: NAME,
                action: "make the keys of a scan".into(),
                transient: true,
                source: Box::new(source),
            }
        })
    });
    let door = door.transpose()?;
    let owner = QueueOwner {
        process: Arc::downgrade(process),
        scan,
    };
    let queue = HubQueue::new(OUTCOME_LIMIT, Box::new(owner));
    let room = Arc::new(Notify::new());
    // Closes the hub again if it cannot be held, or if nobody waits for it any more.
    let hub = RabbitmqHub {
        handle: Arc::clone(handle),
        scan,
        room: Arc::clone(&room),
    };
    process.with(|state, now| {
        if state.hubs.contains_key(&scan.id) {
            return Err(TransportError::ScanInUse(scan.id));
        }
        let mut opened = HubState::new(
            scan,
            config,
            Arc::clone(&queue),
            Arc::clone(&room),
            Arc::clone(&process.told.hub),
            now,
        );
        opened.door = door;
        state.hubs.insert(scan.id, opened);
        state.sessions.topology_changed = true;
        Ok(())
    })?;
    hub.attached().await?;
    process.deadlines.notify_one();
    Ok((Arc::new(hub), queue.inbox()))
}

impl RabbitmqHub {
    /// Waits until the hub's queues stand.
    async fn attached(&self) -> Result<()> {
        let process = self.handle.process();
        let attached = timeout(process.place.patience, async {
            loop {
                let mut changed = pin!(self.room.notified());
                changed.as_mut().enable();
                let (attached, refused) = process.with(|state, _| {
                    let refused = state.refused;
                    (self.hub(state).map(|hub| hub.attached), refused)
                });
                match attached {
                    Ok(true) => return Ok(()),
                    Ok(false) if refused => return Err(self.unreachable(None)),
                    Ok(false) => changed.await,
                    // Somebody else holds the scan.
                    Err(_) => return Err(TransportError::ScanInUse(self.scan.id)),
                }
            }
        });
        attached
            .await
            .unwrap_or_else(|elapsed| Err(self.unreachable(Some(elapsed))))
    }

    fn unreachable(&self, elapsed: Option<Elapsed>) -> TransportError {
        let process = self.handle.process();
        let trouble = process.with(|state, _| state.trouble.clone());
        let transient = elapsed.is_some();
        let source: Box<dyn Error + Send + Sync> = match (trouble, elapsed) {
            (Some(trouble), _) => Box::new(trouble),
            (None, Some(elapsed)) => Box::new(elapsed),
            (None, None) => Box::new(TransportError::Closed),
        };
        TransportError::Backend {
            transport: NAME,
            action: format!("open scan {} at {}", self.scan.id.0, process.place),
            transient,
            source,
        }
    }

    fn hub<'a>(&self, state: &'a mut State) -> Result<&'a mut HubState> {
        let hub = state.hubs.get_mut(&self.scan.id);
        hub.filter(|hub| hub.scan == self.scan)
            .ok_or(TransportError::Closed)
    }
}

#[async_trait]
impl Hub for RabbitmqHub {
    fn scan(&self) -> ScanId {
        self.scan.id
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        for task in &tasks {
            task.check()?;
        }
        let mut tasks = tasks.into_iter();
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            let done = self.handle.process().with(|state, now| {
                self.hub(state)?;
                let State { hubs, sessions, .. } = state;
                let hub = hubs.get_mut(&self.scan.id).ok_or(TransportError::Closed)?;
                Ok(hub.submit(&mut tasks, now, &mut sessions.outbox))
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
        self.handle.process().with(|state, _| {
            self.hub(state)?.payloads.publish(id, payload);
            Ok(id)
        })
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        check_size(notice.len(), MAX_BODY_BYTES)?;
        let (caller, confirmed) = oneshot::channel();
        self.handle.process().with(|state, _| {
            self.hub(state)?;
            let (scan, body) = (self.scan, notice);
            let notice = Frame::Notice { scan, body };
            let (route, receipt) = (Route::Notices(scan), Receipt::Tell(caller));
            state.sessions.outbox.letter_with(route, notice, receipt);
            Ok(())
        })?;
        // Lost with the connection, or not taken in time: then it is lost (C8).
        let _lost = timeout(GOODBYE, confirmed).await;
        Ok(())
    }

    async fn purge(&self) -> Result<usize> {
        self.handle
            .process()
            .with(|state, _| Ok(self.hub(state)?.purge()))
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        let process = self.handle.process();
        process.with(|state, now| Ok(self.hub(state)?.holders(&tasks, now)))
    }

    async fn close(&self) -> Result<()> {
        let process = self.handle.process();
        let (caller, confirmed) = oneshot::channel();
        let liveness = process.with(|state, _| {
            let liveness = self.hub(state).ok()?.liveness();
            state.close_hub(self.scan, Receipt::Tell(caller));
            Some(liveness)
        });
        if let Some(liveness) = liveness {
            // A broker that takes nothing now (gone, or blocked by an alarm) must not hold up whoever
            // ends; the links find out by the silence.
            let _late = timeout(liveness.min(GOODBYE), confirmed).await;
        }
        Ok(())
    }
}

impl Drop for RabbitmqHub {
    fn drop(&mut self) {
        self.handle.process().chore(Chore::CloseHub(self.scan));
    }
}

struct QueueOwner {
    process: Weak<Process>,
    scan: Scan,
}

impl HubQueueOwner for QueueOwner {
    fn has_room(&self) {
        if let Some(process) = self.process.upgrade() {
            process.chore(Chore::HasRoom(self.scan));
        }
    }

    fn inbox_dropped(&self) {
        if let Some(process) = self.process.upgrade() {
            process.chore(Chore::CloseHub(self.scan));
        }
    }
}
