//! From a welcome to kernels: the payload is fetched, unpacked and handed to the reconstruction.

use std::sync::Arc;
use std::time::Duration;

use skyscan_transport::{Link, PayloadId, ScanId};
use tokio::time::Instant;

use super::meters::Preparation;
use super::tables::Tables;
use crate::protocol::unpack_problem;
use crate::reco::{Reco, StopFlag};

/// How long to wait before a payload is asked for again; doubled each time, up to the longest.
const FETCH_AGAIN: Duration = Duration::from_millis(50);
const FETCH_AGAIN_LONGEST: Duration = Duration::from_secs(2);

/// Prepares the kernels for a scan. Fails with the reason that its tasks are to be rejected with.
pub(super) async fn prepare(
    link: Arc<dyn Link>,
    scan: ScanId,
    payload: PayloadId,
    reco: Arc<dyn Reco>,
    stop: StopFlag,
    told: Preparation,
) -> Result<Tables, String> {
    let begun = Instant::now();
    let mut pause = FETCH_AGAIN;
    let packed = loop {
        match link.fetch(scan, payload).await {
            Ok(packed) => break packed,
            Err(_) if stop.is_stopped() => return Err("the scan is gone".to_owned()),
            // The hub may not have published it yet, or be out of reach for a while; once it is
            // gone for good, the flag says so.
            Err(error) => tracing::debug!(%error, "could not fetch the payload yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(FETCH_AGAIN_LONGEST);
    };
    told.payload_bytes.increment(packed.len() as u64);
    if let Some(kernel) = reco.prepare_blindly() {
        return Ok(Tables::of(kernel));
    }
    let prepared = tokio::task::spawn_blocking(move || {
        let problem = unpack_problem(&packed).map_err(|error| error.to_string())?;
        Tables::prepare(reco, problem).map_err(|error| error.to_string())
    });
    let prepared = prepared
        .await
        .unwrap_or_else(|_| Err("the reconstruction panicked in preparation".to_owned()));
    told.seconds.record(begun.elapsed());
    prepared
}
