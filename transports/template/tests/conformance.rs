//! The template, judged as every transport is, on a paused clock.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_template::TemplateTransport;

fn main() -> ExitCode {
    skyscan_transport_conformance::run::<TemplateFixture>()
}

struct TemplateFixture {
    place: TemplateTransport,
    wires: Wires,
}

#[async_trait]
impl Site for TemplateFixture {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.place.process()))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let process = self.place.process();
        let (cut, mend) = (process.wire(), process.wire());
        Ok(self
            .wires
            .lay(process, move || cut.cut(), move || mend.mend()))
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl Fixture for TemplateFixture {
    const NAME: &'static str = "template";
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        Ok(Self {
            place: TemplateTransport::new(),
            wires: Wires::default(),
        })
    }
}
