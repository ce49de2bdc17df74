//! RabbitMQ, judged against a broker of its own, twice: with shared connections, and with one for
//! each link.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_rabbitmq::RabbitmqTransport;

/// The broker of every case; each case has a namespace of its own.
static NODE: Mutex<Option<Node>> = Mutex::new(None);

fn main() -> ExitCode {
    let mut cases = skyscan_transport_conformance::cases();
    cases.push(skyscan_transport_conformance::metrics_case());
    let shared = skyscan_transport_conformance::run_cases::<RabbitmqFixture<false>>(cases);
    // Thousands of connections that each beat four times a second, as the cases' short silence asks
    // for, are more than a broker on a small machine carries; `cargo bench -p skyscan-bench --bench
    // connections -- rabbitmq 1000` holds a thousand at a usual pace.
    let mut cases = skyscan_transport_conformance::cases();
    cases.retain(|case| !case.name.ends_with("thousand_links_one_process"));
    cases.push(skyscan_transport_conformance::metrics_case());
    let own = skyscan_transport_conformance::run_cases::<RabbitmqFixture<true>>(cases);
    drop(NODE.lock().take());
    match shared == ExitCode::SUCCESS {
        true => own,
        false => shared,
    }
}

struct RabbitmqFixture<const OWN: bool> {
    port: u16,
    namespace: String,
    wires: Wires,
}

impl<const OWN: bool> RabbitmqFixture<OWN> {
    fn open(&self, port: u16) -> Result<RabbitmqTransport> {
        let namespace = &self.namespace;
        // Such as `queue=quorum`: every case holds for every kind of queue.
        let options = std::env::var("SKYSCAN_TEST_AMQP_OPTIONS").unwrap_or_default();
        let connections = if OWN { "own" } else { "shared" };
        let address = format!(
            "amqp://guest:guest@127.0.0.1:{port}/%2f?namespace={namespace}&connections={connections}&{options}"
        );
        Ok(RabbitmqTransport::new(&address)?)
    }
}

#[async_trait]
impl<const OWN: bool> Site for RabbitmqFixture<OWN> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.open(self.port)?))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        self.wires.lay_to(self.port, |port| self.open(port))
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl<const OWN: bool> Fixture for RabbitmqFixture<OWN> {
    const NAME: &'static str = match OWN {
        false => "rabbitmq",
        true => "rabbitmq_own_connections",
    };
    const CLOCK: Clock = Clock::Real;

    fn missing() -> Option<String> {
        skyscan_rabbitmq_node::missing()
    }

    async fn start() -> Result<Self> {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let mut node = NODE.lock();
        if node.is_none() {
            *node = Some(Node::start()?);
        }
        let port = node.as_ref().map(Node::port).context("it was started")?;
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            port,
            namespace: format!("case{number}"),
            wires: Wires::default(),
        })
    }
}
