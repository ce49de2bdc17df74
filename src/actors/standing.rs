//! A hub of no scan, that stands at a place as long as a process is ready for scans: workers find the place open, stay
//! connected, and are known before there is anything to do.
//!
//! Decision: Workers wait at a hub of no scan (`docs/decisions.md`).

use futures::StreamExt;
use skyscan_transport::{HubConfig, Priority, Transport, TransportError};

use super::{LEASE_TERM, LIVENESS, fresh_scan_id};
use crate::protocol::{Message, PROTOCOL, Welcome};

/// Opens the hub and keeps it; returns when the transport is broken for good.
///
/// # Errors
/// If the place cannot be held.
pub async fn stand(transport: &dyn Transport) -> Result<(), TransportError> {
    let config = HubConfig {
        scan: fresh_scan_id(),
        // It takes nothing from those that have work.
        priority: Priority(0),
        protocol: PROTOCOL,
        welcome: Welcome::of_no_scan().encode().into(),
        backlog: 1,
        liveness: LIVENESS,
        lease_term: LEASE_TERM,
        payloads: None,
    };
    let (_hub, mut inbox) = transport.open_hub(config).await?;
    while let Some(incoming) = inbox.next().await {
        match incoming {
            Err(error) if !error.is_transient() => return Err(error),
            // Nothing is asked, so nothing comes but workers.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}
