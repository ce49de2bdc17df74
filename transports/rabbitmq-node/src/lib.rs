//! A private RabbitMQ node for tests and benchmarks: own port, own folder, own epmd, gone on drop.
//!
//! The installed `rabbitmq-server` scripts are run as they are, with everything that they would
//! share with a system broker pointed into a temporary folder. A watchdog ends the node when this
//! process dies without dropping it. A [`Cluster`] is several of them that know each other.

mod cluster;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use skyscan_free_ports::free_ports;

pub use cluster::Cluster;
use cluster::Company;

/// Where distributions put the scripts; `SKYSCAN_RABBITMQ_SBIN` comes first.
const SCRIPT_FOLDERS: [&str; 3] = [
    "/usr/lib/rabbitmq/bin",
    "/opt/rabbitmq/sbin",
    "/usr/local/opt/rabbitmq/sbin",
];

/// How long a node may take to start.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How long what was killed may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(20);

/// Runs epmd and the broker until the standard input, or one of them, ends; then kills the whole process
/// group, itself included. Job control would need a terminal.
const WATCHDOG: &str = r#"
{
    epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
    until epmd -names >/dev/null 2>&1; do
        kill -0 $! 2>/dev/null || kill -9 0
        sleep 0.05
    done
    "$0"
    kill -9 0
} </dev/null &
cat >/dev/null
kill -9 0
"#;

/// Files with which a node listens for TLS, too; what is in them may be replaced while it runs
/// ([`Node::forget_certificates`]).
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Whose certificates the broker believes. Whoever shows none is refused.
    pub ca: PathBuf,
    /// The broker's own.
    pub certificate: PathBuf,
    /// Its secret key.
    pub key: PathBuf,
}

/// A running broker, killed and cleaned away when dropped.
#[derive(Debug)]
pub struct Node {
    name: String,
    scripts: PathBuf,
    folder: PathBuf,
    port: u16,
    dist_port: u16,
    epmd_port: u16,
    /// Where it listens for TLS, and with what.
    tls: Option<(u16, TlsFiles)>,
    /// The cluster that it is to be a part of.
    company: Option<Company>,
    broker: Option<Child>,
}

/// Says why no broker can be started here, if so.
pub fn missing() -> Option<String> {
    scripts().is_none().then(|| {
        "rabbitmq-server is not installed (apt-get install rabbitmq-server), \
         or name its scripts' folder in SKYSCAN_RABBITMQ_SBIN"
            .to_owned()
    })
}

fn scripts() -> Option<PathBuf> {
    let named = env::var_os("SKYSCAN_RABBITMQ_SBIN").map(PathBuf::from);
    let folders = named.into_iter().chain(SCRIPT_FOLDERS.map(PathBuf::from));
    folders
        .into_iter()
        .find(|folder| folder.join("rabbitmq-server").exists())
}

impl Node {
    /// Starts a node and waits until it takes connections.
    ///
    /// # Errors
    /// When it is not installed or does not start; the error carries the end of its log.
    pub fn start() -> Result<Self> {
        Self::start_with(None, None)
    }

    /// The same, which listens for TLS at a port of its own, too.
    ///
    /// # Errors
    /// As those of [`Node::start`].
    pub fn start_with_tls(files: TlsFiles) -> Result<Self> {
        let [port] = free_ports()?;
        Self::start_with(Some((port, files)), None)
    }

    fn start_with(tls: Option<(u16, TlsFiles)>, company: Option<Company>) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let scripts = scripts().context(
            "rabbitmq-server is not installed: apt-get install rabbitmq-server, or name the folder of its \
             scripts in SKYSCAN_RABBITMQ_SBIN",
        )?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("skyscan-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(&name);
        fs::create_dir_all(&folder).with_context(|| format!("failed to make {folder:?}"))?;
        let [port, dist_port, own_epmd_port] = free_ports()?;
        let epmd_port = company.as_ref().map_or(own_epmd_port, Company::epmd_port);
        let mut node = Self {
            name,
            scripts,
            folder,
            port,
            dist_port,
            epmd_port,
            tls,
            company,
            broker: None,
        };
        node.configure()?;
        node.restart()?;
        Ok(node)
    }

