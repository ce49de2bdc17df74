//! The Worker's end: it asks the place, and so do the settlers of its leases.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    DownCause, LeaseToken, Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES, PayloadId, Result,
    ScanId, Settlement, Settler, TaskKey, TransportError,
    backend::{LinkQueue, LinkQueueOwner, LinkSlot},
    check_size,
};
use tokio::sync::oneshot;

use crate::{
    Process,
    place::{Command, WeakDoor},
};

#[derive(Debug)]
struct TemplateLink {
    process: Arc<Process>,
    id: LinkId,
}

pub(crate) fn open(
    process: &Arc<Process>,
    config: LinkConfig,
) -> Result<(Arc<dyn Link>, LinkInbox)> {
    check_size(config.hello.len(), MAX_BODY_BYTES)?;
    let id = LinkId(process.next_number());
    let queue = LinkQueue::new(Box::new(QueueOwner {
        place: process.place.downgrade(),
        id,
    }));
    let inbox = queue.inbox();
    process.send(Command::OpenLink { id, config, queue });
    let link = TemplateLink {
        process: Arc::clone(process),
        id,
    };
    Ok((Arc::new(link), inbox))
}

#[async_trait]
impl Link for TemplateLink {
    fn id(&self) -> LinkId {
        self.id
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        let mut cache = self.process.cache.lock().await;
        if let Some(kept) = cache.get(payload) {
            return Ok(kept);
        }
        let (answer, answered) = oneshot::channel();
        self.process.send(Command::Fetch {
            link: self.id,
            scan,
            payload,
            answer,
        });
        let found = answered.await.ok().flatten();
        let found = found.ok_or(TransportError::UnknownPayload(payload))?;
        // Over a wire this is where its hash is checked, and DamagedPayload returned.
        cache.keep(payload, found.clone());
        self.process.counts.payload_received();
        Ok(found)
    }

    async fn drain(&self) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.process.send(Command::Drain {
            link: self.id,
            answer: Some(answer),
        });
        answered.await.map_err(|_| TransportError::Closed)
    }

    async fn close(&self) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.process.send(Command::CloseLink {
            link: self.id,
            cause: DownCause::Closed,
            answer: Some(answer),
        });
        // Closing twice is no error.
        let _closed = answered.await;
        Ok(())
    }
}

impl Drop for TemplateLink {
    fn drop(&mut self) {
        self.process.send(Command::CloseLink {
            link: self.id,
            cause: DownCause::Lost,
            answer: None,
        });
    }
}

struct QueueOwner {
    place: WeakDoor,
    id: LinkId,
}

impl LinkQueueOwner for QueueOwner {
    fn inbox_dropped(&self) {
        let (link, answer) = (self.id, None);
        self.place.send(Command::Drain { link, answer });
    }
}

/// Settles the leases that a hub has given a link, from its coming up to its going down. A link that
/// comes up again has another slot and another settler, so that nothing old is taken for new (C4).
#[derive(Debug)]
pub(crate) struct TemplateSettler {
    pub(crate) place: WeakDoor,
    pub(crate) link: LinkId,
    pub(crate) slot: LinkSlot,
    pub(crate) lease_term: Duration,
}

#[async_trait]
impl Settler for TemplateSettler {
    fn lease_term(&self, _key: TaskKey) -> Duration {
        self.lease_term
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let keys: Vec<TaskKey> = settlements.iter().map(Settlement::key).collect();
        let (answer, answered) = oneshot::channel();
        self.place.send(Command::Settle {
            link: self.link,
            slot: self.slot,
            settlements,
            answer,
        });
        // No answer: the link was lost while this was on its way, and its leases with it.
        Ok(answered.await.unwrap_or(keys))
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let keys = leases.iter().map(|&(_, key)| key).collect();
        let (answer, answered) = oneshot::channel();
        self.place.send(Command::Renew {
            link: self.link,
            slot: self.slot,
            leases,
            answer,
        });
        Ok(answered.await.unwrap_or(keys))
    }

    fn abandon(&self, token: LeaseToken) {
        let (link, slot) = (self.link, self.slot);
        self.place.send(Command::Abandon { link, slot, token });
    }
}
