//! RabbitMQ, judged against a broker of its own, four times: with shared connections, with one for each link, over TLS
//! with a CA of its own, and sealed end to end, where every worker's process has its own keys.

mod authority;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_keys::{add_worker, make};
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
    // Over TLS and under seal it is the same backend but for what happens to a frame between lane and broker. Cases of
    // what hubs do with leases, credit and holders hold, too, and say nothing more; `./test long` runs them.
    let of_the_wire = || {
        let mut cases = fewer();
        if std::env::var_os("SKYSCAN_TEST_LONG").is_none() {
            cases.retain(|case| OF_THE_WIRE.iter().any(|group| case.name.starts_with(group)));
        }
        cases
    };
    let tls = skyscan_transport_conformance::run_cases::<RabbitmqFixture<TLS>>(of_the_wire());
    let sealed = skyscan_transport_conformance::run_cases::<RabbitmqFixture<SEALED>>(of_the_wire());
    drop(NODE.lock().take());
    let mut ended = [shared, own, tls, sealed].into_iter();
    ended
        .find(|code| *code != ExitCode::SUCCESS)
        .unwrap_or(ExitCode::SUCCESS)
}

/// Cases in which frames and connections are what matters.
const OF_THE_WIRE: [&str; 7] = [
    "delivery::",
    "hub::",
    "loss::",
    "metrics::",
    "notice::",
    "payload::",
    "version::",
];

/// How connections are made.
const SHARED: u8 = 0;
const OWN: u8 = 1;
const TLS: u8 = 2;
const SEALED: u8 = 3;

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
    /// Of the place, where it is sealed.
    keys: Option<tempfile::TempDir>,
    n_workers: AtomicUsize,
}

impl<const HOW: u8> RabbitmqFixture<HOW> {
    fn open(&self, port: u16, keys: Option<&Path>) -> Result<RabbitmqTransport> {
        let namespace = &self.namespace;
        // Such as `queue=quorum`: every case holds for every kind of queue.
        let options = std::env::var("SKYSCAN_TEST_AMQP_OPTIONS").unwrap_or_default();
        let connections = if HOW == OWN { "own" } else { "shared" };
        let scheme = if HOW == TLS { "amqps" } else { "amqp" };
        let files = &self.files;
        let address = format!(
            "{scheme}://guest:guest@127.0.0.1:{port}/%2f?namespace={namespace}&connections={connections}{files}&{options}"
        );
        Ok(RabbitmqTransport::with_keys(&address, keys)?)
    }
}

#[async_trait]
impl<const HOW: u8> Site for RabbitmqFixture<HOW> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let keys = self.keys.as_ref().map(tempfile::TempDir::path);
        Ok(Arc::new(self.open(self.port, keys)?))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let number = self.n_workers.fetch_add(1, Ordering::Relaxed);
        let place = self.keys.as_ref().map(tempfile::TempDir::path);
        let keys = place.map(|place| add_worker(place, &format!("worker-{number}")));
        let keys: Option<PathBuf> = keys.transpose()?;
        self.wires
            .lay_to(self.port, |port| self.open(port, keys.as_deref()))
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
        SEALED => "rabbitmq_sealed",
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
        let keys = (HOW == SEALED).then(tempfile::tempdir).transpose()?;
        if let Some(keys) = &keys {
            make(keys.path())?;
        }
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            port,
            files,
            namespace: format!("case{number}"),
            wires: Wires::default(),
            keys,
            n_workers: AtomicUsize::new(0),
        })
    }
}
