//! The Worker's end over ZeroMQ.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use skyscan_transport::{
    Answer, LeaseToken, Link, LinkConfig, LinkId, LinkInbox, MAX_BODY_BYTES, PayloadId, Result,
    ScanId, Settlement, Settler, TaskKey, TransportError,
    backend::{Counts, LinkQueue, LinkQueueOwner, Meters, PayloadCache, Side, body_checksum},
    check_size,
};
use tokio::sync::oneshot;

use crate::{
    NAME,
    address::{Address, Connections},
    failure, files,
    link_pump::{LinkCommand, LinkPump},
    post::{self, Post},
    pump::{self, Running},
    random,
    wire::{FRAME_TARGET_BYTES, Writer},
};

/// Bytes of a settlement on the wire beside its body.
const RECORD_BYTES: usize = 21;

/// Most bytes of payloads that a process keeps.
const PAYLOAD_BUDGET_BYTES: usize = 512 << 20;

/// What the pump and the links of a process share.
pub(crate) struct Shared {
    pub(crate) post: Arc<Post<LinkCommand>>,
    pub(crate) cache: Mutex<PayloadCache>,
    connections: Connections,
    /// Links that are open.
    n_links: AtomicU64,
}

/// Lease terms of the hubs that are up.
pub(crate) type Terms = RwLock<HashMap<ScanId, Duration>>;

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

/// Settles the leases of one link in one session.
pub(crate) struct LinkSettler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) terms: Arc<Terms>,
    pub(crate) line: usize,
    pub(crate) session: u64,
    /// The link's number within its line.
    pub(crate) number: u32,
    /// Leases that came and were not settled or dropped.
    pub(crate) held: AtomicUsize,
}

impl LinkSettler {
    async fn tell(&self, records: Records, keys: Vec<TaskKey>) -> Result<Vec<TaskKey>> {
        let (answer, answered) = oneshot::channel();
        let (line, session) = (self.line, self.session);
        let batch = Batch {
            records: records.blobs,
            keys,
            answer,
        };
        if !self.shared.post.send(LinkCommand::Tell {
            line,
            session,
            batch,
        }) {
            return Err(TransportError::Closed);
        }
        answered.await.map_err(|_| TransportError::Closed)
    }
}

/// Settlements or renewals of one call, encoded by the caller, and who waits for the answer.
pub(crate) struct Batch {
    /// Each fits into a frame.
    pub(crate) records: Vec<Writer>,
    /// In the order of the records.
    pub(crate) keys: Vec<TaskKey>,
    pub(crate) answer: oneshot::Sender<Vec<TaskKey>>,
}

impl Batch {
    /// Tells whoever waits that its session is over.
    pub(crate) fn all_lost(self) {
        // The receiver may have lost interest.
        let _uninterested = self.answer.send(self.keys);
    }
}

/// Collects records in pieces that fit into a frame.
struct Records {
    blobs: Vec<Writer>,
    /// Bytes of the records to come.
    expected: usize,
}

impl Records {
    fn expecting(n_bytes: usize) -> Self {
        Self {
            blobs: Vec::with_capacity(1),
            expected: n_bytes,
        }
    }

    fn writer(&mut self) -> &mut Writer {
        if self
            .blobs
            .last()
            .is_none_or(|last| last.len() >= FRAME_TARGET_BYTES)
        {
            let room = self.expected.min(FRAME_TARGET_BYTES);
            self.expected -= room;
            self.blobs.push(Writer::with_room(room));
        }
        self.blobs.last_mut().expect("one was pushed just above")
    }
}

#[async_trait]
impl Settler for LinkSettler {
    fn lease_term(&self, key: TaskKey) -> Duration {
        self.terms
            .read()
            .get(&key.scan)
            .copied()
            .unwrap_or_default()
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let bodies = settlements
            .iter()
            .map(|settlement| match settlement.answer() {
                Answer::Completed(result) => result.len(),
                Answer::Rejected(reason) => reason.len(),
                Answer::Released => 0,
            });
        let n_bytes = bodies.sum::<usize>() + settlements.len() * RECORD_BYTES;
        let mut records = Records::expecting(n_bytes);
        let mut keys = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let by = settlement.worker();
            let attempt = settlement.attempt();
            let (token, key, answer) = settlement.into_told();
            keys.push(key);
            let writer = records.writer();
            match answer {
                Answer::Completed(result) => {
                    let sum = body_checksum(key, attempt, &result);
                    writer.completed(self.number, token, by, sum, &result);
                }
                Answer::Released => writer.released(self.number, token),
                Answer::Rejected(reason) => {
                    let sum = body_checksum(key, attempt, reason.as_bytes());
                    writer.rejected(self.number, token, by, sum, &reason);
                }
            }
        }
        self.held.fetch_sub(keys.len(), Ordering::Relaxed);
        self.tell(records, keys).await
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let mut records = Records::expecting(leases.len() * RECORD_BYTES);
        let mut keys = Vec::with_capacity(leases.len());
        for (token, key) in leases {
            keys.push(key);
            records.writer().renew(self.number, token);
        }
        self.tell(records, keys).await
    }

    fn abandon(&self, token: LeaseToken) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        let (session, number) = (self.session, self.number);
        self.shared.post.send(LinkCommand::Abandon {
            line: self.line,
            session,
            number,
            token,
        });
    }
}

impl fmt::Debug for LinkSettler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSettler")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
