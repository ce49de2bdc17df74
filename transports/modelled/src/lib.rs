//! A network that is not there: a decorator around a transport in one process that makes its
//! messages take as long as they would take between machines, and counts what crosses which
//! boundary. Meant for the memory transport on a paused clock; nothing in it waits in real time.
//!
//! A [`Network`] is the hub's machine, perhaps a broker beside it, and what crossed the boundaries
//! so far. Every [`ModelledTransport`] is one process in it, with a [`Path`] to the hub:
//!
//! - **A station** (hub or broker) is one processor that takes so long per message and per task,
//!   first come, first served, and behind it one network interface of so many bits a second. When it
//!   is done is computed when the work comes, so its rate is exact whatever the timer's grain. An
//!   answer to a settlement is part of that message's cost.
//! - **A path** adds its latency and, for each message, its bytes at its own bandwidth.
//! - **Connecting** takes one and a half round trips and the station's time per connection; beyond
//!   the most connections that a station takes, links wait until another one goes.
//! - **Links of a process** share a connection, as those of a relay do. What they say at the same
//!   moment, or are told, is one message; and the connection's bandwidth is that of all together.
//!   Its first link waits until the connection stands, others are opened at once and hear nothing
//!   before their hello has arrived.
//! - **A machine that vanishes** says no goodbye: what it holds is leased again once the hub's
//!   liveness is over, not before.
//!
//! Timers of tokio wake up at whole milliseconds, so a message may come up to one late; stations
//! reckon with the exact times.
//!
//! Decision: Virtual time is the paused clock of tokio (`docs/decisions.md`).

mod inbox;
mod link;
mod network;
mod process;
mod station;

use std::sync::Arc;

use async_trait::async_trait;
use skyscan_transport::{
    Hub, HubConfig, HubInbox, Link, LinkConfig, LinkInbox, Result, Traffic, Transport,
};

pub use crate::network::{BOUNDARIES, Boundary, Model, Moved, Network, Path, Sizes};
use crate::process::Process;
pub use crate::station::StationModel;

/// One process in a modelled network.
#[derive(Debug)]
pub struct ModelledTransport {
    inner: Arc<dyn Transport>,
    process: Arc<Process>,
}

impl ModelledTransport {
    /// Puts a process into the network. `inner` must be a process of its own, too: what it has
    /// fetched once is not fetched again.
    pub fn new(network: Arc<Network>, inner: Arc<dyn Transport>, path: Path) -> Self {
        Self {
            inner,
            process: Arc::new(Process::new(network, path)),
        }
    }

    /// Takes the process's machine away without a word. Its links are to be dropped then; the hub
    /// learns of it after the model's liveness.
    pub fn vanish(&self) {
        self.process.vanish();
    }
}

#[async_trait]
impl Transport for ModelledTransport {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        self.inner.open_hub(config).await
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        link::open(self.inner.as_ref(), &self.process, config).await
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}
