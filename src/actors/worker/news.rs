//! What a Worker tells whoever started it, as it happens.

use skyscan_transport::ScanId;
use tokio::sync::mpsc::UnboundedSender;

/// One thing that happened to a Worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It serves a scan from now on.
    Serves {
        /// The scan.
        scan: ScanId,
        /// The reconstruction that it asks for.
        reco: String,
    },
    /// Somebody is at the place who will have scans: the worker is where it should be.
    Stands {
        /// The hub, which is of no scan.
        scan: ScanId,
    },
    /// A scan went, whether or not it was served: it is over, or out of reach.
    Gone {
        /// The scan.
        scan: ScanId,
    },
    /// It met a scan that it can never serve, and goes on without it.
    Skips {
        /// The scan, where it is known.
        scan: Option<ScanId>,
        /// Why.
        reason: String,
    },
    /// The transport is in trouble, which may pass.
    Trouble(String),
}

/// Where news go, if anybody wants them.
#[derive(Debug)]
pub(super) struct Listener(pub(super) Option<UnboundedSender<News>>);

impl Listener {
    pub(super) fn tell(&self, news: News) {
        tracing::debug!(?news, "a worker's news");
        if let Some(listener) = &self.0 {
            // Who does not listen any more wants to know nothing.
            let _ = listener.send(news);
        }
    }
}
