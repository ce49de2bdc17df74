//! The Scanner's end over ZeroMQ.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{
    Holder, Hub, HubConfig, HubInbox, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, PayloadId, Result, ScanId,
    TaskFrame, TaskId, TransportError,
    backend::{Counts, HubQueue, HubQueueOwner, Meters, Payloads, Side},
    check_size,
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    task, time,
};

use crate::{
    NAME,
    address::Address,
    failure,
    hub_pump::{HubCommand, HubPump, OpenHub},
    post::{self, Post},
    pump::{self, Running},
    socket_file,
};

/// Outcomes not taken yet at which a hub stops leasing.
const OUTCOME_LIMIT: usize = 16 * 1024;

/// Most tasks that wait for room together.
const MAX_STEP: usize = 256;

/// How long a bind waits for an address that is still held, in steps of [`BIND_PAUSE`].
const BIND_TRIES: usize = 60;

const BIND_PAUSE: Duration = Duration::from_millis(50);

/// Payloads over this are hashed off the runtime's thread.
const LARGE_PAYLOAD_BYTES: usize = 1 << 20;

/// What to do where somebody else listens.
pub const ADDRESS_TAKEN: &str =
    ": another scan or another program listens there; give each scan a port of its own";

/// The running pump of a bound address.
#[derive(Clone)]
pub(crate) struct HubPort(Arc<Running<HubCommand>>);

impl HubPort {
    /// Binds and starts the pump. Waits a moment for an address that another hub is giving up.
    pub(crate) async fn bind(address: &Address, counts: &Arc<Counts>) -> Result<Self> {
        let place = address.to_bind().map_err(|error| {
            let host = address.to_connect();
            failure(format!("look up the address to bind, {host}"), false, error)
        })?;
        socket_file::check(address)
            .map_err(|error| failure(format!("bind {place}"), false, error))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let (post, inlet) =
                post::post().map_err(|error| failure("make a wake-up pipe", true, error))?;
            let meters = Meters::new(NAME, Side::Hub);
            match HubPump::bind(address, &place, inlet, Arc::clone(counts), meters) {
                Ok(pump) => {
                    let running = Running::start(
                        "skyscan-hub",
                        post,
                        || HubCommand::Stop,
                        move || pump::run(pump),
                    );
                    let running =
                        running.map_err(|error| failure("start the hub's thread", true, error))?;
                    return Ok(Self(Arc::new(running)));
                }
                Err(zmq::Error::EADDRINUSE) if tries < BIND_TRIES => time::sleep(BIND_PAUSE).await,
                Err(error) => {
                    let is_taken = error == zmq::Error::EADDRINUSE;
                    let advice = if is_taken { ADDRESS_TAKEN } else { "" };
                    let told = format!("{error}{advice}");
                    return Err(failure(format!("bind {place}"), is_taken, told));
                }
            }
        }
    }
}

/// Opens a hub at a bound address.
pub(crate) async fn open(
    port: HubPort,
    config: HubConfig,
    epoch: u64,
) -> Result<(Arc<dyn Hub>, HubInbox)> {
    check_size(config.welcome.len(), MAX_BODY_BYTES)?;
    let scan = config.scan;
    let payloads = config.payloads.clone();
    let backlog = config.backlog.clamp(1, Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(backlog));
    let post = Arc::clone(port.0.post());
    let owner = QueueOwner {
        post: Arc::downgrade(&post),
        scan,
        epoch,
    };
    let queue = HubQueue::new(OUTCOME_LIMIT, Box::new(owner));
    let hub = OpenHub {
        epoch,
        config,
        queue: Arc::clone(&queue),
        room: Arc::clone(&room),
        payloads: Payloads::new(payloads),
        runtime: Handle::current(),
        outcomes: Vec::new(),
    };
    let (answer, answered) = oneshot::channel();
    post.send(HubCommand::Open { hub, answer });
    answered.await.map_err(|_| TransportError::Closed)??;
    let step = backlog.min(MAX_STEP);
    Ok((
        Arc::new(ZeromqHub {
            port,
            scan,
            epoch,
            room,
            step,
        }),
        queue.inbox(),
    ))
}

