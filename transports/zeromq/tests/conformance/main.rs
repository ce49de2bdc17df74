//! The ZeroMQ transport, judged over real sockets, twice: with one connection for all links of a
//! process, and with one for each. Every worker's process dials through a wire of its own, which
//! can be cut.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_zeromq::ZeromqTransport;

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
    wires: Wires,
}

#[async_trait]
impl<const OWN: bool> Site for ZeromqFixture<OWN> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let url = format!("zmq://127.0.0.1:{}", self.hub_port);
        Ok(Arc::new(ZeromqTransport::new(&url)?))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        self.wires.lay_to(self.hub_port, |port| {
            let connections = if OWN { "own" } else { "shared" };
            let url = format!("zmq://127.0.0.1:{port}?connections={connections}");
            Ok(ZeromqTransport::new(&url)?)
        })
    }

    fn wires(&self) -> &Wires {
        &self.wires
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
        let hub_port = skyscan_free_ports::free_port()?;
        Ok(Self {
            hub_port,
            wires: Wires::default(),
        })
    }
}
