//! The Relay: stands between Scanners and the Workers of a zone, on any two transports.
//!
//! It knows bytes only, so it is built on the transport contract alone
//! ([`skyscan_transport_relay`]); here it gets what Scanners and Workers of this version agree on.

use std::sync::Arc;
use std::time::Duration;

use skyscan_transport::{Transport, TransportError};
use skyscan_transport_relay::{RelayConfig, Relayed};

use super::{LEASE_TERM, LIVENESS};
use crate::protocol::{Hello, Message, PROTOCOL};

/// What a Relay is told.
#[derive(Clone, Debug)]
pub struct RelaySetup {
    /// Name of its zone.
    pub zone: String,
    /// Tasks held ready for the zone beyond what its Workers can hold.
    pub prefetch: u16,
    /// How long the zone may take to finish what it has begun once the Relay is asked to stop.
    pub grace: Duration,
    /// How long a Worker of the zone may be silent before it is lost.
    pub liveness: Duration,
    /// How long a lease within the zone lives unless renewed.
    pub lease_term: Duration,
}

impl Default for RelaySetup {
    fn default() -> Self {
        Self {
            zone: String::new(),
            prefetch: 0,
            grace: Duration::from_secs(10),
            liveness: LIVENESS,
            lease_term: LEASE_TERM,
        }
    }
}

/// Relays until `stop` resolves, and then takes leave of both sides.
///
/// # Errors
/// If one of the transports is broken for good. A scan of another protocol version is skipped.
pub async fn run(
    above: Arc<dyn Transport>,
    below: Arc<dyn Transport>,
    setup: RelaySetup,
    stop: impl Future<Output = ()>,
) -> Result<Relayed, TransportError> {
    let hello = Hello {
        slots: 0,
        recos: Vec::new(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let config = RelayConfig {
        zone: setup.zone,
        protocol: PROTOCOL,
        hello: hello.encode().into(),
        liveness: setup.liveness,
        lease_term: setup.lease_term,
        prefetch: setup.prefetch,
        grace: setup.grace,
    };
    skyscan_transport_relay::run(above, below, config, stop).await
}
