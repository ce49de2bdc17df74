//! Places above, places below, and a relay (or two) between them.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{Transport, Version};
use skyscan_transport_conformance::{Clock, Fixture, Site};
use skyscan_transport_memory::MemoryTransport;
use skyscan_transport_rabbitmq::RabbitmqTransport;
use skyscan_transport_relay::RelayConfig;
use skyscan_transport_zeromq::ZeromqTransport;
use tokio::task::JoinHandle;

use crate::{hidden::RelayHidden, wire::Wire};

const LIVENESS: Duration = Duration::from_millis(1000);
const LEASE_TERM: Duration = Duration::from_millis(4000);

/// A relay that lives as long as its case.
struct Running(JoinHandle<()>);

impl Running {
    fn between(above: Arc<dyn Transport>, below: Arc<dyn Transport>) -> Self {
        let config = RelayConfig {
            zone: "here".to_owned(),
            // That of the cases.
            protocol: Version { major: 3, minor: 1 },
            hello: Bytes::from_static(b"a relay"),
            liveness: LIVENESS,
            lease_term: LEASE_TERM,
            // The cases count what is leased.
            prefetch: 0,
            grace: LIVENESS,
        };
        Self(tokio::spawn(async move {
            let relayed =
                skyscan_transport_relay::run(above, below, config, std::future::pending()).await;
            relayed.expect("a relay outlives what the cases do");
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn find<T: ?Sized>(known: &[(usize, Arc<T>)], process: &Arc<dyn Transport>) -> Result<Arc<T>> {
    let address = address_of(process);
    let found = known.iter().rfind(|(known, _)| *known == address);
    found
        .map(|(_, found)| Arc::clone(found))
        .context("no process of this fixture")
}

fn address_of<T: ?Sized>(process: &Arc<T>) -> usize {
    Arc::as_ptr(process).cast::<u8>().addr()
}

/// Memory above and below, on a paused clock, with so many relays one below the other.
pub(crate) struct MemoryToMemory<const RELAYS: usize> {
    top: MemoryTransport,
    zone: MemoryTransport,
    processes: Mutex<Vec<(usize, Arc<MemoryTransport>)>>,
    _relays: Vec<Running>,
}

#[async_trait]
impl<const RELAYS: usize> Site for MemoryToMemory<RELAYS> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(RelayHidden(Arc::new(self.top.process()))))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let process = Arc::new(self.zone.process());
        let known = (address_of(&process), Arc::clone(&process));
        self.processes.lock().push(known);
        Ok(process)
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        find(&self.processes.lock(), process)?.sever();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        find(&self.processes.lock(), process)?.heal();
        Ok(())
    }
}

#[async_trait]
impl<const RELAYS: usize> Fixture for MemoryToMemory<RELAYS> {
    const NAME: &'static str = match RELAYS {
        1 => "relay_memory_memory",
        _ => "relay_under_relay_memory",
    };
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        let top = MemoryTransport::new();
        let mut zone = top.process();
        let mut relays = Vec::new();
        for _ in 0..RELAYS {
            let below = MemoryTransport::new();
            relays.push(Running::between(
                Arc::new(zone.process()),
                Arc::new(below.process()),
            ));
            zone = below;
        }
        Ok(Self {
            top,
            zone,
            processes: Mutex::default(),
            _relays: relays,
        })
    }
}

/// The Workers' side over ZeroMQ, each process with a wire that can be cut.
struct ZeromqZone {
    port: u16,
    wires: Mutex<Vec<(usize, Arc<Wire>)>>,
}

impl ZeromqZone {
    fn new() -> Result<Self> {
        Ok(Self {
            port: free_port()?,
            wires: Mutex::default(),
        })
    }

    fn of_the_relay(&self) -> Result<Arc<dyn Transport>> {
        zeromq(self.port)
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let wire = Arc::new(Wire::lay(self.port).await?);
        let process = zeromq(wire.port())?;
        self.wires.lock().push((address_of(&process), wire));
        Ok(process)
    }

    fn wire(&self, process: &Arc<dyn Transport>) -> Result<Arc<Wire>> {
        find(&self.wires.lock(), process)
    }
}

fn zeromq(port: u16) -> Result<Arc<dyn Transport>> {
    let url = format!("zmq://127.0.0.1:{port}");
    Ok(Arc::new(ZeromqTransport::new(&url)?))
}

/// Free a moment ago; the hub's bind says so if it is taken meanwhile.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// ZeroMQ above and below.
pub(crate) struct ZeromqToZeromq {
    above: u16,
    zone: ZeromqZone,
    _relay: Running,
}

#[async_trait]
impl Site for ZeromqToZeromq {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(RelayHidden(zeromq(self.above)?)))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        self.zone.link_process().await
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.zone.wire(process)?.cut();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.zone.wire(process)?.mend();
        Ok(())
    }
}

#[async_trait]
impl Fixture for ZeromqToZeromq {
    const NAME: &'static str = "relay_zeromq_zeromq";
    const CLOCK: Clock = Clock::Real;

    async fn start() -> Result<Self> {
        let above = free_port()?;
        let zone = ZeromqZone::new()?;
        let relay = Running::between(zeromq(above)?, zone.of_the_relay()?);
        Ok(Self {
            above,
            zone,
            _relay: relay,
        })
    }
}

/// The broker of every case; each case has a namespace of its own.
static NODE: Mutex<Option<Node>> = Mutex::new(None);

pub(crate) fn stop_broker() {
    drop(NODE.lock().take());
}

/// RabbitMQ above, ZeroMQ below.
pub(crate) struct RabbitmqToZeromq {
    above: String,
    zone: ZeromqZone,
    _relay: Running,
}

#[async_trait]
impl Site for RabbitmqToZeromq {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let above = RabbitmqTransport::new(&self.above)?;
        Ok(Arc::new(RelayHidden(Arc::new(above))))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        self.zone.link_process().await
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.zone.wire(process)?.cut();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.zone.wire(process)?.mend();
        Ok(())
    }
}

#[async_trait]
impl Fixture for RabbitmqToZeromq {
    const NAME: &'static str = "relay_rabbitmq_zeromq";
    const CLOCK: Clock = Clock::Real;

    fn missing() -> Option<String> {
        skyscan_rabbitmq_node::missing()
    }

    async fn start() -> Result<Self> {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let port = {
            let mut node = NODE.lock();
            if node.is_none() {
                *node = Some(Node::start()?);
            }
            node.as_ref().map(Node::port).context("it was started")?
        };
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        let above = format!("amqp://guest:guest@127.0.0.1:{port}/%2f?namespace=case{number}");
        let zone = ZeromqZone::new()?;
        let relay = Running::between(
            Arc::new(RabbitmqTransport::new(&above)?),
            zone.of_the_relay()?,
        );
        Ok(Self {
            above,
            zone,
            _relay: relay,
        })
    }
}
