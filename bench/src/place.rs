//! Where hub and workers of a measurement meet, on this machine.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use skyscan_transport::Transport;
use skyscan_transport_keys::{add_worker, make};
use skyscan_transport_rabbitmq::RabbitmqTransport;
use skyscan_transport_sealed::SealedTransport;
use skyscan_transport_zeromq::ZeromqTransport;

/// A place by its URL, with the keys that it takes.
#[derive(Clone, Debug)]
pub struct Place {
    url: String,
    hub_keys: Option<PathBuf>,
    worker_keys: Option<PathBuf>,
}

impl Place {
    /// One that takes no keys.
    #[must_use]
    pub fn open_to_all(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            hub_keys: None,
            worker_keys: None,
        }
    }

    /// A sealed one at a free port; makes its keys, and one for all of its workers, in a folder.
    ///
    /// # Errors
    /// If there is no free port, or the folder has keys already.
    pub fn sealed(keys: &Path, options: &str) -> Result<Self> {
        let url = format!(
            "zmqs://127.0.0.1:{}{options}",
            skyscan_free_ports::free_port()?
        );
        Self::sealed_at(&url, keys)
    }

    /// A sealed one at a URL, with keys that are made in a folder.
    ///
    /// # Errors
    /// If the folder has keys already.
    pub fn sealed_at(url: &str, keys: &Path) -> Result<Self> {
        make(keys)?;
        Ok(Self {
            url: url.to_owned(),
            hub_keys: Some(keys.to_path_buf()),
            worker_keys: Some(add_worker(keys, "bench")?),
        })
    }

    /// What the process that started this one told it.
    ///
    /// # Errors
    /// If it told nothing.
    pub fn of_worker() -> Result<Self> {
        Ok(Self {
            url: env::var("SKYSCAN_BENCH_ADDRESS").context("no address")?,
            hub_keys: None,
            worker_keys: env::var("SKYSCAN_BENCH_KEYS").ok().map(PathBuf::from),
        })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its workers show.
    #[must_use]
    pub fn worker_keys(&self) -> Option<&Path> {
        self.worker_keys.as_deref()
    }

    /// The transport there: the hub's where its keys are, and that of its workers in their processes.
    ///
    /// # Errors
    /// If the URL names no transport.
    pub fn transport(&self) -> Result<Arc<dyn Transport>> {
        let keys = self.hub_keys.as_deref().or(self.worker_keys());
        Ok(match self.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("amqp") => Arc::new(RabbitmqTransport::with_keys(&self.url, keys)?),
            Some("zmqs") => Arc::new(SealedTransport::new(&self.url, keys)?),
            _ => Arc::new(ZeromqTransport::new(&self.url)?),
        })
    }
}
