//! Makes tasks and results as large as those of the program that is replayed.
//!
//! A decorator around the transport, at both ends: what is sent gets its length in front and zeros
//! behind, what is received loses both. Nothing above knows of it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::StreamExt;
use skyscan_transport::backend::{HubBefore, LinkBefore, SettlerBefore, WrappedSettlers};
use skyscan_transport::{
    Conclusion, Hub, HubConfig, HubInbox, HubIncoming, Link, LinkConfig, LinkInbox, LinkIncoming,
    Outcome, Receipts, Result, SettledBatch, Settlement, Settler, TaskFrame, TaskKey, Traffic,
    Transport,
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
        let result_bytes = self.ballast.result_bytes;
        let mut settlers = WrappedSettlers::new();
        let inbox = inbox.map(move |incoming| match incoming {
            Ok(LinkIncoming::Leased(leases)) => Ok(LinkIncoming::Leased(
                leases
                    .into_iter()
                    .map(|lease| {
                        let laden = settlers.wrap(lease, |inner| LadenSettler {
                            inner,
                            result_bytes,
                        });
                        laden.map_body(unload)
                    })
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
impl HubBefore for LadenHub {
    fn inner(&self) -> &dyn Hub {
        self.inner.as_ref()
    }

    async fn submit(&self, mut tasks: Vec<TaskFrame>) -> Result<()> {
        for task in &mut tasks {
            task.body = load(&task.body, self.task_bytes);
        }
        self.inner.submit(tasks).await
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

impl LinkBefore for LadenLink {
    fn inner(&self) -> &dyn Link {
        self.0.as_ref()
    }
}

#[derive(Debug)]
struct LadenSettler {
    inner: Arc<dyn Settler>,
    result_bytes: usize,
}

#[async_trait]
impl SettlerBefore for LadenSettler {
    fn inner(&self) -> &Arc<dyn Settler> {
        &self.inner
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<TaskKey>> {
        let laden = settlements.into_iter().map(|settlement| {
            let settlement = settlement.handed_to(Arc::clone(&self.inner));
            settlement.map_result(|result| load(&result, self.result_bytes))
        });
        self.inner.settle(laden.collect()).await
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
