//! The relay of a replay: between the hub and the fleet, as one between a Scanner and its zone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use skyscan_transport::Transport;
use tokio::task::JoinHandle;

use crate::actors::relay::{self, RelaySetup};
use crate::scenario::setup::TransportSetup;
use crate::telemetry;
use crate::transport::Access;

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub(in crate::scenario) enum Relay {
    /// This program again, so that its work is not taken for the hub's.
    Process(Child),
    /// Between two places in memory.
    Inside(JoinHandle<()>),
}

impl Relay {
    /// Starts one between two places that other processes can join.
    pub(in crate::scenario) fn start(
        (upstream, access): (&str, &Access),
        listen: &str,
    ) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(keys) = &access.keys {
            command.env("SKYSCAN_UPSTREAM_KEYS", keys);
        }
        if access.insecure {
            command.env("SKYSCAN_INSECURE", "1");
        }
        let mut child = command
            .args(["relay", "--zone", "replay", "--prefetch", "0"])
            // An address may hold a password, and everybody sees what is on a command line.
            .env("SKYSCAN_UPSTREAM", upstream)
            .env("SKYSCAN_LISTEN", listen)
            // Two cannot be at one address.
            .env_remove(telemetry::ADDRESS_VARIABLE)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(told) = child.stderr.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(told).lines().map_while(Result::ok) {
                    if !line.starts_with("skyscan: relay of zone") {
                        tracing::warn!("the relay says: {line}");
                    }
                }
            });
        }
        Ok(Self::Process(child))
    }

    /// Starts one inside of this process.
    pub(in crate::scenario) fn inside(
        above: Arc<dyn Transport>,
        below: Arc<dyn Transport>,
        zone: String,
        setup: &TransportSetup,
    ) -> Self {
        let setup = RelaySetup {
            zone,
            liveness: std::time::Duration::from_secs_f64(setup.liveness_s),
            lease_term: std::time::Duration::from_secs_f64(setup.lease_term_s),
            ..RelaySetup::default()
        };
        Self::Inside(tokio::spawn(async move {
            let relayed = relay::run(above, below, setup, std::future::pending()).await;
            if let Err(error) = relayed {
                tracing::warn!(%error, "the relay ended");
            }
        }))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        match self {
            Self::Process(child) => {
                // It may have ended on its own.
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::Inside(running) => running.abort(),
        }
    }
}
