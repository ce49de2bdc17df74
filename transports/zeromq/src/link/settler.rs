//! Settles the leases of one link.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::RwLock;
use skyscan_transport::{
    Answer, LeaseToken, Result, ScanId, Settlement, Settler, TaskKey, TransportError,
    backend::body_checksum,
};
use tokio::sync::oneshot;

use super::{
    command::{Batch, LinkCommand},
    shared::Shared,
};
use crate::wire::{FRAME_TARGET_BYTES, Writer};

/// Bytes of a settlement on the wire beside its body.
const RECORD_BYTES: usize = 21;

/// Lease terms of the hubs that are up.
pub(crate) type Terms = RwLock<HashMap<ScanId, Duration>>;

/// Settles the leases of one link in one session.
pub(crate) struct LinkSettler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) terms: Arc<Terms>,
    pub(crate) line: usize,
    pub(crate) session: u64,
    /// The link's number within its line.
    pub(crate) number: u32,
    /// Leases that came and were not settled or dropped.
    pub(crate) held: AtomicUsize,
}

impl LinkSettler {
    async fn tell(&self, records: Records, keys: Vec<TaskKey>) -> Result<Vec<TaskKey>> {
        let (answer, answered) = oneshot::channel();
        let (line, session) = (self.line, self.session);
        let batch = Batch {
            records: records.blobs,
            keys,
            answer,
        };
        if !self.shared.post.send(LinkCommand::Tell {
            line,
            session,
            batch,
        }) {
            return Err(TransportError::Closed);
        }
        answered.await.map_err(|_| TransportError::Closed)
    }
}

#[async_trait]
impl Settler for LinkSettler {
    fn lease_term(&self, key: TaskKey) -> Duration {
        self.terms
            .read()
            .get(&key.scan)
            .copied()
            .unwrap_or_default()
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let bodies = settlements
            .iter()
            .map(|settlement| match settlement.answer() {
                Answer::Completed(result) => result.len(),
                Answer::Rejected(reason) => reason.len(),
                Answer::Released => 0,
            });
        let n_bytes = bodies.sum::<usize>() + settlements.len() * RECORD_BYTES;
        let mut records = Records::expecting(n_bytes);
        let mut keys = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let by = settlement.worker();
            let attempt = settlement.attempt();
            let (token, key, answer) = settlement.into_parts();
            keys.push(key);
            let writer = records.writer();
            match answer {
                Answer::Completed(result) => {
                    let sum = body_checksum(key, attempt, &result);
                    writer.completed(self.number, token, by, sum, &result);
                }
                Answer::Released => writer.released(self.number, token),
                Answer::Rejected(reason) => {
                    let sum = body_checksum(key, attempt, reason.as_bytes());
                    writer.rejected(self.number, token, by, sum, &reason);
                }
            }
        }
        self.held.fetch_sub(keys.len(), Ordering::Relaxed);
        self.tell(records, keys).await
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let mut records = Records::expecting(leases.len() * RECORD_BYTES);
        let mut keys = Vec::with_capacity(leases.len());
        for (token, key) in leases {
            keys.push(key);
            records.writer().renew(self.number, token);
        }
        self.tell(records, keys).await
    }

    fn abandon(&self, token: LeaseToken) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        let (session, number) = (self.session, self.number);
        self.shared.post.send(LinkCommand::Abandon {
            line: self.line,
            session,
            number,
            token,
        });
    }
}

impl fmt::Debug for LinkSettler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSettler")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Collects records in pieces that fit into a frame.
struct Records {
    blobs: Vec<Writer>,
    /// Bytes of the records to come.
    expected: usize,
}

impl Records {
    fn expecting(n_bytes: usize) -> Self {
        Self {
            blobs: Vec::with_capacity(1),
            expected: n_bytes,
        }
    }

    fn writer(&mut self) -> &mut Writer {
        if self
            .blobs
            .last()
            .is_none_or(|last| last.len() >= FRAME_TARGET_BYTES)
        {
            let room = self.expected.min(FRAME_TARGET_BYTES);
            self.expected -= room;
            self.blobs.push(Writer::with_room(room));
        }
        self.blobs.last_mut().expect("one was pushed just above")
    }
}
