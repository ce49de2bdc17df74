//! The one error type of every transport.

use crate::{PayloadId, ScanId, Version};

/// Result of a call to a transport.
pub type Result<T, E = TransportError> = std::result::Result<T, E>;

/// Why a call to a transport failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// This hub or link was closed, by its owner or with its transport.
    #[error("the hub or link is closed")]
    Closed,
    /// Another link may hold the task by now, or its hub is gone.
    #[error("the lease was lost before it was settled")]
    LeaseLost,
    /// The named scan has published no such payload, or no such scan is open.
    #[error("no such payload is published: {0}")]
    UnknownPayload(PayloadId),
    /// What arrived under this name has another hash.
    #[error("a payload arrived damaged: {0}")]
    DamagedPayload(PayloadId),
    /// The protocol majors differ (C12).
    #[error("hub speaks protocol {hub}, link speaks {link}: run the same release at both ends")]
    ProtocolMismatch {
        /// Version of the hub.
        hub: Version,
        /// Version of the link.
        link: Version,
    },
    /// The peer's frames are of another version, so that not even its protocol is known.
    #[error(
        "{transport} hub speaks another version of the wire: run the same release at both ends"
    )]
    WireMismatch {
        /// Name of the transport.
        transport: &'static str,
        /// Whether other hubs may stand at the same place, now or later, and be served: then this is
        /// no more than news of one of them.
        beside_others: bool,
        /// What arrived.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A hub with keys is here, and this end has none. Others without may be here, too.
    #[error(
        "a scan here is sealed, and this end has no keys: name their folder with --keys or SKYSCAN_KEYS \
         (`skyscan keygen DIR --worker NAME` makes it where the scanner's keys are)"
    )]
    Keyless {
        /// Name of the transport.
        transport: &'static str,
    },
    /// A body over [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES) or a payload over
    /// [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES). Nothing was sent.
    #[error("frame of {size} bytes is over the limit of {limit}")]
    FrameTooLarge {
        /// Size in bytes of what was handed in.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// A hub of this scan is open at this place already.
    #[error("scan {0:?} has an open hub already")]
    ScanInUse(ScanId),
    /// The wire or the broker failed.
    #[error("{transport} failed to {action}")]
    Backend {
        /// Name of the transport.
        transport: &'static str,
        /// What was tried, with its object: `bind tcp://127.0.0.1:5555`. Never holds a password.
        action: String,
        /// Whether the same call may succeed later.
        transient: bool,
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TransportError {
    /// Returns whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Backend {
                transient: true,
                ..
            }
        )
    }
}
