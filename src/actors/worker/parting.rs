//! How a Worker ends: asked to stop, told that its machine goes, or lost.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use skyscan_transport::Lease;

use super::{Worker, WorkerError};

/// Who is asked to stop waits no longer than this for what it holds to be taken: a broker that is
/// blocked takes nothing. What is not told by then goes to others, as when a worker is lost.
const PARTING: Duration = Duration::from_millis(1500);

/// Asks a Worker to give back what it holds and to end.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StopWorker;

impl Handler<StopWorker> for Worker {
    type Result = ();

    fn handle(&mut self, _: StopWorker, context: &mut Context<Self>) {
        self.begin_nothing_more(context);
        self.drop_everything(context);
    }
}

/// Tells a Worker that it has so much time left: it gives back what it has not begun, finishes what it
/// can, and is gone before the time is over.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LeaveWithin(pub Duration);

impl Handler<LeaveWithin> for Worker {
    type Result = ();

    fn handle(&mut self, LeaveWithin(left): LeaveWithin, context: &mut Context<Self>) {
        self.begin_nothing_more(context);
        // One to give back what is not done by then, one for the way.
        let until = left.saturating_sub(2 * PARTING);
        context.run_later(until, Self::drop_everything);
    }
}

/// Ends a Worker at once and without a word, as when its machine is taken away.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LoseWorker;

impl Handler<LoseWorker> for Worker {
    type Result = ();

    fn handle(&mut self, _: LoseWorker, context: &mut Context<Self>) {
        self.end(Ok(()), context);
    }
}

impl Worker {
    /// Asks for no more leases and gives back those that are not begun. With the last one that runs it
    /// leaves.
    fn begin_nothing_more(&mut self, context: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_stopping, true) {
            return;
        }
        let link = Arc::clone(&self.link);
        let draining = async move { link.drain().await };
        context.spawn(draining.into_actor(self).map(|drained, actor, context| {
            if let Err(error) = drained {
                tracing::debug!(%error, "could not drain");
            }
            let unbegun = actor.waiting.drain(..).map(Lease::released);
            actor.settlements.extend(unbegun);
            actor.settle(context);
        }));
    }

    /// Stops what runs, and leaves soon, whatever becomes of it.
    fn drop_everything(&mut self, context: &mut Context<Self>) {
        for served in self.scans.values() {
            served.stop.stop();
        }
        context.run_later(PARTING, Self::leave);
    }

    /// Says goodbye once nothing is held any more, or once it has waited for long enough.
    pub(super) fn leave(&mut self, context: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        let link = Arc::clone(&self.link);
        let closing = async move { link.close().await };
        context.spawn(closing.into_actor(self).map(|closed, actor, context| {
            actor.end(closed.map_err(WorkerError::from), context);
        }));
    }
}

#[cfg(test)]
mod tests;
