//! Makes tasks and results as large as those of the program that is replayed.
//!
//! A decorator around the transport, at both ends: what is sent gets its length in front and zeros
//! behind, what is received loses both. Nothing above knows of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::StreamExt;
use skyscan_transport::{
    Conclusion, Hub, HubConfig, HubInbox, HubIncoming, Lease, LeaseToken, Link, LinkConfig, LinkId,
    LinkInbox, LinkIncoming, Outcome, PayloadId, Receipts, Result, ScanId, SettledBatch,
    Settlement, Settler, TaskFrame, TaskKey, Traffic, Transport,
};

use crate::scenario::setup::Ballast;

/// Bytes of the length in front.
const LENGTH_BYTES: usize = 4;

/// Length, body, zeros up to the size.
fn load(body: &[u8], size: usize) -> Bytes {
    let mut loaded = BytesMut::with_capacity(size.max(LENGTH_BYTES + body.len()));
    loaded.put_u32_le(u32::try_from(body.len()).unwrap_or(u32::MAX));
    loaded.put_slice(body);
    if loaded.len() < size {
        loaded.resize(size, 0);
    }
    loaded.freeze()
}

/// The body; empty if the length lies, and then nothing above understands it.
fn unload(mut loaded: Bytes) -> Bytes {
    if loaded.len() < LENGTH_BYTES {
        return Bytes::new();
    }
    let length = loaded.get_u32_le() as usize;
    loaded.truncate(length);
    loaded
}

/// The transport with ballast, if there is any.
pub(in crate::scenario) fn laden(
    inner: Arc<dyn Transport>,
    ballast: Option<Ballast>,
) -> Arc<dyn Transport> {
    match ballast {
        Some(ballast) => Arc::new(LadenTransport { inner, ballast }),
        None => inner,
    }
}

/// A transport whose bodies carry ballast.
#[derive(Debug)]
struct LadenTransport {
    inner: Arc<dyn Transport>,
    ballast: Ballast,
}

#[async_trait]
impl Transport for LadenTransport {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open_hub(&self, config: HubConfig) -> Result<(Arc<dyn Hub>, HubInbox)> {
        let (inner, inbox) = self.inner.open_hub(config).await?;
        let hub = LadenHub {
            inner,
            task_bytes: self.ballast.task_bytes,
        };
        let inbox = inbox.map(|incoming| match incoming {
            Ok(HubIncoming::Settled(batch)) => Ok(HubIncoming::Settled(unload_batch(batch))),
            other => other,
        });
        Ok((Arc::new(hub), inbox.boxed()))
    }

    async fn open_link(&self, config: LinkConfig) -> Result<(Arc<dyn Link>, LinkInbox)> {
        let (inner, inbox) = self.inner.open_link(config).await?;
        let mut settlers = Settlers {
            result_bytes: self.ballast.result_bytes,
            last: None,
        };
        let inbox = inbox.map(move |incoming| match incoming {
            Ok(LinkIncoming::Leased(leases)) => Ok(LinkIncoming::Leased(
                leases
                    .into_iter()
                    .map(|lease| settlers.unload(lease))
                    .collect(),
            )),
            other => other,
        });
        Ok((Arc::new(LadenLink(inner)), inbox.boxed()))
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

#[derive(Debug)]
struct LadenHub {
    inner: Arc<dyn Hub>,
    task_bytes: usize,
}

#[async_trait]
impl Hub for LadenHub {
    fn scan(&self) -> ScanId {
        self.inner.scan()
    }

    async fn submit(&self, mut tasks: Vec<TaskFrame>) -> Result<()> {
        for task in &mut tasks {
            task.body = load(&task.body, self.task_bytes);
        }
        self.inner.submit(tasks).await
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        self.inner.publish(payload).await
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        self.inner.broadcast(notice).await
    }

    async fn purge(&self) -> Result<usize> {
        self.inner.purge().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// The batch without ballast; what becomes of it becomes of the one that came.
fn unload_batch(batch: SettledBatch) -> SettledBatch {
    let outcomes = batch.outcomes().iter().cloned().map(|mut outcome| {
        if let Conclusion::Completed(result) = &mut outcome.conclusion {
            *result = unload(std::mem::take(result));
        }
        outcome
    });
    let outcomes = outcomes.collect();
    SettledBatch::new(outcomes, 0, Arc::new(Came::new(batch)))
}

/// The batch as it came. Dropped unconfirmed, it is delivered again.
struct Came(Mutex<Option<SettledBatch>>);

impl Came {
    fn new(batch: SettledBatch) -> Self {
        Self(Mutex::new(Some(batch)))
    }

    fn take(&self) -> Option<SettledBatch> {
        let mut batch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        batch.take()
    }
}

impl Receipts for Came {
    fn confirmed(&self, _: u64, _: usize) {
        if let Some(batch) = self.take() {
            batch.confirm();
        }
    }

    fn unconfirmed(&self, _: u64, _: Vec<Outcome>) {
        drop(self.take());
    }
}

/// Settles and renews through its leases, so only the rest goes through here.
#[derive(Debug)]
struct LadenLink(Arc<dyn Link>);

#[async_trait]
impl Link for LadenLink {
    fn id(&self) -> LinkId {
        self.0.id()
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        self.0.fetch(scan, payload).await
    }

    async fn drain(&self) -> Result<()> {
        self.0.drain().await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

/// Wraps each settler once, so that its leases can still be settled together.
struct Settlers {
    result_bytes: usize,
    last: Option<Arc<LadenSettler>>,
}

impl Settlers {
    fn unload(&mut self, lease: Lease) -> Lease {
        let laden = lease.map_settler(|settler| {
            let laden = match self.last.take() {
                Some(last) if Arc::ptr_eq(&last.inner, &settler) => last,
                _ => Arc::new(LadenSettler {
                    inner: settler,
                    result_bytes: self.result_bytes,
                }),
            };
            self.last = Some(Arc::clone(&laden));
            laden
        });
        laden.map_body(unload)
    }
}

#[derive(Debug)]
struct LadenSettler {
    inner: Arc<dyn Settler>,
    result_bytes: usize,
}

#[async_trait]
impl Settler for LadenSettler {
    fn lease_term(&self, key: TaskKey) -> Duration {
        self.inner.lease_term(key)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let laden = settlements.into_iter().map(|settlement| {
            let settlement = settlement.handed_to(Arc::clone(&self.inner));
            settlement.map_result(|result| load(&result, self.result_bytes))
        });
        self.inner.settle(laden.collect()).await
    }

    async fn renew(&self, leases: Vec<(LeaseToken, TaskKey)>) -> Result<Vec<TaskKey>> {
        self.inner.renew(leases).await
    }

    fn abandon(&self, token: LeaseToken) {
        self.inner.abandon(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_comes_out_again() {
        for (body, size) in [(&b"task"[..], 1000), (b"task", 0), (b"", 10), (b"", 0)] {
            let loaded = load(body, size);
            assert_eq!(loaded.len(), size.max(body.len() + LENGTH_BYTES));
            assert_eq!(unload(loaded), body);
        }
        assert!(unload(Bytes::from_static(b"x")).is_empty());
    }
}
