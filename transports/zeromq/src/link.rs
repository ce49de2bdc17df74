//! The Worker's end over ZeroMQ.

mod command;
mod settler;
mod shared;

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use skyscan_transport::{
    Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES, PayloadId, Result, ScanId, TransportError,
    backend::{Counts, LinkQueue, LinkQueueOwner, Meters, PayloadCache, Side, random},
    check_size,
};
use tokio::sync::oneshot;

pub(crate) use self::{
    command::{Batch, LinkCommand},
    settler::{LinkSettler, Terms},
    shared::Shared,
};
use crate::{
    NAME,
    address::{Address, Connections},
    failure, files,
    link_pump::LinkPump,
    post::{self, Post},
    pump::{self, Running},
};

/// Most bytes of payloads that a process keeps.
const PAYLOAD_BUDGET_BYTES: usize = 512 << 20;

/// The running pump of an address that links dial.
#[derive(Clone)]
pub(crate) struct LinkPort {
    running: Arc<Running<LinkCommand>>,
    shared: Arc<Shared>,
}

impl LinkPort {
    pub(crate) fn open(
        address: &Address,
        connections: Connections,
        counts: Arc<Counts>,
    ) -> Result<Self> {
        let (post, inlet) =
            post::post().map_err(|error| failure("make a wake-up pipe", true, error))?;
        let shared = Arc::new(Shared {
            post: Arc::clone(&post),
            cache: Mutex::new(PayloadCache::new(PAYLOAD_BUDGET_BYTES)),
            connections,
            n_links: AtomicU64::new(0),
        });
        let pump = LinkPump::new(
            address.clone(),
            connections,
            inlet,
            Arc::clone(&shared),
            counts,
            Meters::new(NAME, Side::Link),
        );
        let pump = pump.map_err(|error| failure("watch the links' sockets", true, error))?;
        let running = Running::start(
            "skyscan-link",
            post,
            || LinkCommand::Stop,
            move || pump::run(pump),
        );
        let running = running.map_err(|error| failure("start the links' thread", true, error))?;
        Ok(Self {
            running: Arc::new(running),
            shared,
        })
    }
}

/// Opens a link; it comes up as soon as a hub is there.
pub(crate) fn open(port: LinkPort, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
    check_size(config.hello.len(), MAX_BODY_BYTES)?;
    let n_links = &port.shared.n_links;
    if port.shared.connections == Connections::Own {
        files::check_room(n_links.load(Ordering::Relaxed))?;
    }
    n_links.fetch_add(1, Ordering::Relaxed);
    let id = LinkId(random::number());
    let post = port.running.post();
    let queue = LinkQueue::new(Box::new(QueueOwner {
        post: Arc::downgrade(post),
        id,
    }));
    post.send(LinkCommand::Open {
        id,
        config,
        queue: Arc::clone(&queue),
    });
    Ok((
        Arc::new(ZeromqLink {
            port,
            id,
            closed: AtomicBool::new(false),
        }),
        queue.inbox(),
    ))
}

struct ZeromqLink {
    port: LinkPort,
    id: LinkId,
    closed: AtomicBool,
}

impl ZeromqLink {
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> LinkCommand) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.port.shared.post.send(ask(answer));
        answered.await.map_err(|_| TransportError::Closed)
    }
}

#[async_trait]
impl Link for ZeromqLink {
    fn id(&self) -> LinkId {
        self.id
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        let kept = self.port.shared.cache.lock().get(payload);
        match kept {
            Some(kept) => Ok(kept),
            None => {
                self.ask(|answer| LinkCommand::Fetch {
                    id: self.id,
                    scan,
                    payload,
                    answer,
                })
                .await?
            }
        }
    }

    async fn drain(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(TransportError::Closed);
        }
        match self
            .port
            .shared
            .post
            .send(LinkCommand::Drain { id: self.id })
        {
            true => Ok(()),
            false => Err(TransportError::Closed),
        }
    }

    async fn close(&self) -> Result<()> {
        if !self.closed.swap(true, Ordering::Relaxed) {
            let id = self.id;
            // No answer: the pump has gone, and the link with it.
            let _gone = self
                .ask(|answer| LinkCommand::Close {
                    id,
                    closed: true,
                    answer: Some(answer),
                })
                .await;
        }
        Ok(())
    }
}

impl Drop for ZeromqLink {
    fn drop(&mut self) {
        self.port.shared.n_links.fetch_sub(1, Ordering::Relaxed);
        if !self.closed.load(Ordering::Relaxed) {
            let id = self.id;
            self.port.shared.post.send(LinkCommand::Close {
                id,
                closed: false,
                answer: None,
            });
        }
    }
}

impl fmt::Debug for ZeromqLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZeromqLink")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

struct QueueOwner {
    post: Weak<Post<LinkCommand>>,
    id: LinkId,
}

impl LinkQueueOwner for QueueOwner {
    fn inbox_dropped(&self) {
        if let Some(post) = self.post.upgrade() {
            post.send(LinkCommand::Drain { id: self.id });
        }
    }
}
