//! Tasks that wait at a link until it has credit for them, within a budget of memory.

use std::collections::VecDeque;

use bytes::Bytes;
use skyscan_transport::{LeaseToken, ScanId, TaskId, WorkerId};
use tokio::time::Instant;

use crate::wire::Scan;

/// Most bytes that wait at one link. Every hub of the place may lease it twice its credit, and those
/// who read the broker's queues need not be hubs of ours.
const MAX_BYTES: usize = 64 << 20;

/// A task that a hub has leased to a link while other hubs' tasks hold the link's credit.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) scan: Scan,
    pub(super) session: u32,
    pub(super) token: LeaseToken,
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) avoid: Vec<WorkerId>,
    pub(super) body: Bytes,
    pub(super) since: Instant,
}

/// What waits, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Waitlist {
    tasks: VecDeque<Waiting>,
    n_bytes: usize,
}

impl Waitlist {
    /// Whether a task of so many bytes may wait, too.
    pub(super) fn has_room(&self, n_bytes: usize) -> bool {
        self.n_bytes + n_bytes <= MAX_BYTES
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.n_bytes += waiting.body.len();
        self.tasks.push_back(waiting);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.tasks.pop_front()?;
        self.n_bytes -= waiting.body.len();
        Some(waiting)
    }

    pub(super) fn first(&self) -> Option<&Waiting> {
        self.tasks.front()
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Forgets what a hub has leased.
    pub(super) fn forget(&mut self, scan: ScanId) {
        self.tasks.retain(|waiting| waiting.scan.id != scan);
        self.n_bytes = self.tasks.iter().map(|waiting| waiting.body.len()).sum();
    }
}
