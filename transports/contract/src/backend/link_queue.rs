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

use crate::{Lease, LinkInbox, LinkIncoming, Result, ScanId};

/// While more than this waits, what comes is dropped if the link's owner can do without it: notices
/// (C8), errors, and a hub that has come and gone before the owner heard of it.
const MAX_WAITING: usize = 1024;

/// Stands between a backend and the owner of a link. However slowly that one reads, what waits is
/// bounded: leases by the credit, all else by a thousand and what is to be told of the hubs there are.
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

impl State {
    /// Whether the owner has not heard yet that this hub is up: its `HubUp` waits, and no `HubDown` after
    /// it.
    fn has_yet_to_tell(&self, scan: ScanId) -> bool {
        let last = self.items.iter().rev().find_map(|item| match item {
            Ok(LinkIncoming::HubUp { scan: up, .. }) if *up == scan => Some(true),
            Ok(LinkIncoming::HubDown { scan: down }) if *down == scan => Some(false),
            Ok(_) | Err(_) => None,
        });
        last == Some(true)
    }

    /// Takes back everything since a hub came up; returns its leases, to be dropped without the lock.
    fn forget(&mut self, scan: ScanId) -> Vec<Lease> {
        let is_up = |item: &Result<LinkIncoming>| matches!(item, Ok(LinkIncoming::HubUp { scan: up, .. }) if *up == scan);
        let from = self.items.iter().rposition(is_up).unwrap_or_default();
        let mut dropped = Vec::new();
        let later = self.items.split_off(from);
        for item in later {
            match item {
                Ok(LinkIncoming::HubUp { scan: up, .. }) if up == scan => {}
                Ok(LinkIncoming::Notice { scan: said, .. }) if said == scan => {}
                Ok(LinkIncoming::Leased(leases)) => {
                    let (mut of_it, others): (Vec<_>, Vec<_>) = leases
                        .into_iter()
                        .partition(|lease| lease.key().scan == scan);
                    dropped.append(&mut of_it);
                    if !others.is_empty() {
                        self.items.push_back(Ok(LinkIncoming::Leased(others)));
                    }
                }
                other => self.items.push_back(other),
            }
        }
        dropped
    }
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
        if state.ended || state.dropped {
            return;
        }
        if state.items.len() >= MAX_WAITING {
            match &incoming {
                Ok(LinkIncoming::Notice { .. }) | Err(_) => return,
                Ok(LinkIncoming::HubDown { scan }) if state.has_yet_to_tell(*scan) => {
                    let leases = state.forget(*scan);
                    drop(state);
                    return drop(leases);
                }
                Ok(LinkIncoming::HubUp { .. } | LinkIncoming::HubDown { .. })
                | Ok(LinkIncoming::Leased(_)) => {}
            }
        }
        state.items.push_back(incoming);
        wake(state);
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;

    use super::{LinkQueue, LinkQueueOwner, MAX_WAITING};
    use crate::{LinkIncoming, Priority, ScanId};

    struct Nobody;

    impl LinkQueueOwner for Nobody {
        fn inbox_dropped(&self) {}
    }

    #[test]
    fn a_hub_that_comes_and_goes_for_ever_fills_no_memory() {
        let queue = LinkQueue::new(Box::new(Nobody));
        let up = |scan| LinkIncoming::HubUp {
            scan: ScanId(scan),
            welcome: Bytes::new(),
            priority: Priority::default(),
        };
        queue.push(Ok(up(1)));
        for _ in 0..100_000 {
            queue.push(Ok(up(2)));
            queue.push(Ok(LinkIncoming::HubDown { scan: ScanId(2) }));
        }
        queue.push(Ok(up(3)));
        let mut inbox = queue.inbox();
        let (mut up_now, mut n_read) = (Vec::new(), 0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(item)) = inbox.as_mut().poll_next(&mut context) {
            n_read += 1;
            match item {
                Ok(LinkIncoming::HubUp { scan, .. }) => up_now.push(scan.0),
                Ok(LinkIncoming::HubDown { scan }) => up_now.retain(|&up| up != scan.0),
                Ok(_) | Err(_) => {}
            }
        }
        assert_eq!(up_now, [1, 3]);
        assert!(n_read <= MAX_WAITING + 3, "{n_read} were kept");
    }
}
