//! Payloads on their way, one transfer each, in a window of chunks.

use std::collections::HashMap;

use bytes::Bytes;
use skyscan_transport::{
    PayloadId, Result, ScanId, TransportError,
    backend::{Assembled, Assembly},
};
use tokio::sync::oneshot;

use super::{common::Common, line::Line};
use crate::{
    failure,
    wire::{CHUNK_BYTES, Malformed, UNKNOWN},
};

/// Chunks that are asked for and have not arrived.
const WINDOW: u64 = 4;

/// What is being transferred: each payload over one line, whoever waits for it (C7).
#[derive(Default)]
pub(super) struct Fetches {
    transfers: HashMap<(ScanId, PayloadId), Transfer>,
    /// Transfers whose line was lost.
    orphans: Vec<(ScanId, PayloadId)>,
}

struct Transfer {
    line: usize,
    assembly: Assembly,
    waiting: Vec<Waiting>,
}

/// Who waits for a payload.
struct Waiting {
    line: usize,
    answer: oneshot::Sender<Result<Bytes>>,
}

impl Fetches {
    /// Joins a transfer; returns whether it is new, and is to be begun over this line.
    fn join(&mut self, key: (ScanId, PayloadId), waiting: Waiting) -> bool {
        let begun = self.transfers.contains_key(&key);
        let line = waiting.line;
        let transfer = self.transfers.entry(key);
        transfer
            .or_insert_with(|| Transfer::over(line, key.1))
            .waiting
            .push(waiting);
        !begun
    }

    /// All hubs are lost to a line.
    pub(super) fn lose_line(&mut self, line: usize) {
        let lost = |_| failure("fetch a payload", true, zmq::Error::EHOSTUNREACH);
        self.lose(line, |_| true, lost);
    }

    /// A hub is down for a line.
    pub(super) fn lose_scan(&mut self, line: usize, scan: ScanId) {
        self.lose(line, |from| from == scan, TransportError::UnknownPayload);
    }

    fn lose(
        &mut self,
        line: usize,
        concerns: impl Fn(ScanId) -> bool,
        error: impl Fn(PayloadId) -> TransportError,
    ) {
        for (&(scan, payload), transfer) in &mut self.transfers {
            if !concerns(scan) {
                continue;
            }
            let waiting = &mut transfer.waiting;
            for waiting in waiting.extract_if(.., |waiting| waiting.line == line) {
                let _uninterested = waiting.answer.send(Err(error(payload)));
            }
            if transfer.line == line {
                self.orphans.push((scan, payload));
            }
        }
    }

    /// A transfer that has lost its line, to be begun anew over a line that waits for it.
    pub(super) fn next_orphan(&mut self) -> Option<(usize, ScanId, PayloadId)> {
        while let Some((scan, payload)) = self.orphans.pop() {
            let Some(transfer) = self.transfers.remove(&(scan, payload)) else {
                continue;
            };
            if let Some(line) = transfer.waiting.first().map(|waiting| waiting.line) {
                let anew = Transfer {
                    waiting: transfer.waiting,
                    ..Transfer::over(line, payload)
                };
                self.transfers.insert((scan, payload), anew);
                return Some((line, scan, payload));
            }
        }
        None
    }
}

impl Transfer {
    fn over(line: usize, payload: PayloadId) -> Self {
        Self {
            line,
            assembly: Assembly::new(payload),
            waiting: Vec::new(),
        }
    }

    fn end(self, result: impl Fn() -> Result<Bytes>) {
        for waiting in self.waiting {
            let _uninterested = waiting.answer.send(result());
        }
    }
}

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
