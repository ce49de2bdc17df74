//! RabbitMQ, judged against a broker of its own, three times: with shared connections, with one for
//! each link, and over TLS with a CA of its own.

mod authority;

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

use authority::Authority;

/// The broker of every case; each case has a namespace of its own.
static NODE: Mutex<Option<Broker>> = Mutex::new(None);

fn main() -> ExitCode {
    let mut cases = skyscan_transport_conformance::cases();
    cases.push(skyscan_transport_conformance::metrics_case());
    let shared = skyscan_transport_conformance::run_cases::<RabbitmqFixture<SHARED>>(cases);
    // Thousands of connections that each beat four times a second, as the cases' short silence asks
    // for, are more than a broker on a small machine carries; `cargo bench -p skyscan-bench --bench
    // connections -- rabbitmq 1000` holds a thousand at a usual pace.
    let fewer = || {
        let mut cases = skyscan_transport_conformance::cases();
        cases.retain(|case| !case.name.ends_with("thousand_links_one_process"));
        cases.push(skyscan_transport_conformance::metrics_case());
        cases
    };
    let own = skyscan_transport_conformance::run_cases::<RabbitmqFixture<OWN>>(fewer());
    let tls = skyscan_transport_conformance::run_cases::<RabbitmqFixture<TLS>>(fewer());
    drop(NODE.lock().take());
    let mut ended = [shared, own, tls].into_iter();
    ended
        .find(|code| *code != ExitCode::SUCCESS)
        .unwrap_or(ExitCode::SUCCESS)
}

/// How connections are made.
const SHARED: u8 = 0;
const OWN: u8 = 1;
const TLS: u8 = 2;

/// A broker, and what it and those who dial it show each other.
struct Broker {
    node: Node,
    authority: Authority,
    _folder: tempfile::TempDir,
}

impl Broker {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let authority = Authority::new(folder.path())?;
        authority.sign("broker", &["127.0.0.1"], 2100)?;
        authority.sign("worker", &[], 2100)?;
        Ok(Self {
            node: Node::start_with_tls(authority.of_broker())?,
            authority,
            _folder: folder,
        })
    }
}

struct RabbitmqFixture<const HOW: u8> {
    port: u16,
    /// Of an address, behind the others.
    files: String,
    namespace: String,
    wires: Wires,
}

impl<const HOW: u8> RabbitmqFixture<HOW> {
    fn open(&self, port: u16) -> Result<RabbitmqTransport> {
        let namespace = &self.namespace;
        // Such as `queue=quorum`: every case holds for every kind of queue.
        let options = std::env::var("SKYSCAN_TEST_AMQP_OPTIONS").unwrap_or_default();
        let connections = if HOW == OWN { "own" } else { "shared" };
        let scheme = if HOW == TLS { "amqps" } else { "amqp" };
        let files = &self.files;
        let address = format!(
            "{scheme}://guest:guest@127.0.0.1:{port}/%2f?namespace={namespace}&connections={connections}{files}&{options}"
        );
        Ok(RabbitmqTransport::new(&address)?)
    }
}

#[async_trait]
impl<const HOW: u8> Site for RabbitmqFixture<HOW> {
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
impl<const HOW: u8> Fixture for RabbitmqFixture<HOW> {
    const NAME: &'static str = match HOW {
        SHARED => "rabbitmq",
        OWN => "rabbitmq_own_connections",
        _ => "rabbitmq_tls",
    };
    const CLOCK: Clock = Clock::Real;

    fn missing() -> Option<String> {
        skyscan_rabbitmq_node::missing()
    }

    async fn start() -> Result<Self> {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let mut node = NODE.lock();
        if node.is_none() {
            *node = Some(Broker::start()?);
        }
        let broker = node.as_ref().context("it was started")?;
        let (port, files) = match HOW {
            TLS => {
                let file = |name| broker.authority.file(name).display().to_string();
                let (ca, certificate) = (file("ca.pem"), file("worker.pem"));
                let files = format!(
                    "&ca={ca}&certificate={certificate}&key={}",
                    file("worker.key")
                );
                (broker.node.tls_port().context("it listens for TLS")?, files)
            }
            _ => (broker.node.port(), String::new()),
        };
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            port,
            files,
            namespace: format!("case{number}"),
            wires: Wires::default(),
        })
    }
}
