//! Where the parts of a scan meet, and the proxies between them.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{Rng, RngExt};
use skyscan_free_ports::free_port;
use skyscan_rabbitmq_node::Node;
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::proxy::Proxy;

/// A broker that is there for all scans, most of the time.
#[derive(Debug)]
pub(crate) struct Broker {
    node: Arc<Mutex<Node>>,
    port: u16,
    pub(crate) is_up: bool,
}

impl Broker {
    pub(crate) async fn start() -> Result<Self> {
        let node = spawn_blocking(Node::start).await??;
        Ok(Self {
            port: node.port(),
            node: Arc::new(Mutex::new(node)),
            is_up: true,
        })
    }

    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.is_up = false;
        self.with_node(Node::kill).await
    }

    /// Starts it, if it is down.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        if !self.is_up {
            self.with_node(Node::restart).await?;
            self.is_up = true;
        }
        Ok(())
    }

    /// Stops it, or has it go on.
    pub(crate) async fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.with_node(|node| node.pid()).await?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
    }

    async fn with_node<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Node) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let node = Arc::clone(&self.node);
        // It waits for the broker, which takes seconds.
        spawn_blocking(move || what(&mut node.lock().unwrap_or_else(PoisonError::into_inner)))
            .await?
    }
}

/// Over what scanner and workers talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carrier {
    Zeromq,
    Sealed,
    Rabbitmq,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zeromq => "ZeroMQ",
            Self::Sealed => "ZeroMQ, sealed",
            Self::Rabbitmq => "RabbitMQ",
        })
    }
}

/// What to tell each part of where it meets the others: transports and keys.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) carrier: Carrier,
    pub(crate) scanner: Vec<String>,
    pub(crate) relay: Option<Vec<String>>,
    pub(crate) worker: Vec<String>,
    pub(crate) proxies: Vec<Proxy>,
}

impl Place {
    /// One that is drawn: over any transport that there is, in every third life with a relay.
    pub(crate) async fn drawn(
        random: &mut impl Rng,
        program: &Path,
        folder: &Path,
        broker: Option<&Broker>,
    ) -> Result<Self> {
        let carrier = match random.random_range(0..if broker.is_some() { 5 } else { 3 }) {
            0 | 1 => Carrier::Zeromq,
            2 => Carrier::Sealed,
            _ => Carrier::Rabbitmq,
        };
        let has_relay = random.random_ratio(1, 3);
        let mut proxies = Vec::new();
        let (scanner, above) = match (carrier, broker) {
            (Carrier::Rabbitmq, Some(broker)) => {
                let ends = [(); 2].map(|()| Proxy::before(broker.port, random.random()));
                let namespace = format!("chaos-{:x}", random.random::<u32>());
                let mut urls = Vec::new();
                for end in ends {
                    let proxy = end.await?;
                    let port = proxy.port;
                    urls.push(format!(
                        "amqp://guest:guest@127.0.0.1:{port}/%2f?namespace={namespace}"
                    ));
                    proxies.push(proxy);
                }
                let [scanner, above] = <[String; 2]>::try_from(urls)
                    .ok()
                    .context("there are two")?;
                (transport(&scanner), above)
            }
            _ => {
                let port = free_port()?;
                let proxy = Proxy::before(port, random.random()).await?;
                let scheme = match carrier {
                    Carrier::Sealed => "zmqs",
                    _ => "zmq",
                };
                let above = format!("{scheme}://127.0.0.1:{}", proxy.port);
                proxies.push(proxy);
                (transport(&format!("{scheme}://127.0.0.1:{port}")), above)
            }
        };
        let mut place = Self {
            carrier,
            scanner,
            relay: None,
            worker: transport(&above),
            proxies,
        };
        if has_relay {
            let port = free_port()?;
            let proxy = Proxy::before(port, random.random()).await?;
            let (listen, below) = [port, proxy.port]
                .map(|port| format!("zmq://127.0.0.1:{port}"))
                .into();
            place.proxies.push(proxy);
            let relay = ["--zone", "chaos", "--upstream", &above, "--listen", &listen];
            place.relay = Some(relay.map(str::to_owned).to_vec());
            place.worker = transport(&below);
        }
        if carrier == Carrier::Sealed {
            place.seal(program, folder).await?;
        }
        Ok(place)
    }

    /// Whoever talks to the scanner has a key.
    async fn seal(&mut self, program: &Path, folder: &Path) -> Result<()> {
        let keys = folder.join("keys");
        let mut keygen = Command::new(program);
        let made = keygen
            .arg("keygen")
            .arg(&keys)
            .args(["--worker", "chaos"])
            .output()
            .await
            .with_context(|| format!("failed to run {program:?}"))?;
        ensure!(made.status.success(), "skyscan keygen: {made:?}");
        let (own, given) = (text(&keys), text(&keys.join("for-chaos")));
        self.scanner.extend(["--keys".to_owned(), own]);
        match &mut self.relay {
            Some(relay) => relay.extend(["--upstream-keys".to_owned(), given]),
            None => self.worker.extend(["--keys".to_owned(), given]),
        }
        Ok(())
    }
}

fn transport(url: &str) -> Vec<String> {
    ["--transport", url].map(str::to_owned).to_vec()
}

/// A path of a temporary folder as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
