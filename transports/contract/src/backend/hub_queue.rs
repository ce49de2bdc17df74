//! The inbox of a hub: outcomes that wait are joined into one batch.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use parking_lot::Mutex;

use crate::{HubInbox, HubIncoming, Outcome, Receipts, Result, SettledBatch, TransportError};

/// Most outcomes in one batch.
const MAX_BATCH: usize = 256;

/// Between a backend and the owner of a hub. Bounded by what the backend does when
/// [`HubQueue::push_outcomes`] says that it is full: grant nothing more.
pub struct HubQueue {
    state: Mutex<State>,
    limit: usize,
    owner: Box<dyn HubQueueOwner>,
}

/// What a backend wants to know of a [`HubQueue`]. Both run in the reader's context: enqueue only.
pub trait HubQueueOwner: Send + Sync + 'static {
    /// A full queue has room again.
    fn has_room(&self);
    /// The inbox was dropped.
    fn inbox_dropped(&self);
}

#[derive(Default)]
struct State {
    events: VecDeque<Result<HubIncoming>>,
    outcomes: VecDeque<Outcome>,
    reader: Option<Waker>,
    full: bool,
    ended: bool,
    dropped: bool,
}

impl HubQueue {
    /// Makes a queue that is full at `limit` outcomes not taken yet.
    pub fn new(limit: usize, owner: Box<dyn HubQueueOwner>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            limit: limit.max(1),
            owner,
        })
    }

    /// Makes the stream that the hub's owner reads; to be called once.
    pub fn inbox(self: &Arc<Self>) -> HubInbox {
        Box::pin(Inbox(Arc::clone(self)))
    }

    /// Queues anything but outcomes.
    pub fn push(&self, incoming: Result<HubIncoming>) {
        let mut state = self.state.lock();
        if !state.ended && !state.dropped {
            state.events.push_back(incoming);
            wake(state);
        }
    }

    /// Queues outcomes, emptying the vector; returns whether the queue is full now.
    pub fn push_outcomes(&self, outcomes: &mut Vec<Outcome>) -> bool {
        let mut state = self.state.lock();
        if state.ended || state.dropped {
            outcomes.clear();
            return true;
        }
        state.outcomes.extend(outcomes.drain(..));
        state.full |= state.outcomes.len() >= self.limit;
        let full = state.full;
        wake(state);
        full
    }

    /// Ends the inbox after what is queued.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        wake(state);
    }
}

/// Wakes the reader after the lock is gone.
fn wake(mut state: parking_lot::MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Receipts for HubQueue {
    fn confirmed(&self, _number: u64, _n_outcomes: usize) {}

    fn unconfirmed(&self, _number: u64, outcomes: Vec<Outcome>) {
        let mut state = self.state.lock();
        if !state.dropped {
            for outcome in outcomes.into_iter().rev() {
                state.outcomes.push_front(outcome);
            }
            wake(state);
        }
    }
}

struct Inbox(Arc<HubQueue>);

impl Stream for Inbox {
    type Item = Result<HubIncoming>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let queue = &self.0;
        let mut state = queue.state.lock();
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.outcomes.is_empty() {
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n_taken = state.outcomes.len().min(MAX_BATCH);
        let taken = state.outcomes.drain(..n_taken).collect();
        let has_room = state.full && state.outcomes.len() * 2 <= queue.limit;
        state.full &= !has_room;
        drop(state);
        if has_room {
            queue.owner.has_room();
        }
        let receipts: Arc<dyn Receipts> = Arc::<HubQueue>::clone(queue);
        Poll::Ready(Some(Ok(HubIncoming::Settled(SettledBatch::new(
            taken, 0, receipts,
        )))))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.dropped = true;
        let events = std::mem::take(&mut state.events);
        let outcomes = std::mem::take(&mut state.outcomes);
        drop(state);
        drop((events, outcomes));
        self.0.owner.inbox_dropped();
    }
}

impl fmt::Debug for HubQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubQueue")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl HubQueue {
    /// Queues an error for the owner and ends the inbox.
    pub fn fail(&self, error: TransportError) {
        self.push(Err(error));
        self.end();
    }
}
