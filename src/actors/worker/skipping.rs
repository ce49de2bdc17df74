//! What a Worker does about scans that it can never serve, and about trouble: it goes on with the others.
//!
//! Decision: A worker skips what it cannot serve (`docs/decisions.md`).

use std::time::Duration;

use actix::{AsyncContext, Context};
use skyscan_transport::{Lease, ScanId, TransportError};

use super::meters::Cause;
use super::{News, Worker};
use crate::protocol::Report;

/// How long leases of a scan that is skipped are kept: where nobody else is, they may come again at once.
const ANSWERED_AFTER: Duration = Duration::from_millis(200);

impl Worker {
    /// A scan that can never be served: others still are.
    pub(super) fn skip(&mut self, scan: ScanId, cause: Cause, reason: String) {
        self.meters.skipped(cause);
        self.skipped.insert(scan, reason.clone());
        let scan = Some(scan);
        self.news.tell(News::Skips { scan, reason });
    }

    /// Says of leases of scans that are skipped that others should have them, after a while. Given back without a word
    /// they would stay in the zone of a relay, whose Scanner could not know.
    pub(super) fn turn_down(&mut self, leases: Vec<Lease>, context: &mut Context<Self>) {
        if leases.is_empty() {
            return;
        }
        context.run_later(ANSWERED_AFTER, |actor, context| {
            for lease in leases {
                // A scan that is over meanwhile has lost its leases.
                if let Some(reason) = actor.skipped.get(&lease.key().scan) {
                    let report = Report::not_served(reason, lease.attempt() > 1);
                    actor.settle_unbegun(lease, report);
                }
            }
            actor.settle(context);
        });
    }

    /// What a foreign hub says or a connection suffers is no reason to leave the others.
    pub(super) fn hear_trouble(&mut self, error: TransportError, context: &mut Context<Self>) {
        match Meaning::of(&error) {
            Meaning::Passing => self.news.tell(News::Trouble(error.to_string())),
            Meaning::Misplaced if self.scans.is_empty() => self.end(Err(error.into()), context),
            Meaning::Foreign | Meaning::Misplaced => {
                self.meters.skipped(Cause::Protocol);
                let reason = error.to_string();
                self.news.tell(News::Skips { scan: None, reason });
            }
            Meaning::Broken => self.end(Err(error.into()), context),
        }
    }
}

/// What an error in the inbox means.
#[derive(Debug)]
enum Meaning {
    /// It may pass by itself.
    Passing,
    /// A hub is of another version, or has keys that this end lacks, and is never served; others at this place may be.
    Foreign,
    /// The only hub that can be at this place speaks another version of the wire, and so will whoever
    /// comes after it.
    Misplaced,
    /// Nothing more comes.
    Broken,
}

impl Meaning {
    fn of(error: &TransportError) -> Self {
        match error {
            TransportError::ProtocolMismatch { .. } | TransportError::Keyless { .. } => {
                Self::Foreign
            }
            TransportError::WireMismatch {
                beside_others: true,
                ..
            } => Self::Foreign,
            TransportError::WireMismatch { .. } => Self::Misplaced,
            error if error.is_transient() => Self::Passing,
            _ => Self::Broken,
        }
    }
}

/// As much of a peer's word as fits into a line.
pub(super) fn shortened(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(100)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}
