//! Decorators: what stands before a hub, a link or a settler, and changes a part of what it does.
//!
//! A decorator says what it stands before, and writes the calls that it changes; all others go
//! through. Leases are settled through their settlers, so a link's decorator wraps these too
//! ([`WrappedSettlers`]).

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Holder, Hub, Lease, LeaseToken, Link, LinkId, PayloadId, Result, ScanId, Settlement, Settler,
    TaskFrame, TaskId, TaskKey,
};

/// What stands before a hub.
#[async_trait]
pub trait HubBefore: fmt::Debug + Send + Sync + 'static {
    /// The hub that it stands before.
    fn inner(&self) -> &dyn Hub;

    /// See [`Hub::submit`].
    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        self.inner().submit(tasks).await
    }

    /// See [`Hub::publish`].
    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        self.inner().publish(payload).await
    }

    /// See [`Hub::broadcast`].
    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        self.inner().broadcast(notice).await
    }

    /// See [`Hub::purge`].
    async fn purge(&self) -> Result<usize> {
        self.inner().purge().await
    }

    /// See [`Hub::holders`].
    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        self.inner().holders(tasks).await
    }

    /// See [`Hub::close`].
    async fn close(&self) -> Result<()> {
        self.inner().close().await
    }
}

#[async_trait]
impl<D: HubBefore> Hub for D {
    fn scan(&self) -> ScanId {
        self.inner().scan()
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        HubBefore::submit(self, tasks).await
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        HubBefore::publish(self, payload).await
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        HubBefore::broadcast(self, notice).await
    }

    async fn purge(&self) -> Result<usize> {
        HubBefore::purge(self).await
    }

    async fn holders(&self, tasks: Vec<TaskId>) -> Result<Vec<Holder>> {
        HubBefore::holders(self, tasks).await
    }

    async fn close(&self) -> Result<()> {
        HubBefore::close(self).await
    }
}

/// What stands before a link. Settling and renewing go through the leases.
#[async_trait]
pub trait LinkBefore: fmt::Debug + Send + Sync + 'static {
    /// The link that it stands before.
    fn inner(&self) -> &dyn Link;

    /// See [`Link::fetch`].
    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        self.inner().fetch(scan, payload).await
    }

    /// See [`Link::drain`].
    async fn drain(&self) -> Result<()> {
        self.inner().drain().await
    }

    /// See [`Link::close`].
    async fn close(&self) -> Result<()> {
        self.inner().close().await
    }
}

#[async_trait]
impl<D: LinkBefore> Link for D {
    fn id(&self) -> LinkId {
        self.inner().id()
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        LinkBefore::fetch(self, scan, payload).await
    }

    async fn drain(&self) -> Result<()> {
        LinkBefore::drain(self).await
    }

    async fn close(&self) -> Result<()> {
        LinkBefore::close(self).await
    }
}

/// What stands before a settler.
#[async_trait]
pub trait SettlerBefore: fmt::Debug + Send + Sync + 'static {
    /// The settler that it stands before.
    fn inner(&self) -> &Arc<dyn Settler>;

    /// See [`Settler::settle`]; [`Settlement::handed_to`] hands each on.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let settlements = settlements.into_iter();
        let handed_on =
            settlements.map(|settlement| settlement.handed_to(Arc::clone(self.inner())));
        self.inner().settle(handed_on.collect()).await
    }

    /// See [`Settler::renew`].
    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        self.inner().renew(leases).await
    }

    /// See [`Settler::abandon`].
    fn abandon(&self, token: LeaseToken) {
        self.inner().abandon(token);
    }
}

#[async_trait]
impl<D: SettlerBefore> Settler for D {
    fn lease_term(&self, key: TaskKey) -> Duration {
        self.inner().lease_term(key)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        SettlerBefore::settle(self, settlements).await
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        SettlerBefore::renew(self, leases).await
    }

    fn abandon(&self, token: LeaseToken) {
        SettlerBefore::abandon(self, token);
    }
}

/// Wraps each settler once: leases that could be settled together still can be.
#[derive(Debug)]
pub struct WrappedSettlers<D> {
    last: Option<Arc<D>>,
}

impl<D: SettlerBefore> WrappedSettlers<D> {
    /// Nothing is wrapped yet.
    pub fn new() -> Self {
        Self { last: None }
    }

    /// Puts a decorator before the settler of a lease: that of the lease before it if they have the
    /// same settler, otherwise the one that `make` makes.
    pub fn wrap(&mut self, lease: Lease, make: impl FnOnce(Arc<dyn Settler>) -> D) -> Lease {
        lease.map_settler(|settler| {
            let last = self.last.take();
            let known = last.filter(|last| Arc::ptr_eq(last.inner(), &settler));
            let decorator = known.unwrap_or_else(|| Arc::new(make(settler)));
            self.last = Some(Arc::clone(&decorator));
            decorator
        })
    }
}

impl<D: SettlerBefore> Default for WrappedSettlers<D> {
    fn default() -> Self {
        Self::new()
    }
}
