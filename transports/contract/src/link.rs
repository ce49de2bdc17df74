//! The Worker's end.
//!
//! Decision: A link belongs to a place, not to a hub (`docs/decisions.md`).

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;

use crate::{
    Lease, LinkId, PayloadId, Priority, Result, ScanId, Settled, Settlement, TaskKey, lease,
};

/// The Worker's end. Dropping the last handle without [`Link::close`] is a crash as far as the
/// hubs can tell.
#[async_trait]
pub trait Link: fmt::Debug + Send + Sync + 'static {
    /// The name under which every hub knows this link.
    fn id(&self) -> LinkId;

    /// Settles many leases in one go, and returns once their hub has taken them. See
    /// [`settle`](crate::settle).
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Settled> {
        lease::settle(settlements).await
    }

    /// Starts the lease terms anew; returns the tasks whose leases are lost. See
    /// [`renew`](crate::renew).
    async fn renew(&self, leases: Vec<&Lease>) -> Result<Vec<TaskKey>> {
        lease::renew(leases).await
    }

    /// Returns a payload that a hub has published, from the wire or from the process's cache.
    ///
    /// # Errors
    /// [`UnknownPayload`](crate::TransportError::UnknownPayload) when that hub has not published
    /// it or is not up.
    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes>;

    /// Asks for no more leases; those held can still be settled (C9).
    async fn drain(&self) -> Result<()>;

    /// Says goodbye and ends the inbox. Held leases are given back. Closing twice is no error.
    async fn close(&self) -> Result<()>;
}

/// What a link's owner receives. Dropping it drains the link. An error in it is final for a
/// [`ProtocolMismatch`](crate::TransportError::ProtocolMismatch) only: that hub is never served.
pub type LinkInbox = BoxStream<'static, Result<LinkIncoming>>;

/// One thing that a link's owner learns.
#[derive(Debug)]
pub enum LinkIncoming {
    /// A hub is up and knows this link.
    HubUp {
        /// Its scan.
        scan: ScanId,
        /// What it said of itself.
        welcome: Bytes,
        /// How urgent it is (C16).
        priority: Priority,
    },
    /// A hub has gone or fell silent. All leases of this scan are lost; a new hub of the same scan
    /// may come up later.
    HubDown {
        /// Its scan.
        scan: ScanId,
    },
    /// New leases. Several messages may have been joined.
    Leased(Vec<Lease>),
    /// A broadcast of a hub.
    Notice {
        /// Its scan.
        scan: ScanId,
        /// What it said.
        body: Bytes,
    },
}
