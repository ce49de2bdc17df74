//! A Worker's end of a modelled path.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use skyscan_transport::{
    Answer, Lease, LeaseToken, Link, LinkConfig, LinkId, LinkInbox, PayloadId, Result, ScanId,
    Settlement, Settler, TaskKey, Transport,
};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Process;
use crate::inbox::Inbox;

/// Ways that a handshake takes before the other side can act: there, back and there again.
const WAYS_TO_CONNECT: u32 = 3;

/// Opens a link, once the connection stands.
pub(crate) async fn open(
    transport: &dyn Transport,
    process: &Arc<Process>,
    config: LinkConfig,
) -> Result<(Arc<dyn Link>, LinkInbox)> {
    let (network, path) = (&process.network, &process.path);
    let permit = network.front().enter().await;
    let asked = Instant::now() + WAYS_TO_CONNECT * path.one_way;
    sleep_until(asked).await;
    let open = network.front().connect(asked);
    sleep_until(open).await;
    network.count(
        path.boundary,
        network.sizes.frame + config.hello.len() as u64,
    );
    let (inner, inbox) = transport.open_link(config).await?;
    let link = ModelledLink {
        process: Arc::clone(process),
        inner: Some(inner),
        permit,
        fetched: Mutex::default(),
    };
    let inbox = Inbox::new(Arc::clone(process), inbox);
    Ok((Arc::new(link), inbox.boxed()))
}

impl Process {
    /// Drops what is left of a link: at once, or when the hub misses the machine that vanished.
    pub(crate) fn bury<T: Send + 'static>(&self, left: T) {
        // Without a runtime there is nobody left to notice.
        if let (true, Ok(runtime)) = (self.is_gone(), Handle::try_current()) {
            let liveness = self.network.liveness;
            runtime.spawn(async move {
                sleep(liveness).await;
                drop(left);
            });
        }
    }

    /// Takes a message to the hub that carries no task; returns when the hub has dealt with it.
    async fn say(&self) -> Instant {
        let n_bytes = self.network.sizes.frame;
        self.network.carry(0, n_bytes, &self.path).await
    }
}

#[derive(Debug)]
struct ModelledLink {
    process: Arc<Process>,
    /// Taken out when it is dropped.
    inner: Option<Arc<dyn Link>>,
    /// One of the connections that the station takes.
    permit: Option<OwnedSemaphorePermit>,
    fetched: Mutex<HashSet<PayloadId>>,
}

impl ModelledLink {
    fn inner(&self) -> &dyn Link {
        let inner = self.inner.as_deref();
        inner.expect("it is taken out when the link is dropped")
    }
}

#[async_trait]
impl Link for ModelledLink {
    fn id(&self) -> LinkId {
        self.inner().id()
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        if self.fetched.lock().contains(&payload) {
            return self.inner().fetch(scan, payload).await;
        }
        let (network, path) = (&self.process.network, &self.process.path);
        self.process.say().await;
        let found = self.inner().fetch(scan, payload).await?;
        self.fetched.lock().insert(payload);
        let n_bytes = network.sizes.frame + found.len() as u64;
        let left = network.leaves_hub(0, n_bytes);
        sleep_until(left).await;
        sleep_until(network.arrives(left, 0, n_bytes, path)).await;
        Ok(found)
    }

    async fn drain(&self) -> Result<()> {
        self.process.say().await;
        self.inner().drain().await
    }

    async fn close(&self) -> Result<()> {
        self.process.say().await;
        self.inner().close().await
    }
}

impl Drop for ModelledLink {
    fn drop(&mut self) {
        self.process.bury((self.inner.take(), self.permit.take()));
    }
}

/// Stands before the settler of the inner link.
#[derive(Debug)]
pub(crate) struct ModelledSettler {
    inner: Arc<dyn Settler>,
    process: Arc<Process>,
}

impl ModelledSettler {
    pub(crate) fn new(inner: Arc<dyn Settler>, process: &Arc<Process>) -> Self {
        Self {
            inner,
            process: Arc::clone(process),
        }
    }

    pub(crate) fn wraps(&self, settler: &Arc<dyn Settler>) -> bool {
        Arc::ptr_eq(&self.inner, settler)
    }
}

#[async_trait]
impl Settler for ModelledSettler {
    fn lease_term(&self, key: TaskKey) -> Duration {
        self.inner.lease_term(key)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let (network, path) = (&self.process.network, &self.process.path);
        let size = |settlement: &Settlement| match settlement.answer() {
            Answer::Completed(result) => network.sizes.result.max(result.len() as u64),
            Answer::Rejected(reason) => reason.len() as u64,
            Answer::Released => 0,
        };
        let n_bytes = network.sizes.frame + settlements.iter().map(size).sum::<u64>();
        let taken = network.carry(settlements.len(), n_bytes, path).await;
        let told = settlements.into_iter().map(|settlement| {
            let (token, key, answer) = settlement.into_told();
            let lease = Lease::new(key, Bytes::new(), 0, token, Arc::clone(&self.inner));
            match answer {
                Answer::Completed(result) => lease.completed(result),
                Answer::Released => lease.released(),
                Answer::Rejected(reason) => lease.rejected(reason),
            }
        });
        let lost = self.inner.settle(told.collect()).await?;
        sleep_until(taken + path.one_way).await;
        Ok(lost)
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        let taken = self.process.say().await;
        let lost = self.inner.renew(leases).await?;
        sleep_until(taken + self.process.path.one_way).await;
        Ok(lost)
    }

    fn abandon(&self, token: LeaseToken) {
        // A machine that vanished gives nothing back.
        if !self.process.is_gone() {
            self.inner.abandon(token);
        }
    }
}
