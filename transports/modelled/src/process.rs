//! One process in a modelled network: its links share a connection, and what they say at the same
//! moment is one message.
//!
//! Decision: A machine is what is modelled (`docs/decisions.md`).

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use futures::lock;
use parking_lot::Mutex;
use skyscan_transport::PayloadId;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until};

use crate::network::{Message, Network, Path};
use crate::station::{Server, transfer};

/// Ways that a handshake takes before the other side can act: there, back and there again.
const WAYS_TO_CONNECT: u32 = 3;

/// What the links of a process share.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) network: Arc<Network>,
    pub(crate) path: Path,
    /// What was fetched so far; one transfer at a time. Its lock, and the next one, take nothing of
    /// a task's budget with tokio, so that a process with one link runs as one without locks.
    pub(crate) fetched: lock::Mutex<HashSet<PayloadId>>,
    connection: lock::Mutex<Weak<Connection>>,
    /// Whether two links have ever had the connection at the same time. Before that no message is joined
    /// with another: there is no other link to say something at the same moment.
    is_shared: AtomicBool,
    up: Direction,
    down: Direction,
    gone: AtomicBool,
}

/// A connection to the hub, or the broker. It ends with the last link that holds it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// One of those that the station takes.
    _permit: Option<OwnedSemaphorePermit>,
}

/// One of the two directions of a connection.
#[derive(Debug, Default)]
struct Direction {
    /// When a message left last.
    last: Mutex<Option<Instant>>,
    /// Links that share it are in each other's way.
    wire: Server,
}

impl Process {
    pub(crate) fn new(network: Arc<Network>, path: Path) -> Self {
        Self {
            network,
            path,
            fetched: lock::Mutex::default(),
            connection: lock::Mutex::new(Weak::new()),
            is_shared: AtomicBool::new(false),
            up: Direction::default(),
            down: Direction::default(),
            gone: AtomicBool::new(false),
        }
    }

    pub(crate) fn vanish(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// The process's connection, and whether it was made for this link: with its first message,
    /// which is the link's hello.
    pub(crate) async fn connect(&self, hello_bytes: u64) -> (Arc<Connection>, bool) {
        let mut known = self.connection.lock().await;
        if let Some(connection) = known.upgrade() {
            self.is_shared.store(true, Ordering::Relaxed);
            return (connection, false);
        }
        let (network, path) = (&self.network, &self.path);
        let permit = network.front().enter().await;
        let asked = Instant::now() + WAYS_TO_CONNECT * path.one_way;
        sleep_until(asked).await;
        let open = network.front().connect(asked);
        sleep_until(open).await;
        let hello = Message {
            joins: false,
            n_tasks: 0,
            n_bytes: network.sizes.frame + hello_bytes,
        };
        network.count(path.boundary, hello);
        let connection = Arc::new(Connection { _permit: permit });
        *known = Arc::downgrade(&connection);
        (connection, true)
    }

    /// Takes a message to the hub; returns when the hub has dealt with it.
    pub(crate) async fn carry(&self, n_tasks: usize, body_bytes: u64) -> Instant {
        let message = self.message(&self.up, n_tasks, body_bytes);
        self.network.count(self.path.boundary, message);
        let at = self.crosses(&self.up, Instant::now(), message);
        sleep_until(at).await;
        self.network.take_in(at, message).await
    }

    /// Takes a message to the hub that carries no task.
    pub(crate) async fn say(&self) -> Instant {
        self.carry(0, 0).await
    }

    /// When a message to this process leaves the hub.
    pub(crate) fn leaves_hub(&self, n_tasks: usize, body_bytes: u64) -> (Instant, Message) {
        let message = self.message(&self.down, n_tasks, body_bytes);
        (self.network.leaves_hub(message), message)
    }

    /// Once it has left the hub: when it arrives.
    pub(crate) fn arrives(&self, left: Instant, message: Message) -> Instant {
        let left = self.network.passes_broker(left, message);
        self.network.count(self.path.boundary, message);
        self.crosses(&self.down, left, message)
    }

    fn message(&self, direction: &Direction, n_tasks: usize, body_bytes: u64) -> Message {
        let now = Instant::now();
        let joins = self.is_shared.load(Ordering::Relaxed)
            && direction.last.lock().replace(now) == Some(now);
        let frame = match joins {
            true => 0,
            false => self.network.sizes.frame,
        };
        Message {
            joins,
            n_tasks,
            n_bytes: frame + body_bytes,
        }
    }

    /// When a message arrives that leaves at this time.
    fn crosses(&self, direction: &Direction, leaves: Instant, message: Message) -> Instant {
        let Path {
            one_way,
            bits_per_s,
            ..
        } = self.path;
        let Some(takes) = bits_per_s.map(|speed| transfer(message.n_bytes, speed)) else {
            return leaves + one_way;
        };
        match self.is_shared.load(Ordering::Relaxed) {
            true => direction.wire.serve(leaves, takes) + one_way,
            false => leaves + one_way + takes,
        }
    }

    /// Drops what is left of a link: at once, or when the hub misses the machine that vanished.
    pub(crate) fn bury<T: Send + 'static>(&self, left: T) {
        // Without a runtime there is nobody left to notice.
        if let (true, Ok(runtime)) = (self.is_gone(), Handle::try_current()) {
            let liveness = self.network.liveness;
            runtime.spawn(async move {
                sleep(liveness).await;
                drop(left);
            });
        }
    }
}
