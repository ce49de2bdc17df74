//! A modelled network keeps the contract: the whole suite over a path that takes its time, through a
//! broker that does, on a paused clock.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site};
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
    processes: Mutex<Vec<(usize, Arc<MemoryTransport>)>>,
}

impl Modelled {
    fn process(&self) -> Arc<dyn Transport> {
        let inner = Arc::new(self.place.process());
        let outer = Arc::new(ModelledTransport::new(
            Arc::clone(&self.network),
            Arc::<MemoryTransport>::clone(&inner),
            PATH,
        ));
        let address = Arc::as_ptr(&outer).cast::<u8>().addr();
        self.processes.lock().push((address, inner));
        outer
    }

    fn find(&self, process: &Arc<dyn Transport>) -> Result<Arc<MemoryTransport>> {
        let address = Arc::as_ptr(process).cast::<u8>().addr();
        let processes = self.processes.lock();
        let found = processes.iter().rfind(|(known, _)| *known == address);
        found
            .map(|(_, inner)| Arc::clone(inner))
            .context("no process of this fixture")
    }
}

#[async_trait]
impl Site for Modelled {
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
            processes: Mutex::default(),
        })
    }
}
