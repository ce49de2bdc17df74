//! What a link's owner receives and says, judged.

mod inbox;
mod settler;

use std::{fmt, mem, sync::Arc, task::Waker, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use skyscan_transport::{
    Link, LinkConfig, LinkId, LinkInbox, PayloadId, Result, ScanId, Transport, TransportError,
};

use crate::rules::Rules;

/// Opens a link under rules.
pub(crate) async fn open(
    transport: Arc<dyn Transport>,
    config: LinkConfig,
    rules: Arc<Rules>,
) -> Result<(Arc<dyn Link>, LinkInbox)> {
    let (inner, stream) = transport.open_link(config.clone()).await?;
    let state = State {
        id: inner.id(),
        inner: Some(inner),
        severed_for: None,
        draining: false,
        closed: false,
        reader: None,
    };
    let shared = Arc::new(Shared {
        rules,
        state: Mutex::new(state),
    });
    let inbox = inbox::judged(stream, transport, config, Arc::clone(&shared));
    Ok((Arc::new(FaultyLink(shared)), inbox))
}

/// What a link, its inbox and its leases share.
pub(crate) struct Shared {
    rules: Arc<Rules>,
    state: Mutex<State>,
}

struct State {
    /// Of the inner link that is there, or was last.
    id: LinkId,
    inner: Option<Arc<dyn Link>>,
    /// The link was lost, and comes back after this time.
    severed_for: Option<Duration>,
    draining: bool,
    closed: bool,
    /// The inbox, which brings a severed link back.
    reader: Option<Waker>,
}

impl Shared {
    /// Loses the link without a goodbye.
    fn sever(&self, absence: Duration) {
        let mut state = self.state.lock();
        let Some(inner) = state.inner.take() else {
            return;
        };
        state.severed_for = Some(absence);
        let reader = state.reader.take();
        drop(state);
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn id(&self) -> LinkId {
        self.state.lock().id
    }
}

/// A severed link comes back under another id.
struct FaultyLink(Arc<Shared>);

impl FaultyLink {
    fn inner(&self) -> Result<Option<Arc<dyn Link>>> {
        let state = self.0.state.lock();
        match state.closed {
            true => Err(TransportError::Closed),
            false => Ok(state.inner.clone()),
        }
    }
}

#[async_trait]
impl Link for FaultyLink {
    fn id(&self) -> LinkId {
        self.0.id()
    }

    async fn fetch(&self, scan: ScanId, payload: PayloadId) -> Result<Bytes> {
        match self.inner()? {
            Some(inner) => inner.fetch(scan, payload).await,
            None => Err(TransportError::UnknownPayload(payload)),
        }
    }

    async fn drain(&self) -> Result<()> {
        let inner = self.inner()?;
        self.0.state.lock().draining = true;
        match inner {
            Some(inner) => inner.drain().await,
            None => Ok(()),
        }
    }

    async fn close(&self) -> Result<()> {
        let (inner, reader) = {
            let mut state = self.0.state.lock();
            state.closed = true;
            (state.inner.take(), state.reader.take())
        };
        if let Some(inner) = inner {
            inner.close().await?;
        }
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }
}

impl Drop for FaultyLink {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let gone = (mem::take(&mut state.inner), mem::take(&mut state.reader));
        drop(state);
        if let (inner, Some(reader)) = gone {
            drop(inner);
            reader.wake();
        }
    }
}

impl fmt::Debug for FaultyLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultyLink").field(&self.0.id()).finish()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
