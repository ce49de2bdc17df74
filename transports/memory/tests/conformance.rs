//! The memory transport, judged on a paused clock.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_memory::MemoryTransport;

fn main() -> ExitCode {
    skyscan_transport_conformance::run::<MemoryFixture>()
}

struct MemoryFixture {
    place: MemoryTransport,
    wires: Wires,
}

#[async_trait]
impl Site for MemoryFixture {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.place.process()))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let process = self.place.process();
        let (cut, mend) = (process.wire(), process.wire());
        Ok(self
            .wires
            .lay(process, move || cut.sever(), move || mend.heal()))
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    const NAME: &'static str = "memory";
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        Ok(Self {
            place: MemoryTransport::new(),
            wires: Wires::default(),
        })
    }
}
