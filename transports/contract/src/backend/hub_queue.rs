//! The inbox of a hub: outcomes that wait are joined into one batch.

mod events;

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use parking_lot::Mutex;

use crate::{
    Conclusion, HubInbox, HubIncoming, Outcome, Receipts, Result, SettledBatch, TransportError,
    cut_reason,
};
use events::Events;

/// Most outcomes in one batch.
const MAX_BATCH: usize = 256;

/// Events that are told in a row while outcomes wait: a fleet that comes and goes must not keep
/// results from being recorded.
const MAX_EVENTS_IN_A_ROW: usize = 64;

/// Stands between a backend and the owner of a hub. Outcomes are bounded by what the backend does
/// when [`HubQueue::push_outcomes`] says that the queue is full: it grants nothing more. Beyond a
/// thousand that wait, a link that came and went before the owner looked is not told at all, so that the
/// rest is bounded by how many links there are.
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
    events: Events,
    /// Events that were told since outcomes were.
    n_in_a_row: usize,
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
            state.events.push(incoming);
            wake(state);
        }
    }

    /// Queues outcomes, emptying the vector; returns whether the queue is full now. Reasons that are
    /// too long are cut: who is beyond the wire may not have done so.
    pub fn push_outcomes(&self, outcomes: &mut Vec<Outcome>) -> bool {
        for outcome in &mut *outcomes {
            if let Conclusion::Rejected(reason) = &mut outcome.conclusion {
                cut_reason(reason);
            }
        }
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
        let may_tell = state.n_in_a_row < MAX_EVENTS_IN_A_ROW || state.outcomes.is_empty();
        if may_tell && let Some(event) = state.events.pop() {
            state.n_in_a_row += 1;
            return Poll::Ready(Some(event));
        }
        state.n_in_a_row = 0;
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::{Conclusion, HubQueue, HubQueueOwner, MAX_EVENTS_IN_A_ROW, Outcome};
    use crate::{DownCause, HubIncoming, LinkId, MAX_REASON_BYTES, TaskId, WorkerId};

    struct Nobody;

    impl HubQueueOwner for Nobody {
        fn has_room(&self) {}
        fn inbox_dropped(&self) {}
    }

    #[test]
    fn links_that_come_and_go_do_not_keep_outcomes_waiting() {
        let queue = HubQueue::new(10, Box::new(Nobody));
        let down = |link| HubIncoming::LinkDown {
            link: LinkId(link),
            cause: DownCause::Lost,
        };
        (0..1000).for_each(|link| queue.push(Ok(down(link))));
        queue.push_outcomes(&mut vec![Outcome {
            task: TaskId(1),
            attempt: 1,
            link: LinkId(1),
            worker: WorkerId([0; 16]),
            conclusion: Conclusion::Rejected("x".repeat(1 << 20)),
        }]);
        let mut inbox = queue.inbox();
        let mut context = Context::from_waker(Waker::noop());
        for n_read in 0.. {
            match inbox.as_mut().poll_next(&mut context) {
                Poll::Ready(Some(Ok(HubIncoming::Settled(batch)))) => {
                    assert_eq!(n_read, MAX_EVENTS_IN_A_ROW);
                    let Conclusion::Rejected(reason) = &batch.outcomes()[0].conclusion else {
                        panic!("it was rejected");
                    };
                    assert!(reason.len() <= MAX_REASON_BYTES && reason.ends_with("[...]"));
                    return drop(batch.confirm());
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) | Poll::Pending => panic!("the outcome is gone"),
            }
        }
    }
}