    /// The broker's port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The broker's port for TLS on loopback, if it listens at one.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls.as_ref().map(|(port, _)| *port)
    }

    /// Has the broker read its certificates again for whoever connects from here on.
    ///
    /// # Errors
    /// If it is not running.
    pub fn forget_certificates(&self) -> Result<()> {
        self.control(&["eval", "ssl:clear_pem_cache()."]).map(drop)
    }

    /// `amqp://guest:guest@127.0.0.1:port/%2f`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Operating system's id of the broker's virtual machine.
    pub fn pid(&self) -> Result<u32> {
        let path = self.folder.join("pid");
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path:?}"))?;
        text.trim().parse().context("the pid file holds no number")
    }

    /// Kills the node as a crash of its machine would; what it wrote to disk stays.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut broker) = self.broker.take() {
            // The end of its input makes the watchdog kill the whole group.
            drop(broker.stdin.take());
            broker.wait().context("failed to wait for the broker")?;
            // It may go before the others: an epmd that still listens keeps the next one out.
            let since = Instant::now();
            while since.elapsed() < DEATH_PATIENCE && self.own_ports().any(is_taken) {
                pause();
            }
        }
        Ok(())
    }

    /// Starts the node, again if it was killed, with what is left on its disk.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let log = self.folder.join("console.log");
        let console = fs::File::create(&log).context("failed to make the console log")?;
        let mut command = Command::new("sh");
        let broker = self
            .environment(&mut command)
            .args(["-c", WATCHDOG])
            .arg(self.scripts.join("rabbitmq-server"))
            .stdin(Stdio::piped())
            .stdout(console.try_clone().context("failed to share the log")?)
            .stderr(console)
            .process_group(0)
            .spawn()
            .context("failed to start rabbitmq-server")?;
        self.broker = Some(broker);
        self.await_port()
    }

    /// Stops the broker but not its virtual machine: connections are closed in good order.
    pub fn stop_app(&self) -> Result<()> {
        self.control(&["stop_app"]).map(drop)
    }

    /// Starts the broker again after [`Node::stop_app`].
    pub fn start_app(&self) -> Result<()> {
        self.control(&["start_app"]).map(drop)
    }

    /// Has the broker write down which queues there are: it keeps them in memory for up to two seconds. A quorum
    /// queue that it was killed before it had noted is left with a log and no leader: whoever declares it again
    /// waits for ever.
    pub fn note_queues(&self) -> Result<()> {
        self.control(&["eval", "mnesia:sync_log()."]).map(drop)
    }

    /// Runs `rabbitmqctl` and returns what it printed.
    pub fn control(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.scripts.join("rabbitmqctl"));
        let output = self
            .environment(&mut command)
            .args(["-q", "-n", &format!("{}@localhost", self.name)])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("failed to run rabbitmqctl")?;
        ensure!(
            output.status.success(),
            "rabbitmqctl {arguments:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn configure(&self) -> Result<()> {
        let tls = self.tls.as_ref().map(|(port, files)| {
            format!(
                "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
                 ssl_options.keyfile = {}\nssl_options.verify = verify_peer\n\
                 ssl_options.fail_if_no_peer_cert = true\n",
                files.ca.display(),
                files.certificate.display(),
                files.key.display()
            )
        });
        let config = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\ntcp_listen_options.backlog = 4096\n\
             vm_memory_high_watermark.absolute = 4GB\ndisk_free_limit.absolute = 10MB\n\
             log.file.level = warning\nlog.console = false\n{}{}",
            self.port,
            tls.unwrap_or_default(),
            self.company
                .as_ref()
                .map(|company| company.seeds(&self.name))
                .unwrap_or_default()
        );
        if let Some(company) = &self.company {
            company.write_cookie(&self.folder)?;
        }
        let write = |name: &str, text: &str| -> Result<()> {
            let path = self.folder.join(name);
            let mut file =
                fs::File::create(&path).with_context(|| format!("failed to make {path:?}"))?;
            file.write_all(text.as_bytes())
                .with_context(|| format!("failed to write {path:?}"))
        };
        write("rabbitmq.conf", &config)?;
        write("enabled_plugins", "[].\n")?;
        write("rabbitmq-env.conf", "")
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let inside = |name: &str| self.folder.join(name);
        command
            .env("HOME", &self.folder)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("{}@localhost", self.name))
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_BASE", &self.folder)
            .env("RABBITMQ_MNESIA_BASE", inside("mnesia"))
            .env("RABBITMQ_LOG_BASE", inside("log"))
            .env("RABBITMQ_PID_FILE", inside("pid"))
            .env("RABBITMQ_CONFIG_FILE", inside("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", inside("rabbitmq-env.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", inside("enabled_plugins"))
            .env("RABBITMQ_FEATURE_FLAGS_FILE", inside("feature_flags"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", inside("generated"))
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+sbwt none +sbwtdcpu none +sbwtdio none \
                 -kernel inet_dist_use_interface {127,0,0,1}",
            )
    }

    /// Where nobody but this node listens: a cluster has one epmd.
    fn own_ports(&self) -> impl Iterator<Item = u16> {
        let epmd = self.company.is_none().then_some(self.epmd_port);
        [self.port, self.dist_port].into_iter().chain(epmd)
    }

    fn await_port(&mut self) -> Result<()> {
        let since = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while since.elapsed() < START_PATIENCE {
            if greets(address) {
                return Ok(());
            }
            let ended = self.broker.as_mut().map(Child::try_wait);
            if let Some(Ok(Some(status))) = ended {
                bail!("rabbitmq-server ended with {status}: {}", self.last_words());
            }
            pause();
        }
        bail!(
            "rabbitmq-server took over {START_PATIENCE:?}: {}",
            self.last_words()
        )
    }

    fn last_words(&self) -> String {
        let lines = |path: &Path| -> Vec<String> {
            fs::File::open(path).map_or_else(
                |_| Vec::new(),
                |file| BufReader::new(file).lines().map_while(Result::ok).collect(),
            )
        };
        let lines = lines(&self.folder.join("console.log"));
        lines[lines.len().saturating_sub(20)..].join(" | ")
    }
}

/// Whether somebody listens at a port.
fn is_taken(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Whether an AMQP broker answers at this address: the port alone may open too early.
fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else {
        return false;
    };
    let patience = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut answer = [0; 1];
    patience.is_ok()
        && stream.write_all(b"AMQP\0\0\x09\x01").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer[0] == 1
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when the port opens"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing more can be done about what fails here.
        let _killed = self.kill();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}
