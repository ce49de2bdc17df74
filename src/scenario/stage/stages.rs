//! Where the hub and the fleet of a replay meet; brings up what has to be there.

use std::path::PathBuf;
use std::sync::Arc;

use skyscan_free_ports::free_port;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::Transport;
use tempfile::TempDir;

use super::cloud::Cloud;
use super::host::Hosts;
use super::relay::Relay;
use super::watched::Watched;
use crate::scenario::results::account::Transfer;
use crate::scenario::setup::file::{PlannedPoint, Scenario};
use crate::scenario::setup::{
    Backend, Clock, Connections, Delivery, EventForm, PerBoundary, Queue, Setup, TransportSetup,
};
use crate::transport::modelled::Network;
use crate::transport::{self, Access, keys};

/// Why a scenario cannot be replayed here for want of a broker, if so.
pub fn lacks_broker(scenario: &Scenario) -> Option<String> {
    let is_run = |point: &&PlannedPoint| point.setup.transport.kind == Backend::Rabbitmq;
    let n_points = scenario.points.iter().filter(is_run).count();
    let missing = match (scenario.clock, n_points) {
        (Clock::Virtual, _) | (_, 0) => None,
        (Clock::Real, _) => skyscan_rabbitmq_node::missing(),
    };
    missing.map(|missing| {
        format!(
            "{n_points} of {} points of {} run over RabbitMQ: {missing}",
            scenario.points.len(),
            scenario.name
        )
    })
}

/// The stages of a replay, one after the other. A broker is started when the first point needs it, and serves all.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Stages {
    /// Used for every point instead of what the scenario says, if given.
    url: Option<String>,
    /// With what that is opened.
    access: Access,
    /// The keys of sealed stages; they go with this.
    keys: Option<Keys>,
    pub(in crate::scenario) broker: Option<Node>,
    /// The fleet, if others start it.
    watched: Option<Watched>,
}

/// Where one point is replayed.
#[derive(Debug)]
pub(in crate::scenario) struct Stage {
    /// Where the fleet meets the hub, or the relay before it.
    pub(in crate::scenario) url: String,
    /// With what the fleet opens that.
    pub(in crate::scenario) access: Access,
    /// Where the Scanner opens its hub.
    pub(in crate::scenario) transport: Arc<dyn Transport>,
    /// Relays between hub and fleet; they run for as long as they are held.
    _relays: Vec<Relay>,
    /// The broker's process, if it is ours.
    pub(in crate::scenario) broker: Option<u32>,
    /// The fleet, if others start it.
    pub(in crate::scenario) watched: Option<Watched>,
    /// What is modelled around the hub, in virtual time.
    pub(in crate::scenario) network: Option<Arc<Network>>,
    /// What is modelled below each relay, in virtual time.
    pub(in crate::scenario) below: Vec<Arc<Network>>,
    /// Where workers inside of this process run.
    pub(in crate::scenario) hosts: Hosts,
}

impl Stage {
    /// What has crossed each boundary so far, over all of its networks.
    pub(in crate::scenario) fn moved(&self) -> PerBoundary<Transfer> {
        let Some(network) = &self.network else {
            let traffic = self.transport.traffic();
            let host = Transfer {
                messages: traffic.messages_sent + traffic.messages_received,
                bytes: traffic.bytes_sent + traffic.bytes_received,
            };
            return PerBoundary {
                host,
                ..PerBoundary::default()
            };
        };
        PerBoundary::of(|boundary| {
            let mut transfer = Transfer::default();
            for network in std::iter::once(network).chain(&self.below) {
                let counted = network.moved(boundary);
                transfer.messages += counted.messages;
                transfer.bytes += counted.bytes;
            }
            transfer
        })
    }

    /// Bytes that the hub has sent and received so far.
    pub(in crate::scenario) fn hub_bytes(&self) -> (u64, u64) {
        match &self.network {
            Some(network) => network.hub_bytes(),
            None => {
                let traffic = self.transport.traffic();
                (traffic.bytes_sent, traffic.bytes_received)
            }
        }
    }
}

impl Stages {
    /// Where a scenario says, or at this place; with a fleet of our own, or one that others start.
    pub(in crate::scenario) fn at(
        (url, access): (Option<String>, Access),
        watched: Option<Watched>,
    ) -> Self {
        Self {
            url,
            access,
            watched,
            ..Self::default()
        }
    }

    /// Makes the stage of a point, with a relay between hub and fleet if the event is to come through one.
    pub(in crate::scenario) async fn open(&mut self, setup: &Setup) -> anyhow::Result<Stage> {
        match setup.clock {
            Clock::Real => self.open_real(&setup.transport, setup.messages.event).await,
            Clock::Virtual => self.open_virtual(setup),
        }
    }

