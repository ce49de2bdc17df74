//! What a Worker has running. A task is looked at when it goes on, not whenever another one does: an
//! actor looks at everything that was spawned in it, which with many slots would be most of its work.

use std::fmt;
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedSender};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::Instant;

use crate::reco::KernelError;
use crate::sky::map::PixelOutcome;

type Outcomes = Result<Vec<PixelOutcome>, KernelError>;

/// Where tasks are begun.
pub(super) struct Evaluations(UnboundedSender<BoxFuture<'static, Evaluated>>);

/// A task that has ended.
pub(super) struct Evaluated {
    /// Number of the run.
    pub(super) run: u64,
    pub(super) outcomes: Outcomes,
    pub(super) busy: Duration,
}

impl Evaluations {
    /// Also returns the tasks as they end; only while somebody reads them, they go on.
    pub(super) fn new() -> (Self, impl Stream<Item = Evaluated>) {
        let (begin, begun) = mpsc::unbounded();
        (Self(begin), begun.buffer_unordered(usize::MAX))
    }

    /// Begins a task.
    pub(super) fn begin(&self, run: u64, evaluation: BoxFuture<'static, Outcomes>) {
        let begun = Instant::now();
        let ending = evaluation.map(move |outcomes| Evaluated {
            run,
            outcomes,
            busy: begun.elapsed(),
        });
        // Nobody reads any more when the Worker is about to go.
        let _ = self.0.unbounded_send(ending.boxed());
    }
}

impl fmt::Debug for Evaluations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluations").finish_non_exhaustive()
    }
}
