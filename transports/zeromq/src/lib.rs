//! The transport contract over ZeroMQ: `zmq://host:port` or `zmq+ipc:///path`.
//!
//! A place is one ROUTER. The process that opens a hub there binds it, and all hubs of that process
//! share it; every other process dials out with one DEALER, over which all its links are
//! multiplexed. With `?connections=own` behind the address each link has a DEALER and a connection
//! of its own instead, for fleets that stand for many machines: two files each, and one thread for
//! all of them (libzmq's I/O threads, one for each 1023, come on top). Each socket belongs to one
//! thread, a *pump*, that drains it in batches; the rest of the process talks to the pump by
//! a list of commands. The module `wire` says what crosses.
//!
//! A *session* is one DEALER's life, from its hello to a silence over `liveness`, a gap in its
//! sequence numbers, or a goodbye. The leases of a session end with it. The next one begins with a
//! new socket and a new identity, so that nothing of the old one can be mistaken for it.
//!
//! Its metrics are those of [`meters`](skyscan_transport::backend::meters).

mod address;
mod files;
#[doc(hidden)]
pub mod fuzz;
mod hub;
mod hub_pump;
mod link;
mod link_pump;
mod post;
mod pump;
mod socket_file;
mod wire;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
    TransportError,
    backend::{Counts, Side, Totals},
};

use crate::{
    address::{Address, Connections},
    hub::HubPort,
    link::LinkPort,
};

pub use crate::address::AddressError;
pub use crate::hub::ADDRESS_TAKEN;

/// Name of the transport.
const NAME: &str = "zeromq";

/// One process at a place that a ZeroMQ address names.
pub struct ZeromqTransport {
    address: Address,
    connections: Connections,
    totals: Arc<Totals>,
    /// The pump of the hubs, once one was opened here. Locked while it binds: of several callers at
    /// once one binds, and the others share what it has bound.
    hubs: tokio::sync::Mutex<Option<HubPort>>,
    /// The pump of the links, once one was opened here.
    links: Mutex<Option<LinkPort>>,
    epochs: AtomicU64,
}

impl ZeromqTransport {
    /// Takes a place by its URL. Nothing is bound or dialled before a hub or link is opened.
    ///
    /// # Errors
    /// [`AddressError`] when the URL names no place.
    pub fn new(url: &str) -> std::result::Result<Self, AddressError> {
        let (address, connections) = Address::parse(url)?;
        Ok(Self {
            address,
            connections,
            totals: Arc::default(),
            hubs: tokio::sync::Mutex::default(),
            links: Mutex::default(),
            epochs: AtomicU64::new(1),
        })
    }

    fn counts(&self, side: Side) -> Arc<Counts> {
        Arc::new(Counts::new(NAME, side, Arc::clone(&self.totals)))
    }

    fn link_port(&self) -> Result<LinkPort> {
        let mut links = self.links.lock();
        if let Some(port) = links.as_ref() {
            return Ok(port.clone());
        }
        let port = LinkPort::open(&self.address, self.connections, self.counts(Side::Link))?;
        Ok(links.insert(port).clone())
    }
}

#[async_trait]
impl Transport for ZeromqTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let mut bound = self.hubs.lock().await;
        let port = match bound.as_ref() {
            Some(port) => port.clone(),
            None => {
                let port = HubPort::bind(&self.address, &self.counts(Side::Hub)).await?;
                bound.insert(port).clone()
            }
        };
        drop(bound);
        hub::open(port, config, self.epochs.fetch_add(1, Ordering::Relaxed)).await
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(self.link_port()?, config)
    }

    fn traffic(&self) -> Traffic {
        self.totals.read()
    }
}

impl fmt::Debug for ZeromqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZeromqTransport")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A failure of libzmq or of the system, with what was tried.
fn failure(
    action: impl Into<String>,
    transient: bool,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TransportError {
    TransportError::Backend {
        transport: NAME,
        action: action.into(),
        transient,
        source: source.into(),
    }
}
