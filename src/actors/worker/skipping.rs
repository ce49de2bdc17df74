//! What a Worker does about scans that it can never serve, and about trouble: it goes on with the others.
//!
//! Decision: A worker skips what it cannot serve (`docs/decisions.md`).

use std::time::Duration;

use actix::{AsyncContext, Context};
use skyscan_transport::{Lease, ScanId, TransportError};

use super::meters::Cause;
use super::{News, Worker};

/// How long leases of a scan that is skipped are kept: a hub that leases them to the next one at once
/// may be leasing them to this one again.
const GIVE_BACK_AFTER: Duration = Duration::from_millis(200);

impl Worker {
    /// A scan that can never be served: others still are.
    pub(super) fn skip(&mut self, scan: ScanId, cause: Cause, reason: String) {
        self.meters.skipped(cause);
        self.skipped.insert(scan);
        let scan = Some(scan);
        self.news.tell(News::Skips { scan, reason });
    }

    /// Gives leases of a scan that is skipped to others, after a while.
    pub(super) fn give_back(&mut self, leases: Vec<Lease>, context: &mut Context<Self>) {
        if leases.is_empty() {
            return;
        }
        context.run_later(GIVE_BACK_AFTER, |actor, context| {
            let released = leases.into_iter().map(Lease::released);
            actor.settlements.extend(released);
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
