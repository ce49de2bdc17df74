//! A relay: a link above, a hub below, of any two transports.
//!
//! Scanners are above it, the Workers of its zone below. Neither has to know: for each link of the
//! zone the relay opens one above, with the same hello and credit, so that a Scanner counts and
//! feeds the zone's Workers as if they sat at its hub; for each hub above it opens one below, with
//! the same scan and welcome. What crosses the boundary is one connection, and each payload once,
//! however many Workers the zone has.
//!
//! - *Tasks* leased above are submitted below. The relay renews its leases above for as long as it
//!   holds them; the zone's hub keeps those of the Workers, and leases again within the zone what
//!   one of them loses. Attempts are counted on: a task that was lost above once comes to the zone
//!   with its second attempt, and what a Worker takes with it is lost above, too.
//! - *Results* are handed up in batches, and confirmed below only when the hub above has taken
//!   them. A relay that is killed has confirmed nothing that it had not handed up: its leases
//!   expire above, others do those tasks.
//! - *Payloads* are fetched from above when the first Worker asks, and kept by hash.
//! - *Urgent scans* have their priority in the zone, too. What waits in the zone of lower ones is given
//!   back above where a link there would have no room for an urgent task.
//! - *Hubs that come and go above* come and go below. A hub that is down above is down below, and
//!   the zone's leases of that scan are lost, as clause C13 says.
//! - *Workers that go* take their link above with them; what that one had leased and others of the
//!   zone still work on is handed up first, if that takes no longer than a quarter of `liveness`. When
//!   the last one goes, everything is given back at once, or lost with it.
//!
//! A relay is a hub to its zone, so relays stand below relays. It knows bytes, never pixels.

mod act;
mod event;
mod making_room;
mod meters;
mod relay;
mod source;
mod uplinks;
mod zone;
mod zone_hubs;
mod zone_tasks;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyscan_transport::{Result, Transport, Version};

use crate::relay::Relay;

/// What a relay promises its zone, and says of itself above.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Name of the zone, in logs and metrics.
    pub zone: String,
    /// Version of the messages inside the bodies.
    pub protocol: Version,
    /// Told to the hubs above by the relay's own links, which stand for no Worker.
    pub hello: Bytes,
    /// How long a Worker of the zone may be silent before it is lost.
    pub liveness: Duration,
    /// How long a lease within the zone lives unless renewed.
    pub lease_term: Duration,
    /// Tasks held ready for the zone beyond what its Workers can hold.
    pub prefetch: u16,
    /// How long the zone may take to finish what it has begun once the relay is asked to stop.
    pub grace: Duration,
}

/// What a relay has handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Outcomes that hubs above have taken.
    pub n_handed_up: u64,
    /// Outcomes whose leases above were lost before; others do those tasks.
    pub n_lost: u64,
}

/// Relays between two places until `stop` resolves: then lets the zone finish what it has begun,
/// hands that up, gives back the rest, and takes leave of both sides.
///
/// # Errors
/// Any error of either transport that does not pass. A hub above that is of another major is skipped: it
/// is no reason to leave the zone's other scans alone.
pub async fn run(
    above: Arc<dyn Transport>,
    below: Arc<dyn Transport>,
    config: RelayConfig,
    stop: impl Future<Output = ()>,
) -> Result<Relayed> {
    let mut relay = Relay::open(above, below, config).await?;
    relay.serve(stop).await?;
    relay.finish().await;
    Ok(relay.relayed())
}
