//! The Worker's end at a broker.

mod call;
mod links;
mod serving;
mod sessions;
mod settler;
mod waitlist;

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    DownCause, Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES, PayloadId, Result, ScanId,
    TransportError,
    backend::{LinkQueue, LinkQueueOwner, random},
    check_size,
};
use tokio::time::{Duration, timeout};

use self::links::LinkState;
pub(crate) use self::sessions::{Announcement, Sessions};
use crate::{
    Handle,
    outbox::Route,
    payload::Fetched,
    process::{Chore, Process},
    wire::Frame,
};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct RabbitmqLink {
    handle: Arc<Handle>,
    id: LinkId,
}

/// Opens a link; it comes up as soon as a hub is there.
pub(crate) fn open(handle: &Arc<Handle>, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
    check_size(config.hello.len(), MAX_BODY_BYTES)?;
    let process = handle.process();
    if let Some(keys) = &process.common.keys {
        keys.open_link()?;
    }
    let id = LinkId(random::number());
    let queue = LinkQueue::new(Box::new(QueueOwner {
        process: Arc::downgrade(process),
        id,
    }));
    let link = LinkState::new(config, Arc::clone(&queue));
    process.with(|state, now| {
        state.sessions.links.insert(id, link);
        state.sessions.link_joins(id, process, now);
        if process.common.keys.is_some() && state.sessions.links.n_links() == 1 {
            // Before there was a link this process had no reason to knock anywhere.
            let from = process.address(state);
            let question = Frame::WhoIsThere { from };
            state.sessions.outbox.letter(Route::AllHubs, question);
        }
    });
    let link = RabbitmqLink {
        handle: Arc::clone(handle),
        id,
    };
    Ok((Arc::new(link), queue.inbox()))
}

#[async_trait]
impl Link for RabbitmqLink {
    fn id(&self) -> LinkId {
        self.id
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        let process = self.handle.process();
        let turn = process.common.turn(payload);
        let _turn = match process.own {
            true => Some(turn.lock().await),
            // Links that share a connection join the transfer that is under way.
            false => None,
        };
        loop {
            // Looked for under the lock, so that no transfer ends between the look and the joining.
            let fetched = process.with(|state, now| {
                if let Some(kept) = process.common.cache.lock().get(payload) {
                    return Some(Err(kept));
                }
                let hub = state.sessions.up(self.id, scan)?;
                let from = process.address(state);
                Some(Ok(state.join_fetch(hub, payload, from, now)))
            });
            let fetched = match fetched {
                Some(Ok(fetched)) => fetched,
                Some(Err(kept)) => return Ok(kept),
                None => return Err(TransportError::UnknownPayload(payload)),
            };
            match fetched.await {
                // Joined the transfer from another hub, which has not published it.
                Ok(Fetched::Absent(other)) if other != scan => {}
                Ok(fetched) => return fetched.into_error(payload),
                Err(_) => return Err(TransportError::Closed),
            }
        }
    }

    async fn drain(&self) -> Result<()> {
        let process = self.handle.process();
        match process.with(|state, _| state.sessions.drain(self.id)) {
            true => Ok(()),
            false => Err(TransportError::Closed),
        }
    }

    async fn close(&self) -> Result<()> {
        let process = self.handle.process();
        let pending = process.with(|state, _| state.sessions.end_link(self.id, DownCause::Closed));
        let all = async {
            for pending in pending {
                pending.answer().await;
            }
        };
        // A hub that does not answer finds out by itself.
        let _late = timeout(GOODBYE, all).await;
        Ok(())
    }
}

impl Drop for RabbitmqLink {
    fn drop(&mut self) {
        self.handle.process().chore(Chore::LoseLink(self.id));
    }
}

struct QueueOwner {
    process: Weak<Process>,
    id: LinkId,
}

impl LinkQueueOwner for QueueOwner {
    fn inbox_dropped(&self) {
        if let Some(process) = self.process.upgrade() {
            process.chore(Chore::Drain(self.id));
        }
    }
}
