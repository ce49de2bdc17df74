//! Payloads on their way, one transfer each, and who waits for them.

use std::collections::HashMap;

use bytes::Bytes;
use skyscan_transport::{PayloadId, Result, ScanId, TransportError, backend::Assembly};
use tokio::sync::oneshot;

use crate::failure;

/// What is being transferred: each payload over one line, whoever waits for it (C7).
#[derive(Default)]
pub(super) struct Fetches {
    pub(super) transfers: HashMap<(ScanId, PayloadId), Transfer>,
    /// Transfers whose line was lost.
    orphans: Vec<(ScanId, PayloadId)>,
}

pub(super) struct Transfer {
    pub(super) line: usize,
    pub(super) assembly: Assembly,
    waiting: Vec<Waiting>,
}

/// Who waits for a payload.
pub(super) struct Waiting {
    pub(super) line: usize,
    pub(super) answer: oneshot::Sender<Result<Bytes>>,
}

impl Fetches {
    /// Joins a transfer; returns whether it is new, and is to be begun over this line.
    pub(super) fn join(&mut self, key: (ScanId, PayloadId), waiting: Waiting) -> bool {
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

    pub(super) fn end(self, result: impl Fn() -> Result<Bytes>) {
        for waiting in self.waiting {
            let _uninterested = waiting.answer.send(result());
        }
    }
}
