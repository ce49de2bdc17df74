//! The Worker's or relay's end of a place, at the border of its process.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use skyscan_transport::backend::{SettlerBefore, WrappedSettlers};
use skyscan_transport::{
    Answer, Conclusion, LeaseToken, Link, LinkId, LinkInbox, LinkIncoming, PayloadId, Result,
    ScanId, Settlement, Settler, TaskId, TaskKey, TransportError,
};

use super::heard::Heard;
use super::hub::said;
use crate::fate::{Fate, Slot};

/// What a process does to the results of its kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbling {
    /// They cannot be read.
    Noise,
    /// It is cut in the middle.
    Cut,
    /// No retry can help, it says.
    Rejects,
}

/// Opens a link that stands at the border of a process.
pub(super) fn open(
    fate: Arc<Fate>,
    inner: Arc<dyn Link>,
    inbox: LinkInbox,
    garbling: Option<Garbling>,
) -> (Arc<dyn Link>, LinkInbox) {
    let link = BorderLink {
        id: inner.id(),
        inner: fate.own(inner),
        fate: Arc::clone(&fate),
    };
    let inbox = Inbox {
        heard: Heard::at(&fate, inbox),
        settlers: WrappedSettlers::new(),
        garbling,
        fate,
    };
    (Arc::new(link), inbox.boxed())
}

#[derive(Debug)]
struct BorderLink {
    id: LinkId,
    inner: Arc<Slot<Arc<dyn Link>>>,
    fate: Arc<Fate>,
}

impl BorderLink {
    async fn inner(&self) -> Arc<dyn Link> {
        self.fate.reach(&self.inner).await
    }
}

#[async_trait]
impl Link for BorderLink {
    fn id(&self) -> LinkId {
        self.inner.get().map_or(self.id, |inner| inner.id())
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        let fetched = self.inner().await.fetch(scan, payload).await;
        self.fate.step_or_hang().await;
        fetched
    }

    async fn drain(&self) -> Result<()> {
        self.inner().await.drain().await
    }

    async fn close(&self) -> Result<()> {
        self.inner().await.close().await
    }
}

impl Drop for BorderLink {
    fn drop(&mut self) {
        // That of a process that died is buried.
        drop(self.inner.take());
    }
}

struct Inbox {
    heard: Heard<LinkInbox>,
    settlers: WrappedSettlers<BorderSettler>,
    garbling: Option<Garbling>,
    fate: Arc<Fate>,
}

impl Inbox {
    fn wrap(&mut self, incoming: LinkIncoming) -> LinkIncoming {
        let LinkIncoming::Leased(leases) = incoming else {
            return incoming;
        };
        let Self {
            settlers,
            garbling,
            fate,
            ..
        } = self;
        let leases = leases.into_iter().map(|lease| {
            settlers.wrap(lease, |inner| BorderSettler {
                inner,
                fate: Arc::clone(fate),
                garbling: *garbling,
            })
        });
        LinkIncoming::Leased(leases.collect())
    }

    fn tell_of(&self, item: &Result<LinkIncoming>) {
        let Ok(LinkIncoming::Leased(leases)) = item else {
            return;
        };
        for lease in leases {
            let (TaskKey { scan, task }, attempt) = (lease.key(), lease.attempt());
            let (ScanId(scan), TaskId(task)) = (scan, task);
            self.fate.history.note(
                &self.fate.name,
                format_args!("has scan={scan} task={task} attempt={attempt}"),
            );
        }
    }
}

impl Stream for Inbox {
    type Item = Result<LinkIncoming>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let inbox = &mut *self;
        if !inbox.heard.lives(context) {
            return Poll::Ready(None);
        }
        let Some(item) = ready!(inbox.heard.poll(context)) else {
            return Poll::Ready(None);
        };
        // Wrapped first: what the dead are leased is lost when they are missed, not given back now.
        let item = item.map(|incoming| inbox.wrap(incoming));
        if !inbox.fate.step() {
            return Poll::Ready(None);
        }
        inbox.tell_of(&item);
        Poll::Ready(Some(item))
    }
}

/// Stands before the settler of the inner link.
#[derive(Debug)]
struct BorderSettler {
    inner: Arc<dyn Settler>,
    fate: Arc<Fate>,
    garbling: Option<Garbling>,
}

impl BorderSettler {
    /// What leaves the process instead of what its actors said.
    fn garble(&self, settlement: Settlement) -> Settlement {
        let settlement = settlement.handed_to(Arc::clone(&self.inner));
        match self.garbling {
            None => settlement,
            Some(Garbling::Noise) => {
                settlement.map_result(|result| result.iter().map(|byte| !byte).collect())
            }
            Some(Garbling::Cut) => settlement.map_result(|result| result.slice(..result.len() / 2)),
            Some(Garbling::Rejects) => {
                let again = skyscan_transport::Lease::new(
                    settlement.key(),
                    Bytes::new(),
                    settlement.attempt(),
                    settlement.token(),
                    Arc::clone(&self.inner),
                );
                // The lease is answered once, by its name.
                let _parts = settlement.into_parts();
                again.rejected("no".to_owned())
            }
        }
    }

    fn tell_of(&self, settlement: &Settlement) {
        let (ScanId(scan), TaskId(task)) = (settlement.key().scan, settlement.key().task);
        let said = match settlement.answer() {
            Answer::Completed(result) => said(&Conclusion::Completed(result.clone())),
            Answer::Rejected(_) => "says=rejected".to_owned(),
            Answer::Released => "says=released".to_owned(),
        };
        let attempt = settlement.attempt();
        self.fate.history.note(
            &self.fate.name,
            format_args!("answers scan={scan} task={task} attempt={attempt} {said}"),
        );
    }
}

#[async_trait]
impl SettlerBefore for BorderSettler {
    fn inner(&self) -> &Arc<dyn Settler> {
        &self.inner
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        if !self.fate.step() {
            settlements
                .into_iter()
                .for_each(|settlement| drop(settlement.into_parts()));
            return Err(TransportError::Closed);
        }
        let settlements: Vec<Settlement> = settlements
            .into_iter()
            .map(|settlement| self.garble(settlement))
            .collect();
        settlements
            .iter()
            .for_each(|settlement| self.tell_of(settlement));
        let lost = self.inner.settle(settlements).await;
        self.fate.step_or_hang().await;
        lost
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        self.fate.step_or_hang().await;
        self.inner.renew(leases).await
    }

    fn abandon(&self, token: LeaseToken) {
        // The dead give nothing back.
        if self.fate.lives() {
            self.inner.abandon(token);
        }
    }
}
