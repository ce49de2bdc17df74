//! The ZeroMQ transport, judged over real sockets, twice: with one connection for all links of a
//! process, and with one for each. Every worker's process dials through a wire of its own, which
//! can be cut.

mod wire;

use std::{net::TcpListener, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site};
use skyscan_transport_zeromq::ZeromqTransport;

use crate::wire::Wire;

fn main() -> ExitCode {
    let mut cases = skyscan_transport_conformance::cases();
    cases.push(skyscan_transport_conformance::metrics_case());
    let shared = skyscan_transport_conformance::run_cases::<ZeromqFixture<false>>(cases);
    let mut cases = skyscan_transport_conformance::cases();
    // Both ends and the wires of so many are more files than one process may usually hold.
    cases.retain(|case| case.name != "scale::five_thousand_links_one_process");
    cases.push(skyscan_transport_conformance::metrics_case());
    let own = skyscan_transport_conformance::run_cases::<ZeromqFixture<true>>(cases);
    match shared == ExitCode::SUCCESS {
        true => own,
        false => shared,
    }
}

struct ZeromqFixture<const OWN: bool> {
    hub_port: u16,
    wires: Mutex<Vec<(usize, Arc<Wire>)>>,
}

impl<const OWN: bool> ZeromqFixture<OWN> {
    fn find(&self, process: &Arc<dyn Transport>) -> Result<Arc<Wire>> {
        let address = Arc::as_ptr(process).cast::<u8>().addr();
        let wires = self.wires.lock();
        let found = wires.iter().rfind(|(known, _)| *known == address);
        found
            .map(|(_, wire)| Arc::clone(wire))
            .context("no process of this fixture")
    }
}

#[async_trait]
impl<const OWN: bool> Site for ZeromqFixture<OWN> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let url = format!("zmq://127.0.0.1:{}", self.hub_port);
        Ok(Arc::new(ZeromqTransport::new(&url)?))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let wire = Arc::new(Wire::lay(self.hub_port).await?);
        let connections = if OWN { "own" } else { "shared" };
        let url = format!("zmq://127.0.0.1:{}?connections={connections}", wire.port());
        let process = Arc::new(ZeromqTransport::new(&url)?);
        let address = Arc::as_ptr(&process).cast::<u8>().addr();
        self.wires.lock().push((address, wire));
        Ok(process)
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.cut();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.mend();
        Ok(())
    }
}

#[async_trait]
impl<const OWN: bool> Fixture for ZeromqFixture<OWN> {
    const NAME: &'static str = match OWN {
        false => "zeromq",
        true => "zeromq_own_connections",
    };
    const CLOCK: Clock = Clock::Real;

    async fn start() -> Result<Self> {
        // Free a moment ago; the hub's bind says so if it is taken meanwhile.
        let hub_port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            hub_port,
            wires: Mutex::default(),
        })
    }
}
