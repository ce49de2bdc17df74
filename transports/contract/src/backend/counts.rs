//! What crosses the wire: for [`Traffic`] of the process, and for the metrics of each side.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, counter};

use super::meters::{Side, labels};
use crate::Traffic;

/// Sums over both sides of one process.
#[derive(Debug, Default)]
pub struct Totals {
    messages_sent: AtomicU64,
    messages_received: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    payloads_received: AtomicU64,
}

impl Totals {
    /// What was moved so far.
    pub fn read(&self) -> Traffic {
        Traffic {
            messages_sent: self.messages_sent.load(Ordering::Relaxed),
            messages_received: self.messages_received.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
            payloads_received: self.payloads_received.load(Ordering::Relaxed),
        }
    }
}

/// Counts what one side of a process sends and receives.
pub struct Counts {
    totals: Arc<Totals>,
    messages: [Counter; 2],
    bytes: [Counter; 2],
}

impl Counts {
    /// Registers the counters of one side at the recorder that is installed here and now.
    pub fn new(transport: &'static str, side: Side, totals: Arc<Totals>) -> Self {
        let moved = |name: &'static str| {
            ["out", "in"].map(|direction| {
                let mut labels = labels(transport, side);
                labels.push(metrics::Label::from_static_parts("direction", direction));
                counter!(name, labels)
            })
        };
        Self {
            totals,
            messages: moved("skyscan_transport_messages_total"),
            bytes: moved("skyscan_transport_bytes_total"),
        }
    }

    /// A frame was put on the wire.
    pub fn sent(&self, n_bytes: usize) {
        let n_bytes = n_bytes as u64;
        self.totals.messages_sent.fetch_add(1, Ordering::Relaxed);
        self.totals.bytes_sent.fetch_add(n_bytes, Ordering::Relaxed);
        self.messages[0].increment(1);
        self.bytes[0].increment(n_bytes);
    }

    /// A frame was taken from the wire.
    pub fn received(&self, n_bytes: usize) {
        let n_bytes = n_bytes as u64;
        self.totals
            .messages_received
            .fetch_add(1, Ordering::Relaxed);
        self.totals
            .bytes_received
            .fetch_add(n_bytes, Ordering::Relaxed);
        self.messages[1].increment(1);
        self.bytes[1].increment(n_bytes);
    }

    /// A payload is complete in this process.
    pub fn payload_received(&self) {
        self.totals
            .payloads_received
            .fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}