    fn open_virtual(&self, setup: &Setup) -> anyhow::Result<Stage> {
        anyhow::ensure!(
            self.url.is_none(),
            "no transport can be given to a scenario in virtual time: it runs in memory"
        );
        let cloud = Cloud::of(setup);
        Ok(Stage {
            url: String::new(),
            access: Access::default(),
            _relays: cloud.relays,
            watched: None,
            transport: cloud.hub.memory,
            broker: None,
            hosts: Hosts::Modelled(cloud.zones),
            network: Some(cloud.hub.network),
            below: cloud.below,
        })
    }

    async fn open_real(
        &mut self,
        setup: &TransportSetup,
        event: EventForm,
    ) -> anyhow::Result<Stage> {
        match event {
            EventForm::Inline | EventForm::ByRef => self.open_direct(setup).await,
            EventForm::Relay => {
                // What is said of the workers' connections holds in the zone.
                let above = TransportSetup {
                    connections: Connections::Shared,
                    ..setup.clone()
                };
                behind_relay(self.open_direct(&above).await?, setup)
            }
        }
    }

    async fn open_direct(&mut self, setup: &TransportSetup) -> anyhow::Result<Stage> {
        let mut broker = None;
        let (mut hub_access, mut access) = (self.access.clone(), self.access.clone());
        let url = match (&self.url, setup.kind) {
            (Some(url), _) => {
                anyhow::ensure!(
                    !url.starts_with("zmqs:") || self.watched.is_some(),
                    "the keys of a fleet at {url} are not known here: start it elsewhere and give --watch-fleet, or \
                     leave --transport out and say --set transport.kind=zeromq_sealed, which makes its own keys"
                );
                url.clone()
            }
            (None, Backend::Memory) => "memory:".to_owned(),
            (None, Backend::Zeromq) => {
                format!("zmq://127.0.0.1:{}", free_port()?) + &options(setup)
            }
            (None, Backend::ZeromqSealed) => {
                let keys = match self.keys.take() {
                    Some(keys) => keys,
                    None => Keys::make()?,
                };
                let keys = self.keys.insert(keys);
                hub_access = Access::keyed(Some(keys.dir.path()));
                access = Access::keyed(Some(&keys.fleet));
                format!("zmqs://127.0.0.1:{}", free_port()?) + &options(setup)
            }
            (None, Backend::Rabbitmq) => {
                if self.broker.is_none() {
                    self.broker = Some(tokio::task::spawn_blocking(Node::start).await??);
                }
                let node = self.broker.as_ref();
                broker = node.map(Node::pid).transpose()?;
                node.map(Node::url).unwrap_or_default() + &options(setup)
            }
        };
        let transport = transport::open(&url, &hub_access)?;
        Ok(Stage {
            _relays: Vec::new(),
            url,
            access,
            hosts: Hosts::Shared(Arc::clone(&transport)),
            transport,
            broker,
            watched: self.watched.clone(),
            network: None,
            below: Vec::new(),
        })
    }
}

/// Keys of a sealed stage, in a folder that goes with them.
#[derive(Debug)]
struct Keys {
    dir: TempDir,
    /// The fleet's part.
    fleet: PathBuf,
}

impl Keys {
    fn make() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        keys::make(dir.path())?;
        let fleet = keys::add_worker(dir.path(), "fleet")?;
        Ok(Self { dir, fleet })
    }
}

/// Moves the fleet behind a relay, which it meets over ZeroMQ, whatever is above, or in memory.
fn behind_relay(above: Stage, setup: &TransportSetup) -> anyhow::Result<Stage> {
    if transport::is_local(&above.url) {
        let zone = transport::open(&above.url, &Access::default())?;
        let name = "replay".to_owned();
        let relay = Relay::inside(Arc::clone(&above.transport), Arc::clone(&zone), name, setup);
        return Ok(Stage {
            hosts: Hosts::Shared(zone),
            _relays: vec![relay],
            ..above
        });
    }
    let connections = match setup.connections {
        Connections::Own => "?connections=own",
        Connections::Shared => "",
    };
    let zone = format!("zmq://127.0.0.1:{}{connections}", free_port()?);
    let relay = Relay::start((&above.url, &above.access), &zone)?;
    Ok(Stage {
        url: zone,
        access: Access::default(),
        _relays: vec![relay],
        ..above
    })
}

/// What a URL says beyond the address.
fn options(setup: &TransportSetup) -> String {
    let mut options = Vec::new();
    if setup.connections == Connections::Own {
        options.push("connections=own");
    }
    match setup.queue {
        Some(Queue::Classic) => options.push("queue=classic"),
        Some(Queue::Quorum) => options.push("queue=quorum"),
        None => {}
    }
    match setup.delivery {
        Some(Delivery::Transient) => options.push("delivery=transient"),
        Some(Delivery::Persistent) => options.push("delivery=persistent"),
        None => {}
    }
    match options.is_empty() {
        true => String::new(),
        false => format!("?{}", options.join("&")),
    }
}
