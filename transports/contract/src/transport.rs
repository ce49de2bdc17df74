//! The entry: a place where hubs and links meet, and how they are opened.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Hub, HubInbox, Link, LinkInbox, PayloadSource, Priority, Result, ScanId, Version, WorkerId,
};

/// Opens hubs and links at one place. One value per process: it owns the shared connection, and
/// every link opened from it is multiplexed over that connection.
///
/// Hubs and links keep the connection alive when the transport itself is dropped.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Lowercase name, used as the `transport` label of metrics.
    fn name(&self) -> &'static str;

    /// Opens a new, empty hub for one scan. Several scans may be open at once.
    ///
    /// # Errors
    /// [`TransportError::ScanInUse`](crate::TransportError::ScanInUse), or
    /// [`TransportError::Backend`](crate::TransportError::Backend) when the place cannot be held.
    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)>;

    /// Opens a link that serves every hub of the place. Does not wait for a hub.
    ///
    /// # Errors
    /// [`TransportError::Backend`](crate::TransportError::Backend) only when the transport itself
    /// is broken; an absent hub or broker is no error.
    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)>;

    /// Counts what this process has sent and received so far.
    fn traffic(&self) -> Traffic;

    /// Why links of this process are not let in at the place, if it was told so and has not been let in since.
    fn refusal(&self) -> Option<String> {
        None
    }
}

/// What a hub promises and expects.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// The scan that this hub serves.
    pub scan: ScanId,
    /// Version of the messages inside the bodies.
    pub protocol: Version,
    /// Told to every link at once ([`LinkIncoming::HubUp`](crate::LinkIncoming::HubUp)).
    pub welcome: Bytes,
    /// How many tasks may wait for their first lease before `submit` waits.
    pub backlog: usize,
    /// How long a peer may be silent before it is lost.
    pub liveness: Duration,
    /// How long a lease lives unless renewed.
    pub lease_term: Duration,
    /// Asked for payloads that are not published here, once each while it is being asked; what it
    /// gives is published from then on.
    pub payloads: Option<Arc<dyn PayloadSource>>,
    /// How urgent the scan is beside others (C16), for as long as the hub is open.
    pub priority: Priority,
}

/// What a link offers.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Version of the messages inside the bodies.
    pub protocol: Version,
    /// How many unsettled leases the link may hold, over all hubs. With none it only listens: it
    /// hears of hubs and what they broadcast, and may fetch payloads.
    pub credit: u16,
    /// The worker that the link belongs to, told to every hub with `hello`.
    pub worker: WorkerId,
    /// Told to every hub ([`HubIncoming::LinkUp`](crate::HubIncoming::LinkUp)).
    pub hello: Bytes,
}

/// What one process sent and received, counted by its transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages put on the wire.
    pub messages_sent: u64,
    /// Messages taken from the wire.
    pub messages_received: u64,
    /// Bytes put on the wire, as far as the transport can see.
    pub bytes_sent: u64,
    /// Bytes taken from the wire, as far as the transport can see.
    pub bytes_received: u64,
    /// Payloads transferred completely into this process (C7).
    pub payloads_received: u64,
}