struct ZeromqHub {
    port: HubPort,
    scan: ScanId,
    epoch: u64,
    room: Arc<Semaphore>,
    /// Most tasks submitted for one permit; the whole backlog where that is small.
    step: usize,
}

impl ZeromqHub {
    fn post(&self) -> &Post<HubCommand> {
        self.port.0.post()
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> HubCommand) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.post().send(ask(answer));
        answered.await.map_err(|_| TransportError::Closed)
    }
}

#[async_trait]
impl Hub for ZeromqHub {
    fn scan(&self) -> ScanId {
        self.scan
    }

    async fn submit(&self, mut tasks: Vec<TaskFrame>) -> Result<()> {
        for task in &tasks {
            task.check()?;
        }
        let (scan, epoch) = (self.scan, self.epoch);
        while !tasks.is_empty() {
            let rest = match tasks.len() > self.step {
                true => tasks.split_off(self.step),
                false => Vec::new(),
            };
            // At most MAX_STEP, far below what a u32 counts.
            let room = self.room.acquire_many(tasks.len() as u32).await;
            room.map_err(|_| TransportError::Closed)?.forget();
            if !self.post().send(HubCommand::Submit { scan, epoch, tasks }) {
                return Err(TransportError::Closed);
            }
            tasks = rest;
        }
        match self.room.is_closed() {
            true => Err(TransportError::Closed),
            false => Ok(()),
        }
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        check_size(payload.len(), MAX_PAYLOAD_BYTES)?;
        let id = match payload.len() > LARGE_PAYLOAD_BYTES {
            false => PayloadId::of(&payload),
            true => {
                let copy = payload.clone();
                let hashed = task::spawn_blocking(move || PayloadId::of(&copy)).await;
                hashed.map_err(|error| failure("hash a payload", true, error))?
            }
        };
        let (scan, epoch) = (self.scan, self.epoch);
        self.ask(|answer| HubCommand::Publish {
            scan,
            epoch,
            id,
            payload,
            answer,
        })
        .await?;
        Ok(id)
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        check_size(notice.len(), MAX_BODY_BYTES)?;
        let (scan, epoch) = (self.scan, self.epoch);
        self.ask(|answer| HubCommand::Broadcast {
            scan,
            epoch,
            notice,
            answer,
        })
        .await
    }

    async fn purge(&self) -> Result<usize> {
        let (scan, epoch) = (self.scan, self.epoch);
        self.ask(|answer| HubCommand::Purge {
            scan,
            epoch,
            answer,
        })
        .await
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        let (scan, epoch) = (self.scan, self.epoch);
        self.ask(|answer| HubCommand::Holders {
            scan,
            epoch,
            tasks,
            answer,
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        let (scan, epoch) = (self.scan, self.epoch);
        // No answer: the pump has gone, and the hub with it.
        let _gone = self
            .ask(|answer| HubCommand::Close {
                scan,
                epoch,
                answer: Some(answer),
            })
            .await;
        Ok(())
    }
}

impl Drop for ZeromqHub {
    fn drop(&mut self) {
        let (scan, epoch) = (self.scan, self.epoch);
        self.post().send(HubCommand::Close {
            scan,
            epoch,
            answer: None,
        });
    }
}

impl fmt::Debug for ZeromqHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZeromqHub")
            .field("scan", &self.scan)
            .finish_non_exhaustive()
    }
}

struct QueueOwner {
    post: Weak<Post<HubCommand>>,
    scan: ScanId,
    epoch: u64,
}

impl HubQueueOwner for QueueOwner {
    fn has_room(&self) {
        if let Some(post) = self.post.upgrade() {
            post.send(HubCommand::HasRoom { scan: self.scan });
        }
    }

    fn inbox_dropped(&self) {
        if let Some(post) = self.post.upgrade() {
            let (scan, epoch) = (self.scan, self.epoch);
            post.send(HubCommand::Close {
                scan,
                epoch,
                answer: None,
            });
        }
    }
}
