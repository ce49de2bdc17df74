//! The Worker's end in memory.

use std::sync::{Arc, Weak, atomic::Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    DownCause, Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES, PayloadId, PayloadSource,
    Result, ScanId, TransportError,
    backend::{LinkQueue, LinkQueueOwner},
    check_size,
};

use crate::{
    Counts, Process,
    place::{Chore, LinkState, Place},
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
        self.place
            .while_cut(&self.process, |state| state.slot(self.id).is_some())
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
