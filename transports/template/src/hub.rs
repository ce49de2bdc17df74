//! The Scanner's end: it asks the place, and says when its owner is gone.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Holder, Hub, HubConfig, HubInbox, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, PayloadId, Result, ScanId,
    TaskFrame, TaskId, TransportError,
    backend::{HubQueue, HubQueueOwner},
    check_size,
};
use tokio::sync::oneshot;

use crate::{
    Process,
    place::{Command, HubName, WeakDoor},
};

/// Outcomes not taken yet at which a hub stops leasing (C5).
const OUTCOME_LIMIT: usize = 4096;

#[derive(Debug)]
struct TemplateHub {
    process: Arc<Process>,
    name: HubName,
}

pub(crate) async fn open(
    process: &Arc<Process>,
    config: HubConfig,
) -> Result<(Arc<dyn Hub>, HubInbox)> {
    check_size(config.welcome.len(), MAX_BODY_BYTES)?;
    let name = HubName {
        scan: config.scan,
        epoch: process.next_number(),
    };
    let owner = QueueOwner {
        place: process.place.downgrade(),
        name,
    };
    let queue = HubQueue::new(OUTCOME_LIMIT, Box::new(owner));
    let inbox = queue.inbox();
    let hub = TemplateHub {
        process: Arc::clone(process),
        name,
    };
    hub.ask(|answer| Command::OpenHub {
        name,
        config,
        queue,
        answer,
    })
    .await??;
    Ok((Arc::new(hub), inbox))
}

impl TemplateHub {
    /// Sends a command that is answered. The place drops the answer of a hub that is not open.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.process.send(command(answer));
        answered.await.map_err(|_| TransportError::Closed)
    }
}

#[async_trait]
impl Hub for TemplateHub {
    fn scan(&self) -> ScanId {
        self.name.scan
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        tasks.iter().try_for_each(TaskFrame::check)?;
        let name = self.name;
        self.ask(|answer| Command::Submit {
            name,
            tasks: tasks.into(),
            answer,
        })
        .await
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        check_size(payload.len(), MAX_PAYLOAD_BYTES)?;
        let (name, id) = (self.name, PayloadId::of(&payload));
        self.ask(|answer| Command::Publish {
            name,
            id,
            payload,
            answer,
        })
        .await?;
        Ok(id)
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        check_size(notice.len(), MAX_BODY_BYTES)?;
        let name = self.name;
        self.ask(|answer| Command::Broadcast {
            name,
            notice,
            answer,
        })
        .await
    }

    async fn purge(&self) -> Result<usize> {
        let name = self.name;
        self.ask(|answer| Command::Purge { name, answer }).await
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        let name = self.name;
        self.ask(|answer| Command::Holders {
            name,
            tasks,
            answer,
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        let name = self.name;
        let closed = self.ask(|answer| Command::CloseHub {
            name,
            answer: Some(answer),
        });
        // Closing twice is no error.
        closed.await.or(Ok(()))
    }
}

impl Drop for TemplateHub {
    fn drop(&mut self) {
        let (name, answer) = (self.name, None);
        self.process.send(Command::CloseHub { name, answer });
    }
}

/// What the queue tells the place. Weak, since the place holds the queue.
struct QueueOwner {
    place: WeakDoor,
    name: HubName,
}

impl HubQueueOwner for QueueOwner {
    fn has_room(&self) {
        self.place.send(Command::HasRoom { name: self.name });
    }

    fn inbox_dropped(&self) {
        let (name, answer) = (self.name, None);
        self.place.send(Command::CloseHub { name, answer });
    }
}
