//! The memory transport, judged on a paused clock.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site};
use skyscan_transport_memory::MemoryTransport;

fn main() -> ExitCode {
    skyscan_transport_conformance::run::<MemoryFixture>()
}

struct MemoryFixture {
    place: MemoryTransport,
    processes: Mutex<Vec<Arc<MemoryTransport>>>,
}

impl MemoryFixture {
    fn process(&self) -> Arc<dyn Transport> {
        let process = Arc::new(self.place.process());
        self.processes.lock().push(Arc::clone(&process));
        process
    }

    fn find(&self, process: &Arc<dyn Transport>) -> Result<Arc<MemoryTransport>> {
        let address = Arc::as_ptr(process).cast::<u8>();
        let processes = self.processes.lock();
        let found = processes
            .iter()
            .find(|known| Arc::as_ptr(known).cast::<u8>() == address);
        found.cloned().context("no process of this fixture")
    }
}

#[async_trait]
impl Site for MemoryFixture {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(self.process())
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(self.process())
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.sever();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.heal();
        Ok(())
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    const NAME: &'static str = "memory";
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        Ok(Self {
            place: MemoryTransport::new(),
            processes: Mutex::default(),
        })
    }
}
