//! A Worker's end of a modelled path.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use skyscan_transport::{
    Answer, LeaseToken, Link, LinkConfig, LinkId, LinkInbox, PayloadId, Result, ScanId, Settlement,
    Settler, TaskKey, Transport, backend::SettlerBefore,
};
use tokio::time::sleep_until;

use crate::inbox::Inbox;
use crate::process::{Connection, Process};

/// Opens a link, once the connection stands.
pub(crate) async fn open(
    transport: &dyn Transport,
    process: &Arc<Process>,
    config: LinkConfig,
) -> Result<(Arc<dyn Link>, LinkInbox)> {
    let hello_bytes = config.hello.len() as u64;
    let (connection, is_new) = process.connect(hello_bytes).await;
    let (inner, inbox) = transport.open_link(config).await?;
    let hello = match is_new {
        true => None,
        false => {
            let process = Arc::clone(process);
            Some(async move { process.carry(0, hello_bytes).await }.boxed())
        }
    };
    let link = ModelledLink {
        process: Arc::clone(process),
        inner: Some(inner),
        connection: Some(connection),
    };
    let inbox = Inbox::new(Arc::clone(process), inbox, hello);
    Ok((Arc::new(link), inbox.boxed()))
}

#[derive(Debug)]
struct ModelledLink {
    process: Arc<Process>,
    /// Taken out when it is dropped.
    inner: Option<Arc<dyn Link>>,
    /// That of its process.
    connection: Option<Arc<Connection>>,
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
        let mut fetched = self.process.fetched.lock().await;
        if fetched.contains(&payload) {
            drop(fetched);
            return self.inner().fetch(scan, payload).await;
        }
        self.process.say().await;
        let found = self.inner().fetch(scan, payload).await?;
        let (left, message) = self.process.leaves_hub(0, found.len() as u64);
        sleep_until(left).await;
        sleep_until(self.process.arrives(left, message)).await;
        fetched.insert(payload);
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
        self.process
            .bury((self.inner.take(), self.connection.take()));
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
}

#[async_trait]
impl SettlerBefore for ModelledSettler {
    fn inner(&self) -> &Arc<dyn Settler> {
        &self.inner
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let least = self.process.network.sizes.result;
        let size = |settlement: &Settlement| match settlement.answer() {
            Answer::Completed(result) => least.max(result.len() as u64),
            Answer::Rejected(reason) => reason.len() as u64,
            Answer::Released => 0,
        };
        let body_bytes = settlements.iter().map(size).sum();
        let taken = self.process.carry(settlements.len(), body_bytes).await;
        let settlements = settlements.into_iter();
        let handed_on = settlements.map(|settlement| settlement.handed_to(Arc::clone(&self.inner)));
        let lost = self.inner.settle(handed_on.collect()).await?;
        sleep_until(taken + self.process.path.one_way).await;
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
