//! Payloads over one line: asked for in a window of chunks, put together as they arrive.

use bytes::Bytes;
use skyscan_transport::{PayloadId, Result, ScanId, TransportError, backend::Assembled};
use tokio::sync::oneshot;

use super::{
    common::Common,
    fetches::{Transfer, Waiting},
    line::Line,
};
use crate::wire::{CHUNK_BYTES, Malformed, UNKNOWN};

/// Chunks that are asked for and have not arrived.
const WINDOW: u64 = 4;

impl Line {
    pub(super) fn fetch(
        &mut self,
        common: &mut Common,
        scan: ScanId,
        payload: PayloadId,
        answer: oneshot::Sender<Result<Bytes>>,
    ) {
        let kept = common.shared.cache.lock().get(payload);
        let outcome = match kept {
            Some(kept) => Ok(kept),
            None if self.hubs.contains_key(&scan) => {
                let line = self.at;
                if common
                    .fetches
                    .join((scan, payload), Waiting { line, answer })
                {
                    self.ask_for(scan, payload, 0);
                }
                return;
            }
            None => Err(TransportError::UnknownPayload(payload)),
        };
        let _uninterested = answer.send(outcome);
    }

    pub(super) fn ask_for(&mut self, scan: ScanId, payload: PayloadId, offset: u64) {
        if let Some(session) = &mut self.session {
            session
                .writer
                .fetch(scan, payload, offset, CHUNK_BYTES as u32);
        }
    }

    pub(super) fn chunk(
        &mut self,
        common: &mut Common,
        scan: ScanId,
        payload: PayloadId,
        total: u64,
        offset: u64,
        bytes: &[u8],
    ) -> std::result::Result<(), Malformed> {
        let key = (scan, payload);
        // The rest of a window whose transfer has ended.
        let transfers = &mut common.fetches.transfers;
        let known = transfers.get_mut(&key);
        let Some(transfer) = known.filter(|transfer| transfer.line == self.at) else {
            return Ok(());
        };
        if total == UNKNOWN {
            if let Some(transfer) = transfers.remove(&key) {
                transfer.end(|| Err(TransportError::UnknownPayload(payload)));
            }
            return Ok(());
        }
        let outcome = match transfer.assembly.take(offset, total, bytes) {
            Assembled::Misplaced => return Err(Malformed::Stranger),
            Assembled::More => None,
            Assembled::Whole(whole) => Some(Ok(whole)),
            Assembled::Damaged => Some(Err(())),
        };
        let arrived_now = transfer.assembly.n_arrived();
        if let Some(outcome) = outcome {
            if let Some(transfer) = transfers.remove(&key) {
                complete(common, payload, transfer, outcome);
            }
            return Ok(());
        }
        // The first chunk tells the length and opens the window; then every chunk moves it on.
        let window = WINDOW * CHUNK_BYTES as u64;
        let mut next = if offset == 0 {
            arrived_now
        } else {
            offset + window
        };
        while next < total && next <= offset + window {
            self.ask_for(scan, payload, next);
            next += CHUNK_BYTES as u64;
        }
        Ok(())
    }
}

fn complete(
    common: &Common,
    payload: PayloadId,
    transfer: Transfer,
    outcome: std::result::Result<Bytes, ()>,
) {
    let Ok(bytes) = outcome else {
        return transfer.end(|| Err(TransportError::DamagedPayload(payload)));
    };
    common.counts.payload_received();
    common.shared.cache.lock().keep(payload, bytes.clone());
    transfer.end(|| Ok(bytes.clone()));
}
