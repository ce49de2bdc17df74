//! Several nodes that know each other: one broker of which any may be killed.

use std::{
    fs,
    io::Write,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use skyscan_free_ports::free_ports;

use crate::Node;

/// Runs epmd until the standard input ends: it must outlive every node.
const EPMD: &str = r#"
epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
cat >/dev/null
kill -9 0
"#;

/// What the nodes of a cluster share.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    epmd_port: u16,
    cookie: String,
    /// Name of the node that stood first; none for that one.
    first: Option<String>,
}

impl Company {
    pub(crate) fn epmd_port(&self) -> u16 {
        self.epmd_port
    }

    /// What a node is told of the others: whom it joins when it is started for the first time.
    pub(crate) fn seeds(&self, own: &str) -> String {
        self.first.as_ref().map_or_else(String::new, |first| {
            format!(
                "cluster_formation.peer_discovery_backend = classic_config\n\
                 cluster_formation.classic_config.nodes.1 = {first}@localhost\n\
                 cluster_formation.classic_config.nodes.2 = {own}@localhost\n"
            )
        })
    }

    /// Nodes of the same cookie talk to each other.
    pub(crate) fn write_cookie(&self, home: &Path) -> Result<()> {
        let path = home.join(".erlang.cookie");
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("failed to make {path:?}"))?;
        file.write_all(self.cookie.as_bytes())
            .with_context(|| format!("failed to write {path:?}"))
    }
}

/// A running cluster; killed and cleaned away when dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    epmd: Child,
}

impl Cluster {
    /// Starts this many nodes, one after the other, and waits until each takes connections.
    ///
    /// # Errors
    /// When no broker is installed or one does not start; the error carries the end of its log.
    pub fn start(n_nodes: usize) -> Result<Self> {
        let [epmd_port] = free_ports()?;
        let epmd = Command::new("sh")
            .args(["-c", EPMD])
            .env("ERL_EPMD_PORT", epmd_port.to_string())
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("failed to start epmd")?;
        let mut cluster = Self {
            nodes: Vec::new(),
            epmd,
        };
        for _ in 0..n_nodes {
            let company = Company {
                epmd_port,
                cookie: format!("skyscan{epmd_port}"),
                first: cluster.nodes.first().map(|node| node.name.clone()),
            };
            cluster.nodes.push(Node::start_with(None, Some(company))?);
        }
        Ok(cluster)
    }

    /// Its nodes, the oldest first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same, to be killed and started again.
    pub fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.clear();
        drop(self.epmd.stdin.take());
        // Nothing more can be done about what fails here.
        let _ended = self.epmd.wait();
    }
}
