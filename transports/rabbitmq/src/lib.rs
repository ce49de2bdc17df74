//! The transport contract over a RabbitMQ broker.
//!
//! The hub decides who gets which task, by the same lease table as every other backend; the
//! broker carries. That keeps every clause exact where a shared work queue cannot: one holder,
//! attempts that count, purge and drain to the task, credit over several scans, spread over idle
//! links, leases that outlive a restart of the broker. What RabbitMQ is good at stays its part:
//! one address that hubs and links both dial out to, a queue for each process that takes what its
//! reader cannot take yet, fanout, and redelivery over broken connections.
//!
//! # What stands at the broker
//!
//! Every name begins with the namespace (`skyscan`), then the scan and its epoch: a hub that opens
//! again has queues of its own.
//!
//! | name | kind | carries |
//! |---|---|---|
//! | `ns.hubs` | fanout, durable | announcements of hubs, their heartbeat, to every process |
//! | `ns.links` | fanout, durable | the question who is there, to every hub |
//! | `ns.process.P.I` | exclusive queue of process P | announcements, notices, payload chunks |
//! | `ns.S.E.tasks.P` | durable queue | tasks leased to the links of process P, and answers |
//! | `ns.S.E.results` | durable queue | results, hellos, heartbeats of every process |
//! | `ns.S.E.requests` | durable queue | questions for payload chunks |
//! | `ns.S.E.notices` | fanout, durable | notices |
//! | `ns.S.owner` | exclusive queue | nothing: who holds it is the scan's hub |
//! | `ns.dead` | fanout, queue, bounded | frames that were refused, for whoever wants to look |
//!
//! Durable queues are of the kind that the address asks for, quorum queues without a delivery limit and with an
//! explicit consumer timeout, and expire when nobody uses them any more.
//!
//! # How a task travels
//!
//! A hub and a process talk in two lanes (`lane`), whose frames are numbered and carry up to
//! 64 tasks or results. Frames are published with confirms, at most a few unconfirmed per lane, so
//! that what comes meanwhile is joined. They are consumed with a prefetch limit and acknowledged
//! many at once. What the other end has not told to have arrived is sent again after a
//! reconnection, so nothing depends on the broker's keeping a message over a restart
//! (`delivery=persistent` or `queue=quorum` make it keep them). Delivery tags are used by the task
//! that reads their channel, and by nothing that outlives that channel: no stale tag can reach a
//! new one.
//!
//! A link's settlement is answered by the hub, not by the broker: it is taken when the hub has it,
//! and a lost lease is known to be lost (C4, C6).
//!
//! # Loss
//!
//! Hub and processes send signs of life four times in `liveness`. A process counts its own silence
//! from the last frame that the broker has confirmed, the hub from the last that it has read, so
//! the process drops its leases before the hub gives them away (C2). A restart of the broker
//! shorter than `liveness` costs no lease. While the broker blocks publishers (memory or disk
//! alarm), nobody is taken for lost.
//!
//! # Sealed end to end
//!
//! With keys ([`RabbitmqTransport::with_keys`]) the broker carries what it cannot read, and what others at the broker
//! change, repeat or make up is dropped: module `door`. In clear remain the names in the table above, which processes
//! ask who is there, how long frames are, and when they come.
//!
//! # Address
//!
//! `amqp://user@host:port/vhost?queue=quorum&delivery=persistent&namespace=skyscan&heartbeat=20&patience=30&connections=own`.
//! The password comes from the address, `SKYSCAN_AMQP_PASSWORD`, or the first line of the file
//! `SKYSCAN_AMQP_PASSWORD_FILE`, and is shown nowhere. `amqps://…?ca=FILE&certificate=FILE&key=FILE` goes
//! over TLS: the broker has to show a certificate for its host's name that the given file, or this
//! system, believes.
//!
//! With `connections=own` each link has one connection of its own, over which it both publishes and
//! consumes, and is a process to hubs and broker: for fleets that stand for many machines.
//!
//! # Metrics
//!
//! Those of [`meters`](skyscan_transport::backend::meters). The two connections are shared by hubs
//! and links.

mod counts;
mod door;
mod drive;
#[doc(hidden)]
pub mod fuzz;
mod hub;
mod lane;
mod link;
mod outbox;
mod payload;
mod place;
mod process;
mod rights;
mod tls;
mod wire;

pub use rights::{Grants, Rights};

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
    TransportError,
};

use crate::{
    door::Keys,
    drive::Driver,
    place::Place,
    process::{Chore, Common, Process},
};

/// Name of this transport, in errors and metrics.
const NAME: &str = "rabbitmq";

/// One process at a place of a broker.
///
/// A thread of its own drives two connections, one to publish and one to consume, however many
/// hubs and links are opened from this value; and with `connections=own` one for each link beside.
/// lapin has a thread for each connection.
#[derive(Debug)]
pub struct RabbitmqTransport {
    handle: Arc<Handle>,
    driver: Driver,
}

impl RabbitmqTransport {
    /// Makes a transport for the place that an `amqp://` address names. Does not wait for the
    /// broker.
    ///
    /// # Errors
    /// [`TransportError::Backend`] when the address cannot be understood, its password file cannot
    /// be read, or no thread can be started.
    pub fn new(address: &str) -> Result<Self> {
        Self::with_keys(address, None)
    }

    /// The same, sealed end to end with the keys of a folder, if one is given. It is read when a hub or link is
    /// opened.
    ///
    /// # Errors
    /// As [`RabbitmqTransport::new`].
    pub fn with_keys(address: &str, keys: Option<&Path>) -> Result<Self> {
        let keys = keys.map(|dir| Keys::of(dir.to_path_buf()));
        let common = Arc::new(Common::with_keys(keys));
        let process = Process::new(Place::parse(address)?.ready()?, false, common);
        let started = Driver::start(Arc::clone(&process));
        let driver = started.map_err(|source| TransportError::Backend {
            transport: NAME,
            action: "start the thread of the connections".into(),
            transient: true,
            source: Box::new(source),
        })?;
        Ok(Self {
            handle: Arc::new(Handle {
                process,
                _first: None,
            }),
            driver,
        })
    }

    /// What a link holds on to: the connections of all, or one of its own.
    fn link_handle(&self) -> Arc<Handle> {
        let first = self.handle.process();
        if !first.place.own_connections {
            return Arc::clone(&self.handle);
        }
        let process = Process::new(first.place.clone(), true, Arc::clone(&first.common));
        self.driver.drive(Arc::clone(&process));
        Arc::new(Handle {
            process,
            _first: Some(Arc::clone(&self.handle)),
        })
    }
}

#[async_trait]
impl Transport for RabbitmqTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let process = self.handle.process();
        let side = process
            .common
            .keys
            .as_ref()
            .map(Keys::open_hub)
            .transpose()?;
        if let Some(side) = &side {
            self.driver.watch(side, process);
        }
        hub::open(&self.handle, config, side).await
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(&self.link_handle(), config)
    }

    fn traffic(&self) -> Traffic {
        self.handle.process().told.traffic()
    }

    fn refusal(&self) -> Option<String> {
        self.handle.process().common.refused.lock().clone()
    }
}

/// Held by the transport, its hubs and its links: the connections end with the last of them.
#[derive(Debug)]
struct Handle {
    process: Arc<Process>,
    /// The thread that drives all connections ends with the transport's own.
    _first: Option<Arc<Handle>>,
}

impl Handle {
    fn process(&self) -> &Arc<Process> {
        &self.process
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.process.chore(Chore::End);
    }
}
