//! The Scanner's end.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;

use crate::{LinkId, MAX_BODY_BYTES, PayloadId, Result, ScanId, TaskId, WorkerId, check_size};

/// The Scanner's end of one scan. Dropping the last handle without [`Hub::close`] is a crash as
/// far as the links can tell.
#[async_trait]
pub trait Hub: fmt::Debug + Send + Sync + 'static {
    /// The scan that this hub serves.
    fn scan(&self) -> ScanId;

    /// Hands tasks over; returns once the transport answers for all of them. Waits while the
    /// backlog is full; when the future is dropped, some of the tasks may be in already.
    ///
    /// # Errors
    /// [`FrameTooLarge`](crate::TransportError::FrameTooLarge) before any task is taken,
    /// [`Closed`](crate::TransportError::Closed).
    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()>;

    /// Makes a payload fetchable by every link, present and future, until the hub ends.
    async fn publish(&self, payload: Bytes) -> Result<PayloadId>;

    /// Sends a notice to every link that is up (C8).
    async fn broadcast(&self, notice: Bytes) -> Result<()>;

    /// Discards the tasks that are not leased at this moment; returns how many.
    async fn purge(&self) -> Result<usize>;

    /// Says which links hold these tasks at this moment (C15): a [`Holder`] for each live lease, those
    /// that end first in front. Takes as long as there are leases: for those who look for what is
    /// wrong.
    ///
    /// # Errors
    /// [`Closed`](crate::TransportError::Closed).
    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>>;

    /// Ends the hub for every link, then its inbox. Closing twice is no error.
    async fn close(&self) -> Result<()>;
}

/// What a hub's owner receives. Dropping it closes the hub.
pub type HubInbox = BoxStream<'static, Result<HubIncoming>>;

/// One thing that a hub's owner learns.
#[derive(Debug)]
pub enum HubIncoming {
    /// A link serves this hub from now on.
    LinkUp {
        /// The link.
        link: LinkId,
        /// The worker that it belongs to.
        worker: WorkerId,
        /// How many leases it may hold (over all hubs of the place).
        credit: u16,
        /// What it said of itself.
        hello: Bytes,
    },
    /// A link serves this hub no more; what it held is leased again.
    LinkDown {
        /// The link.
        link: LinkId,
        /// Whether it said goodbye.
        cause: DownCause,
    },
    /// Tasks came to an end. Several messages may have been joined into one batch.
    Settled(SettledBatch),
}

/// Who holds a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The task.
    pub task: TaskId,
    /// The link that holds the lease.
    pub link: LinkId,
    /// The attempt that this lease is: one more than how often the task was lost before (C3).
    pub attempt: u32,
    /// How long the lease lasts unless it is renewed or lost before.
    pub left: Duration,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownCause {
    /// It said goodbye.
    Closed,
    /// It vanished, fell silent or broke the protocol.
    Lost,
}

/// The end of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The task.
    pub task: TaskId,
    /// The attempt that ended it: one more than how often it was lost before (C3).
    pub attempt: u32,
    /// The link that held it.
    pub link: LinkId,
    /// The worker that brought it about: that of the link, or one behind it, such as in the zone of a
    /// relay.
    pub worker: WorkerId,
    /// How it ended.
    pub conclusion: Conclusion,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It has a result.
    Completed(Bytes),
    /// No retry can help, the link says.
    Rejected(String),
}

/// Outcomes that the hub answers for until they are confirmed. Confirm them once they are
/// recorded; dropped unconfirmed, they come again (C6).
#[must_use = "an unconfirmed batch is delivered again"]
pub struct SettledBatch {
    outcomes: Vec<Outcome>,
    number: u64,
    receipts: Option<Arc<dyn Receipts>>,
}

impl SettledBatch {
    /// Joins outcomes to the receipts that answer for them; for backends.
    pub fn new(outcomes: Vec<Outcome>, number: u64, receipts: Arc<dyn Receipts>) -> Self {
        Self {
            outcomes,
            number,
            receipts: Some(receipts),
        }
    }

    /// The outcomes of this batch.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Confirms that every outcome of the batch has been recorded, and gives them away.
    pub fn confirm(mut self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut self.outcomes);
        if let Some(receipts) = self.receipts.take() {
            receipts.confirmed(self.number, outcomes.len());
        }
        outcomes
    }
}

impl Drop for SettledBatch {
    fn drop(&mut self) {
        if let Some(receipts) = self.receipts.take() {
            receipts.unconfirmed(self.number, std::mem::take(&mut self.outcomes));
        }
    }
}

impl fmt::Debug for SettledBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettledBatch")
            .field("outcomes", &self.outcomes)
            .finish_non_exhaustive()
    }
}

/// What a backend implements behind a [`SettledBatch`].
pub trait Receipts: Send + Sync + 'static {
    /// The owner recorded `n_outcomes` outcomes, all of batch `number`.
    fn confirmed(&self, number: u64, n_outcomes: usize);
    /// The owner dropped the batch. Runs inside `Drop`: enqueue only.
    fn unconfirmed(&self, number: u64, outcomes: Vec<Outcome>);
}

/// A task as its Scanner hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFrame {
    /// Its name within the scan. The transport does not look for repetitions.
    pub task: TaskId,
    /// What the worker needs to know.
    pub body: Bytes,
    /// How many of its leases were lost at hubs above this one: attempts are counted on from here. 0
    /// where its Scanner submits it.
    pub lost_above: u32,
    /// Workers that are not to get it while another one could (C14), at most [`MAX_AVOID`].
    pub avoid: Vec<WorkerId>,
}

/// Most workers that a task may avoid.
pub const MAX_AVOID: usize = 64;

impl TaskFrame {
    /// Checks that a wire can carry the task; for backends.
    ///
    /// # Errors
    /// [`FrameTooLarge`](crate::TransportError::FrameTooLarge) for a body over [`MAX_BODY_BYTES`], or
    /// more than [`MAX_AVOID`] workers to avoid.
    pub fn check(&self) -> Result<()> {
        check_size(self.body.len(), MAX_BODY_BYTES)?;
        let worker_bytes = size_of::<WorkerId>();
        check_size(self.avoid.len() * worker_bytes, MAX_AVOID * worker_bytes)
    }
}

/// Where a hub looks for a payload that was not published at it, such as a relay's hub above.
#[async_trait]
pub trait PayloadSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the payload. May be asked again, and for several at once.
    ///
    /// # Errors
    /// Whatever the reason, the asking link is told
    /// [`UnknownPayload`](crate::TransportError::UnknownPayload) and may ask again.
    async fn find(&self, payload: PayloadId) -> Result<Bytes>;
}
