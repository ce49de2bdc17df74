//! A place above, a place below, and a relay (or two) between them.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{Transport, Version};
use skyscan_transport_conformance::{Clock, Fixture, Site, Wires};
use skyscan_transport_relay::RelayConfig;
use tokio::task::JoinHandle;

use crate::{hidden::RelayHidden, side::Side};

const LIVENESS: Duration = Duration::from_millis(1000);
const LEASE_TERM: Duration = Duration::from_millis(4000);

/// A relay that lives as long as its case.
struct Running(JoinHandle<()>);

impl Running {
    fn between(above: Arc<dyn Transport>, below: Arc<dyn Transport>) -> Self {
        let config = RelayConfig {
            zone: "here".to_owned(),
            // That of the cases.
            protocol: Version { major: 3, minor: 1 },
            hello: Bytes::from_static(b"a relay"),
            liveness: LIVENESS,
            lease_term: LEASE_TERM,
            // The cases count what is leased.
            prefetch: 0,
            grace: LIVENESS,
        };
        Self(tokio::spawn(async move {
            let relayed =
                skyscan_transport_relay::run(above, below, config, std::future::pending()).await;
            relayed.expect("a relay outlives what the cases do");
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What stands above and below.
pub(crate) trait Pairing: Send + Sync + 'static {
    const NAME: &'static str;
    /// How many relays stand one below the other.
    const N_RELAYS: usize = 1;
    type Above: Side;
    type Below: Side;
}

/// A place above with its hubs, a place below with its links, and what relays between them.
pub(crate) struct Pair<P: Pairing> {
    above: P::Above,
    below: P::Below,
    wires: Wires,
    _relays: Vec<Running>,
}

#[async_trait]
impl<P: Pairing> Site for Pair<P> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(RelayHidden(self.above.process()?)))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        self.below.behind_a_wire(&self.wires)
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }
}

#[async_trait]
impl<P: Pairing> Fixture for Pair<P> {
    const NAME: &'static str = P::NAME;
    const CLOCK: Clock = P::Above::CLOCK;

    fn missing() -> Option<String> {
        P::Above::missing().or_else(P::Below::missing)
    }

    async fn start() -> Result<Self> {
        let above = P::Above::start()?;
        let mut below = P::Below::start()?;
        let mut relays = vec![Running::between(above.process()?, below.process()?)];
        while relays.len() < P::N_RELAYS {
            let further_below = P::Below::start()?;
            relays.push(Running::between(below.process()?, further_below.process()?));
            below = further_below;
        }
        Ok(Self {
            above,
            below,
            wires: Wires::default(),
            _relays: relays,
        })
    }
}
