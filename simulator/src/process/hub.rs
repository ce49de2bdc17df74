//! The Scanner's or relay's end of a place, at the border of its process.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use skyscan::protocol::{Report, ResultBody, TaskBody};
use skyscan_transport::{
    Conclusion, Holder, Hub, HubInbox, HubIncoming, LinkId, Outcome, PayloadId, Receipts, Result,
    ScanId, SettledBatch, TaskFrame, TaskId, WorkerId,
};

use super::Names;
use super::heard::Heard;
use crate::fate::{Fate, Slot};
use crate::history::{listed, outcome_word, pixel_word};

/// A stranger's results: with the batch of this number comes one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forgery {
    /// After so many batches.
    pub(crate) after_batches: u64,
    /// What it is about.
    pub(crate) about: Forged,
}

/// What a forged result is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// A task that was never handed out.
    Unknown,
    /// A task of a Scanner before.
    Earlier,
    /// A task that came back already.
    Settled,
}

/// Opens a hub that stands at the border of a process.
pub(super) fn open(
    fate: Arc<Fate>,
    scan: ScanId,
    inner: Arc<dyn Hub>,
    inbox: HubInbox,
    names: Arc<Names>,
    forgeries: Vec<Forgery>,
) -> (Arc<dyn Hub>, HubInbox) {
    let hub = BorderHub {
        inner: fate.own(inner),
        scan,
        fate: Arc::clone(&fate),
    };
    let inbox = Inbox {
        heard: Heard::at(&fate, inbox),
        n_batches: 0,
        last: None,
        forgeries,
        forged: VecDeque::new(),
        names,
        fate,
    };
    (Arc::new(hub), inbox.boxed())
}

#[derive(Debug)]
struct BorderHub {
    inner: Arc<Slot<Arc<dyn Hub>>>,
    scan: ScanId,
    fate: Arc<Fate>,
}

impl BorderHub {
    async fn inner(&self) -> Arc<dyn Hub> {
        self.fate.reach(&self.inner).await
    }

    fn tell_of(&self, frame: &TaskFrame) {
        let Ok(body) = TaskBody::decode(&frame.body) else {
            return;
        };
        let history = &self.fate.history;
        let pixels = body.requests.iter().map(|request| {
            let pixel = history.pixel(request.direction);
            pixel.map_or_else(|| "unknown".to_owned(), pixel_word)
        });
        let pixels = listed(pixels);
        let TaskId(task) = frame.task;
        history.note(
            &self.fate.name,
            format_args!("gives task={task} pixels={pixels}"),
        );
    }
}

#[async_trait]
impl Hub for BorderHub {
    fn scan(&self) -> ScanId {
        self.scan
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        let inner = self.inner().await;
        tasks.iter().for_each(|task| self.tell_of(task));
        let submitted = inner.submit(tasks).await;
        self.fate.step_or_hang().await;
        submitted
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        self.inner().await.publish(payload).await
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        self.inner().await.broadcast(notice).await
    }

    async fn purge(&self) -> Result<usize> {
        let purged = self.inner().await.purge().await;
        self.fate.step_or_hang().await;
        if let Ok(n) = &purged {
            let (history, name) = (&self.fate.history, &self.fate.name);
            history.note(name, format_args!("purges n={n}"));
        }
        purged
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        self.inner().await.holders(tasks).await
    }

    async fn close(&self) -> Result<()> {
        let closed = self.inner().await.close().await;
        self.fate.step_or_hang().await;
        closed
    }
}

struct Inbox {
    heard: Heard<HubInbox>,
    n_batches: u64,
    /// The task that came back last.
    last: Option<Outcome>,
    forgeries: Vec<Forgery>,
    forged: VecDeque<SettledBatch>,
    names: Arc<Names>,
    fate: Arc<Fate>,
}

impl Inbox {
    fn tell(&self, what: std::fmt::Arguments<'_>) {
        self.fate.history.note(&self.fate.name, what);
    }

    /// Writes down what is heard; returns it with receipts that are written down, too.
    fn hear(&mut self, incoming: HubIncoming) -> HubIncoming {
        match incoming {
            HubIncoming::LinkUp {
                link,
                worker,
                credit,
                ..
            } => {
                let owner = self.names.owner(worker);
                let LinkId(number) = link;
                self.tell(format_args!(
                    "meets link={number} worker={owner} credit={credit}"
                ));
                incoming
            }
            HubIncoming::LinkDown { link, .. } => {
                let LinkId(number) = link;
                self.tell(format_args!("misses link={number}"));
                incoming
            }
            HubIncoming::Settled(batch) => {
                let batch = self.told(batch);
                self.forge();
                HubIncoming::Settled(batch)
            }
        }
    }

