//! Payloads are asked for above when the zone asks for them.
//!
//! Decision: Payloads are looked for above when the zone asks (`docs/decisions.md`).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use skyscan_transport::{Link, PayloadId, PayloadSource, Result, ScanId};

/// The payloads that a scan has published above.
#[derive(Debug)]
pub(crate) struct Above {
    pub(crate) link: Arc<dyn Link>,
    pub(crate) scan: ScanId,
}

#[async_trait]
impl PayloadSource for Above {
    async fn find(&self, payload: PayloadId) -> Result<Bytes> {
        let found = self.link.fetch(self.scan, payload).await;
        match &found {
            Ok(payload_bytes) => {
                tracing::debug!(%payload, n_bytes = payload_bytes.len(), "has a payload");
            }
            Err(error) => tracing::debug!(%payload, %error, "could not fetch a payload yet"),
        }
        found
    }
}
