//! What this process tells of itself: each of its two sides, and the connections that they share.

use std::sync::Arc;

use skyscan_transport::{
    Traffic,
    backend::{Counts, Meters, Side, Totals},
};

use crate::{NAME, wire::Frame};

#[derive(Debug)]
pub(crate) struct Told {
    totals: Arc<Totals>,
    hub_counts: Counts,
    link_counts: Counts,
    /// Given to every hub of the process.
    pub(crate) hub: Arc<Meters>,
    pub(crate) link: Meters,
    pub(crate) shared: Meters,
}

impl Told {
    pub(crate) fn new(totals: Arc<Totals>) -> Self {
        Self {
            hub_counts: Counts::new(NAME, Side::Hub, Arc::clone(&totals)),
            link_counts: Counts::new(NAME, Side::Link, Arc::clone(&totals)),
            totals,
            hub: Arc::new(Meters::new(NAME, Side::Hub)),
            link: Meters::new(NAME, Side::Link),
            shared: Meters::new(NAME, Side::Shared),
        }
    }

    pub(crate) fn sent(&self, frame: &Frame, n_bytes: usize) {
        match frame.is_from_hub() {
            true => self.hub_counts.sent(n_bytes),
            false => self.link_counts.sent(n_bytes),
        }
    }

    pub(crate) fn received(&self, frame: &Frame, n_bytes: usize) {
        match frame.is_from_hub() {
            true => self.link_counts.received(n_bytes),
            false => self.hub_counts.received(n_bytes),
        }
    }

    pub(crate) fn payload_received(&self) {
        self.link_counts.payload_received();
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.totals.read()
    }
}
