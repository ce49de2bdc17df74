//! What a link's owner receives, judged; brings a severed link back.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use skyscan_transport::{
    Lease, Link, LinkConfig, LinkInbox, LinkIncoming, Result, ScanId, Transport,
    backend::WrappedSettlers,
};
use tokio::time::sleep;

use super::{Shared, settler::JudgedSettler};
use crate::{
    delays::Delays,
    rules::{FrameKind, Verdict},
};

/// Puts a link's inbox under its rules.
pub(super) fn judged(
    inner: LinkInbox,
    transport: Arc<dyn Transport>,
    config: LinkConfig,
    shared: Arc<Shared>,
) -> LinkInbox {
    Box::pin(Judged {
        inner: Some(inner),
        transport,
        config,
        shared,
        hubs: BTreeSet::new(),
        held: Delays::new(),
        lost: Delays::new(),
        settlers: WrappedSettlers::new(),
        coming_back: None,
    })
}

type Opened = Result<(Arc<dyn Link>, LinkInbox)>;

struct Judged {
    inner: Option<LinkInbox>,
    transport: Arc<dyn Transport>,
    config: LinkConfig,
    shared: Arc<Shared>,
    hubs: BTreeSet<ScanId>,
    held: Delays<Result<LinkIncoming>>,
    /// Leases that never arrived. Dropping them early would give them back.
    lost: Delays<Lease>,
    settlers: WrappedSettlers<JudgedSettler>,
    coming_back: Option<BoxFuture<'static, Opened>>,
}

impl Judged {
    fn take_in(&mut self, incoming: Result<LinkIncoming>) {
        match incoming {
            Ok(LinkIncoming::Leased(leases)) => self.take_leases(leases),
            Ok(LinkIncoming::Notice { scan, body }) => {
                let notice = |body| Ok(LinkIncoming::Notice { scan, body });
                let id = self.shared.id();
                match self.shared.rules.judge(FrameKind::Notice, Some(id), None) {
                    Verdict::Pass => self.held.pass(notice(body)),
                    Verdict::Lose => {}
                    Verdict::Repeat => {
                        self.held.pass(notice(body.clone()));
                        self.held.pass(notice(body));
                    }
                    Verdict::Delay(by) => self.held.delay(notice(body), by),
                    Verdict::Reorder => self.held.reorder(notice(body)),
                    Verdict::Sever(absence) => self.shared.sever(absence),
                }
            }
            Ok(up @ LinkIncoming::HubUp { scan, .. }) => {
                self.hubs.insert(scan);
                self.held.pass(Ok(up));
            }
            Ok(LinkIncoming::HubDown { scan }) => {
                self.hubs.remove(&scan);
                self.held.pass(Ok(LinkIncoming::HubDown { scan }));
            }
            Err(error) => self.held.pass(Err(error)),
        }
    }

    fn take_leases(&mut self, leases: Vec<Lease>) {
        let id = self.shared.id();
        let mut passing = Vec::new();
        for lease in leases {
            let (key, term) = (lease.key(), lease.term());
            let lease = self.wrap(lease);
            match self
                .shared
                .rules
                .judge(FrameKind::Lease, Some(id), Some(key))
            {
                Verdict::Pass | Verdict::Repeat => passing.push(lease),
                Verdict::Lose => self.lost.delay(lease, term),
                Verdict::Delay(by) => self.held.delay(Ok(LinkIncoming::Leased(vec![lease])), by),
                Verdict::Reorder => self.held.reorder(Ok(LinkIncoming::Leased(vec![lease]))),
                Verdict::Sever(absence) => self.shared.sever(absence),
            }
        }
        if !passing.is_empty() {
            self.held.pass(Ok(LinkIncoming::Leased(passing)));
        }
    }

    fn wrap(&mut self, lease: Lease) -> Lease {
        let shared = &self.shared;
        self.settlers.wrap(lease, |inner| JudgedSettler {
            inner,
            shared: Arc::clone(shared),
        })
    }

    /// Does what severing asks for: the hubs are down, and the link comes back later.
    fn see_to_the_link(&mut self, cx: &mut Context<'_>) {
        let mut state = self.shared.state.lock();
        state.reader = Some(cx.waker().clone());
        let Some(absence) = state.severed_for.take() else {
            return;
        };
        drop(state);
        self.inner = None;
        self.held.clear();
        self.lost.clear();
        for scan in std::mem::take(&mut self.hubs) {
            self.held.pass(Ok(LinkIncoming::HubDown { scan }));
        }
        let (transport, config) = (Arc::clone(&self.transport), self.config.clone());
        self.coming_back = Some(
            async move {
                sleep(absence).await;
                transport.open_link(config).await
            }
            .boxed(),
        );
    }

    fn come_back(&mut self, opened: Opened) {
        match opened {
            Ok((link, inbox)) => {
                let mut state = self.shared.state.lock();
                if !state.closed {
                    state.id = link.id();
                    // A draining link has no use for an inbox: dropping it drains.
                    self.inner = (!state.draining).then_some(inbox);
                    state.inner = Some(link);
                }
            }
            Err(error) => self.held.pass(Err(error)),
        }
    }
}

impl Stream for Judged {
    type Item = Result<LinkIncoming>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            self.see_to_the_link(cx);
            while let Poll::Ready(expired) = self.lost.poll(cx) {
                drop(expired);
            }
            if let Poll::Ready(incoming) = self.held.poll(cx) {
                return Poll::Ready(Some(incoming));
            }
            if self.shared.state.lock().closed {
                return Poll::Ready(None);
            }
            if let Some(coming_back) = &mut self.coming_back {
                let Poll::Ready(opened) = coming_back.poll_unpin(cx) else {
                    return Poll::Pending;
                };
                self.coming_back = None;
                self.come_back(opened);
            }
            let Some(inner) = &mut self.inner else {
                return Poll::Pending;
            };
            match inner.poll_next_unpin(cx) {
                Poll::Ready(Some(incoming)) => self.take_in(incoming),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
