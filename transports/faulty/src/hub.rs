//! What a hub's owner receives, judged.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
use skyscan_transport::{HubInbox, HubIncoming, Outcome, Receipts, Result, SettledBatch};

use crate::{
    delays::Delays,
    rules::{FrameKind, Rules, Verdict},
};

/// Puts a hub's inbox under rules.
pub(crate) fn judged(inner: HubInbox, rules: Arc<Rules>) -> HubInbox {
    Box::pin(Judged {
        inner,
        rules,
        held: Delays::new(),
        ended: false,
    })
}

struct Judged {
    inner: HubInbox,
    rules: Arc<Rules>,
    held: Delays<Result<HubIncoming>>,
    ended: bool,
}

impl Judged {
    fn take_in(&mut self, incoming: Result<HubIncoming>) {
        let Ok(HubIncoming::Settled(batch)) = incoming else {
            return self.held.pass(incoming);
        };
        match self.rules.judge(FrameKind::Outcomes, None, None) {
            Verdict::Pass | Verdict::Sever(_) => self.pass(batch),
            // Dropped unconfirmed: it comes again.
            Verdict::Lose => drop(batch),
            Verdict::Repeat => {
                let copy = batch.outcomes().to_vec();
                self.rules.count_repeated(copy.len());
                self.pass(batch);
                self.pass(SettledBatch::new(copy, 0, Arc::new(NoReceipts)));
            }
            Verdict::Delay(by) => self.held.delay(Ok(HubIncoming::Settled(batch)), by),
            Verdict::Reorder => self.held.reorder(Ok(HubIncoming::Settled(batch))),
        }
    }

    fn pass(&mut self, batch: SettledBatch) {
        self.held.pass(Ok(HubIncoming::Settled(batch)));
    }
}

impl Stream for Judged {
    type Item = Result<HubIncoming>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Poll::Ready(incoming) = self.held.poll(cx) {
                return Poll::Ready(Some(incoming));
            }
            if self.ended {
                return if self.held.is_empty() {
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                };
            }
            match self.inner.poll_next_unpin(cx) {
                Poll::Ready(Some(incoming)) => self.take_in(incoming),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// For the copy of a batch whose original has the receipts.
struct NoReceipts;

impl Receipts for NoReceipts {
    fn confirmed(&self, _number: u64, _n_outcomes: usize) {}
    fn unconfirmed(&self, _number: u64, _outcomes: Vec<Outcome>) {}
}
