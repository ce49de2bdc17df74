//! What comes in at the border of a process: its inboxes, until it dies.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};

use crate::fate::{Fate, Slot};

/// An inbox at the border.
pub(super) struct Heard<S> {
    inner: Arc<Slot<S>>,
    died: BoxFuture<'static, ()>,
    fate: Arc<Fate>,
}

impl<S: Stream + Unpin + Send + 'static> Heard<S> {
    pub(super) fn at(fate: &Arc<Fate>, inbox: S) -> Self {
        let died = Arc::clone(fate);
        Self {
            inner: fate.own(inbox),
            died: async move { died.died().await }.boxed(),
            fate: Arc::clone(fate),
        }
    }

    /// Whether the process lives; wakes its reader when it dies.
    pub(super) fn lives(&mut self, context: &mut Context<'_>) -> bool {
        self.fate.lives() && self.died.poll_unpin(context).is_pending()
    }

    /// What comes next; nothing more once the process is dead.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let polled = self.inner.with(|inner| inner.poll_next_unpin(context));
        polled.unwrap_or(Poll::Ready(None))
    }
}

impl<S> Drop for Heard<S> {
    fn drop(&mut self) {
        // That of a process that died is buried.
        drop(self.inner.take());
    }
}
