//! The inbox of a link: leases that wait are joined into one delivery.

use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use parking_lot::Mutex;

use crate::{Lease, LinkInbox, LinkIncoming, Result};

/// Notices that wait beyond this are lost (C8).
const MAX_WAITING: usize = 1024;

/// Between a backend and the owner of a link. Leases are bounded by the credit, the rest by
/// dropping notices.
pub struct LinkQueue {
    state: Mutex<State>,
    owner: Box<dyn LinkQueueOwner>,
}

/// What a backend wants to know of a [`LinkQueue`]. Runs in the reader's context: enqueue only.
pub trait LinkQueueOwner: Send + Sync + 'static {
    /// The inbox was dropped: drain the link.
    fn inbox_dropped(&self);
}

#[derive(Default)]
struct State {
    items: VecDeque<Result<LinkIncoming>>,
    reader: Option<Waker>,
    ended: bool,
    dropped: bool,
}

impl LinkQueue {
    /// Makes an empty queue.
    pub fn new(owner: Box<dyn LinkQueueOwner>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            owner,
        })
    }

    /// Makes the stream that the link's owner reads; to be called once.
    pub fn inbox(self: &Arc<Self>) -> LinkInbox {
        Box::pin(Inbox(Arc::clone(self)))
    }

    /// Queues anything but leases.
    pub fn push(&self, incoming: Result<LinkIncoming>) {
        let mut state = self.state.lock();
        let notice = matches!(incoming, Ok(LinkIncoming::Notice { .. }));
        let full = notice && state.items.len() >= MAX_WAITING;
        if !state.ended && !state.dropped && !full {
            state.items.push_back(incoming);
            wake(state);
        }
    }

    /// Queues leases; they are dropped, hence released, when nobody will read them.
    pub fn push_leases(&self, leases: Vec<Lease>) {
        let mut state = self.state.lock();
        if state.ended || state.dropped {
            drop(state);
            drop(leases);
            return;
        }
        match state.items.back_mut() {
            Some(Ok(LinkIncoming::Leased(waiting))) => waiting.extend(leases),
            _ => state.items.push_back(Ok(LinkIncoming::Leased(leases))),
        }
        wake(state);
    }

    /// Ends the inbox at once; what is queued is dropped.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let items = mem::take(&mut state.items);
        wake(state);
        drop(items);
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

struct Inbox(Arc<LinkQueue>);

impl Stream for Inbox {
    type Item = Result<LinkIncoming>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.state.lock();
        match state.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if state.ended => Poll::Ready(None),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.dropped = true;
        let items = mem::take(&mut state.items);
        drop(state);
        self.0.owner.inbox_dropped();
        drop(items);
    }
}

impl fmt::Debug for LinkQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkQueue").finish_non_exhaustive()
    }
}
