//! The sealed transport, judged over real sockets: every worker's process has its own keys and dials through
//! a wire of its own, which can be cut.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_keys::{add_worker, make};
use skyscan_transport_sealed::SealedTransport;

fn main() -> ExitCode {
    skyscan_transport_conformance::run_cases::<SealedFixture>(skyscan_transport_conformance::cases())
}

struct SealedFixture {
    hub_port: u16,
    wires: Wires,
    keys: tempfile::TempDir,
    n_workers: AtomicUsize,
}

#[async_trait]
impl Site for SealedFixture {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let url = format!("zmqs://127.0.0.1:{}", self.hub_port);
        Ok(Arc::new(SealedTransport::new(
            &url,
            Some(self.keys.path()),
        )?))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let number = self.n_workers.fetch_add(1, Ordering::Relaxed);
        let keys: PathBuf = add_worker(self.keys.path(), &format!("worker-{number}"))?;
        self.wires.lay_to(self.hub_port, |port| {
            let url = format!("zmqs://127.0.0.1:{port}");
            Ok(SealedTransport::new(&url, Some(&keys))?)
        })
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl Fixture for SealedFixture {
    const NAME: &'static str = "zeromq_sealed";
    const CLOCK: Clock = Clock::Real;

    async fn start() -> Result<Self> {
        let hub_port = skyscan_free_ports::free_port()?;
        let keys = tempfile::tempdir()?;
        make(keys.path())?;
        Ok(Self {
            hub_port,
            wires: Wires::default(),
            keys,
            n_workers: AtomicUsize::new(0),
        })
    }
}
