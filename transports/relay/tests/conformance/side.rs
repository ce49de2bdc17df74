//! What may stand above a relay, and what below: a place of each backend.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Wires};
use skyscan_transport_memory::MemoryTransport;
use skyscan_transport_rabbitmq::RabbitmqTransport;
use skyscan_transport_zeromq::ZeromqTransport;

/// A place on one side of a relay.
pub(crate) trait Side: Sized + Send + Sync + 'static {
    const CLOCK: Clock;

    fn missing() -> Option<String> {
        None
    }

    fn start() -> Result<Self>;

    /// A process at the place.
    fn process(&self) -> Result<Arc<dyn Transport>>;

    /// A process whose wire can be cut.
    fn behind_a_wire(&self, wires: &Wires) -> Result<Arc<dyn Transport>>;
}

pub(crate) struct Memory(MemoryTransport);

impl Side for Memory {
    const CLOCK: Clock = Clock::Paused;

    fn start() -> Result<Self> {
        Ok(Self(MemoryTransport::new()))
    }

    fn process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.0.process()))
    }

    fn behind_a_wire(&self, wires: &Wires) -> Result<Arc<dyn Transport>> {
        let process = self.0.process();
        let (cut, mend) = (process.wire(), process.wire());
        Ok(wires.lay(process, move || cut.sever(), move || mend.heal()))
    }
}

/// The port of a hub over ZeroMQ.
pub(crate) struct Zeromq(u16);

fn zeromq(port: u16) -> Result<ZeromqTransport> {
    Ok(ZeromqTransport::new(&format!("zmq://127.0.0.1:{port}"))?)
}

impl Side for Zeromq {
    const CLOCK: Clock = Clock::Real;

    fn start() -> Result<Self> {
        let port = skyscan_free_ports::free_port()?;
        Ok(Self(port))
    }

    fn process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(zeromq(self.0)?))
    }

    fn behind_a_wire(&self, wires: &Wires) -> Result<Arc<dyn Transport>> {
        wires.lay_to(self.0, zeromq)
    }
}

/// The broker of every case; each case has a namespace of its own.
static NODE: Mutex<Option<Node>> = Mutex::new(None);

pub(crate) fn stop_broker() {
    drop(NODE.lock().take());
}

/// A namespace of the broker.
pub(crate) struct Rabbitmq {
    port: u16,
    number: u64,
}

impl Rabbitmq {
    fn open(&self, port: u16) -> Result<RabbitmqTransport> {
        let number = self.number;
        let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f?namespace=case{number}");
        Ok(RabbitmqTransport::new(&url)?)
    }
}

impl Side for Rabbitmq {
    const CLOCK: Clock = Clock::Real;

    fn missing() -> Option<String> {
        skyscan_rabbitmq_node::missing()
    }

    fn start() -> Result<Self> {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let mut node = NODE.lock();
        if node.is_none() {
            *node = Some(Node::start()?);
        }
        let port = node.as_ref().map(Node::port).context("it was started")?;
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { port, number })
    }

    fn process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.open(self.port)?))
    }

    fn behind_a_wire(&self, wires: &Wires) -> Result<Arc<dyn Transport>> {
        wires.lay_to(self.port, |port| self.open(port))
    }
}
