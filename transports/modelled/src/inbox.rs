//! What a link's owner receives, on its way for as long as it takes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use skyscan_transport::{Lease, LinkInbox, LinkIncoming, Result, backend::WrappedSettlers};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::link::ModelledSettler;
use crate::network::Message;
use crate::process::Process;

type Item = Result<LinkIncoming>;

/// A message on its way.
struct OnTheWay {
    /// When the next thing happens to it.
    at: Instant,
    message: Message,
    item: Item,
}

/// Takes the first one if its time has come; they stand in the order of their times.
fn due(messages: &mut VecDeque<OnTheWay>, now: Instant) -> Option<OnTheWay> {
    messages.front().filter(|message| message.at <= now)?;
    messages.pop_front()
}

/// An inbox at the end of a path.
pub(crate) struct Inbox {
    process: Arc<Process>,
    /// Taken out when the machine vanishes.
    inner: Option<LinkInbox>,
    has_ended: bool,
    /// On its way, over a connection that others have made.
    hello: Option<BoxFuture<'static, Instant>>,
    /// At the hub, and on the way to the broker if there is one.
    leaving: VecDeque<OnTheWay>,
    /// Past the hub and the broker.
    arriving: VecDeque<OnTheWay>,
    timer: Pin<Box<Sleep>>,
    settlers: WrappedSettlers<ModelledSettler>,
}

impl Inbox {
    /// Nothing is heard before the hello has arrived, if that is still to be sent.
    pub(crate) fn new(
        process: Arc<Process>,
        inner: LinkInbox,
        hello: Option<BoxFuture<'static, Instant>>,
    ) -> Self {
        Self {
            process,
            inner: Some(inner),
            has_ended: false,
            hello,
            leaving: VecDeque::new(),
            arriving: VecDeque::new(),
            timer: Box::pin(sleep_until(Instant::now())),
            settlers: WrappedSettlers::new(),
        }
    }

    /// Takes in what the hub has sent by now.
    fn take_in(&mut self, context: &mut Context<'_>) {
        let sizes = self.process.network.sizes;
        while let Some(inner) = self.inner.as_mut().filter(|_| !self.has_ended) {
            match inner.poll_next_unpin(context) {
                Poll::Pending => return,
                Poll::Ready(None) => self.has_ended = true,
                Poll::Ready(Some(item)) => {
                    let (n_tasks, body) = match &item {
                        Ok(LinkIncoming::Leased(leases)) => {
                            let size = |lease: &Lease| sizes.task.max(lease.body().len() as u64);
                            (leases.len(), leases.iter().map(size).sum())
                        }
                        Ok(LinkIncoming::HubUp { welcome, .. }) => (0, welcome.len() as u64),
                        Ok(LinkIncoming::Notice { body, .. }) => (0, body.len() as u64),
                        Ok(LinkIncoming::HubDown { .. }) | Err(_) => (0, 0),
                    };
                    let (at, message) = self.process.leaves_hub(n_tasks, body);
                    self.leaving.push_back(OnTheWay { at, message, item });
                }
            }
        }
    }

    fn wrap(&mut self, item: Item) -> Item {
        let Ok(LinkIncoming::Leased(leases)) = item else {
            return item;
        };
        let Self {
            settlers, process, ..
        } = self;
        let make = |settler| ModelledSettler::new(settler, process);
        let wrapped = leases.into_iter().map(|lease| settlers.wrap(lease, make));
        Ok(LinkIncoming::Leased(wrapped.collect()))
    }
}

impl Stream for Inbox {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let inbox = &mut *self;
        if let Some(hello) = &mut inbox.hello {
            ready!(hello.poll_unpin(context));
            inbox.hello = None;
        }
        loop {
            inbox.take_in(context);
            let now = Instant::now();
            while let Some(mut one) = due(&mut inbox.leaving, now) {
                one.at = inbox.process.arrives(one.at, one.message);
                inbox.arriving.push_back(one);
            }
            if let Some(one) = due(&mut inbox.arriving, now) {
                let item = inbox.wrap(one.item);
                return Poll::Ready(Some(item));
            }
            let fronts = [inbox.leaving.front(), inbox.arriving.front()];
            let Some(next) = fronts.into_iter().flatten().map(|one| one.at).min() else {
                return match inbox.has_ended {
                    true => Poll::Ready(None),
                    false => Poll::Pending,
                };
            };
            if inbox.timer.deadline() != next {
                inbox.timer.as_mut().reset(next);
            }
            if inbox.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let on_the_way = [&mut self.leaving, &mut self.arriving].map(std::mem::take);
            self.process.bury((inner, on_the_way));
        }
    }
}