    fn told(&mut self, batch: SettledBatch) -> SettledBatch {
        self.n_batches += 1;
        let number = self.n_batches;
        for outcome in batch.outcomes() {
            let (TaskId(task), attempt) = (outcome.task, outcome.attempt);
            let worker = self.names.owner(outcome.worker);
            let said = said(&outcome.conclusion);
            self.tell(format_args!(
                "hears batch={number} task={task} attempt={attempt} worker={worker} {said}"
            ));
            self.last = Some(outcome.clone());
        }
        let outcomes = batch.outcomes().to_vec();
        let receipts = Told {
            inner: self.fate.own(batch),
            fate: Arc::clone(&self.fate),
        };
        SettledBatch::new(outcomes, number, Arc::new(receipts))
    }

    fn forge(&mut self) {
        let (n_batches, last) = (self.n_batches, self.last.clone());
        let due = self.forgeries.iter();
        let due = due.filter(|forgery| forgery.after_batches == n_batches);
        let Some(known) = last else {
            return;
        };
        let forged = due.map(|forgery| match forgery.about {
            Forged::Unknown => Outcome {
                task: TaskId(known.task.0 + (1 << 30)),
                ..known.clone()
            },
            Forged::Earlier => Outcome {
                task: TaskId(known.task.0.wrapping_sub(1 << 40)),
                ..known.clone()
            },
            Forged::Settled => Outcome {
                worker: WorkerId([0xff; 16]),
                ..known.clone()
            },
        });
        let batches = forged.map(|outcome| SettledBatch::new(vec![outcome], 0, Arc::new(Nobody)));
        self.forged.extend(batches);
    }
}

impl Stream for Inbox {
    type Item = Result<HubIncoming>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let inbox = &mut *self;
        if !inbox.heard.lives(context) {
            return Poll::Ready(None);
        }
        if let Some(forged) = inbox.forged.pop_front() {
            let batch = inbox.told(forged);
            return Poll::Ready(Some(Ok(HubIncoming::Settled(batch))));
        }
        let item = ready!(inbox.heard.poll(context)).filter(|_| inbox.fate.step());
        Poll::Ready(item.map(|item| item.map(|incoming| inbox.hear(incoming))))
    }
}

/// Receipts that are written down.
struct Told {
    inner: Arc<Slot<SettledBatch>>,
    fate: Arc<Fate>,
}

impl Receipts for Told {
    fn confirmed(&self, number: u64, _: usize) {
        if self.fate.step()
            && let Some(batch) = self.inner.take()
        {
            let (history, name) = (&self.fate.history, &self.fate.name);
            history.note(name, format_args!("confirms batch={number}"));
            drop(batch.confirm());
        }
    }

    fn unconfirmed(&self, number: u64, _: Vec<Outcome>) {
        if let Some(batch) = self.inner.take() {
            let (history, name) = (&self.fate.history, &self.fate.name);
            history.note(name, format_args!("leaves batch={number}"));
            drop(batch);
        }
    }
}

/// Nobody waits for what was forged.
struct Nobody;

impl Receipts for Nobody {
    fn confirmed(&self, _: u64, _: usize) {}
    fn unconfirmed(&self, _: u64, _: Vec<Outcome>) {}
}

/// What somebody says of a task, in words.
pub(super) fn said(conclusion: &Conclusion) -> String {
    let Conclusion::Completed(result) = conclusion else {
        return "says=rejected".to_owned();
    };
    match ResultBody::decode(result) {
        Err(_) => "says=garbage".to_owned(),
        Ok(ResultBody { report, .. }) => match report {
            Report::Failed(_) => "says=failed".to_owned(),
            Report::NotBegun => "says=unbegun".to_owned(),
            Report::NotServed { was_lost, .. } if was_lost => "says=lost-unserved".to_owned(),
            Report::NotServed { .. } => "says=unserved".to_owned(),
            Report::Outcomes(outcomes) => {
                format!("says={}", listed(outcomes.iter().map(outcome_word)))
            }
        },
    }
}
