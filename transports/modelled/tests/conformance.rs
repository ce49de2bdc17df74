//! A modelled network keeps the contract: the whole suite over a path that takes its time, through a
//! broker that does, on a paused clock.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_memory::MemoryTransport;
use skyscan_transport_modelled::{
    Boundary, Model, ModelledTransport, Network, Path, Sizes, StationModel,
};

fn main() -> ExitCode {
    skyscan_transport_conformance::run::<Modelled>()
}

const STATION: StationModel = StationModel {
    message: Duration::from_micros(20),
    task: Duration::from_micros(5),
    connect: Duration::from_micros(100),
    bits_per_s: Some(1e10),
    connections: None,
};

const PATH: Path = Path {
    one_way: Duration::from_millis(5),
    bits_per_s: Some(5e9),
    boundary: Boundary::Region,
};

struct Modelled {
    place: MemoryTransport,
    network: Arc<Network>,
    wires: Wires,
}

impl Modelled {
    fn behind_a_path(&self, inner: MemoryTransport) -> ModelledTransport {
        ModelledTransport::new(Arc::clone(&self.network), Arc::new(inner), PATH)
    }
}

#[async_trait]
impl Site for Modelled {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.behind_a_path(self.place.process())))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let inner = self.place.process();
        let (cut, mend) = (inner.wire(), inner.wire());
        let process = self.behind_a_path(inner);
        Ok(self
            .wires
            .lay(process, move || cut.sever(), move || mend.heal()))
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl Fixture for Modelled {
    const NAME: &'static str = "modelled";
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        let model = Model {
            hub: STATION,
            broker: Some(STATION),
            sizes: Sizes {
                frame: 100,
                ..Sizes::default()
            },
            liveness: Duration::from_secs(1),
        };
        Ok(Self {
            place: MemoryTransport::new(),
            network: Arc::new(Network::new(model)),
            wires: Wires::default(),
        })
    }
}
