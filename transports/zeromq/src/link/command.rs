//! What links and leases ask the pump for.

use std::sync::Arc;

use bytes::Bytes;
use skyscan_transport::{
    LeaseToken, LinkConfig, LinkId, PayloadId, Result, ScanId, TaskKey, backend::LinkQueue,
};
use tokio::sync::oneshot;

use crate::wire::Writer;

/// What links and leases ask for.
pub(crate) enum LinkCommand {
    Open {
        id: LinkId,
        config: LinkConfig,
        queue: Arc<LinkQueue>,
    },
    Close {
        id: LinkId,
        closed: bool,
        answer: Option<oneshot::Sender<()>>,
    },
    Drain {
        id: LinkId,
    },
    Tell {
        line: usize,
        session: u64,
        batch: Batch,
    },
    Abandon {
        line: usize,
        session: u64,
        number: u32,
        token: LeaseToken,
    },
    Fetch {
        id: LinkId,
        scan: ScanId,
        payload: PayloadId,
        answer: oneshot::Sender<Result<Bytes>>,
    },
    Stop,
}

/// Settlements or renewals of one call, encoded by the caller, and who waits for the answer.
pub(crate) struct Batch {
    /// Each fits into a frame.
    pub(crate) records: Vec<Writer>,
    /// In the order of the records.
    pub(crate) keys: Vec<TaskKey>,
    pub(crate) answer: oneshot::Sender<Vec<TaskKey>>,
}

impl Batch {
    /// Tells whoever waits that its session is over.
    pub(crate) fn all_lost(self) {
        // The receiver may have lost interest.
        let _uninterested = self.answer.send(self.keys);
    }
}
