//! How the hubs of the zone are opened and closed.

use std::{sync::Arc, time::Duration};

use skyscan_transport::{Hub, HubConfig, HubInbox, Result, TransportError};

use crate::{
    event::{self, Done, ZoneHub},
    relay::Relay,
    source::Above,
    zone::Next,
};

/// How long to wait before a hub of the zone is opened again that could not be.
const OPEN_AGAIN: Duration = Duration::from_secs(1);

/// Tasks that may wait in the zone. Credit bounds them already, to far fewer.
const BACKLOG: usize = 1 << 20;

impl Relay {
    /// A hub of the zone is open, or cannot be.
    pub(crate) fn zone_hub_opened(
        &mut self,
        at: ZoneHub,
        opened: Result<(Arc<dyn Hub>, HubInbox)>,
    ) -> Result<()> {
        let next = match opened {
            Ok((hub, inbox)) => {
                self.events.push(event::below(at, inbox));
                self.zone.opened(at, hub)
            }
            // The zone's broker may come back, an earlier relay's hub may be forgotten.
            Err(error) if error.is_transient() || is_taken(&error) => {
                let (zone, scan) = (&self.config.zone, at.scan.0);
                tracing::warn!(zone, scan, %error, "cannot serve the zone yet, tries again");
                self.doing.push(Box::pin(async move {
                    tokio::time::sleep(OPEN_AGAIN).await;
                    Done::Closed(at)
                }));
                Next::Nothing
            }
            Err(error) => return Err(error),
        };
        self.go_on(next);
        self.submit(at.scan);
        Ok(())
    }

    /// A hub of the zone has ended, by itself or because it was asked to.
    pub(crate) fn zone_hub_ended(&mut self, at: ZoneHub) {
        if self.zone.is_current(at) {
            self.tasks.not_in_zone(at.scan);
            self.forget_links(at.scan);
        }
        let next = self.zone.ended(at);
        self.go_on(next);
    }

    /// Opens or closes a hub of the zone.
    pub(crate) fn go_on(&mut self, next: Next) {
        match next {
            Next::Nothing => {}
            Next::Close(at, hub) => self.doing.push(Box::pin(async move {
                // A hub that ended by itself is closed.
                let _ended = hub.close().await;
                Done::Closed(at)
            })),
            Next::Open(..) if self.is_stopping => {}
            Next::Open(at, told) => {
                let below = Arc::clone(&self.below);
                let opening = Arc::clone(&self.opening);
                let config = HubConfig {
                    scan: at.scan,
                    protocol: self.config.protocol,
                    welcome: told.welcome,
                    backlog: BACKLOG,
                    liveness: self.config.liveness,
                    lease_term: self.config.lease_term,
                    payloads: Some(Arc::new(Above {
                        link: Arc::clone(&self.own),
                        scan: at.scan,
                    })),
                    priority: told.priority,
                };
                self.doing.push(Box::pin(async move {
                    let _turn = opening.lock().await;
                    Done::Opened(at, below.open_hub(config).await)
                }));
            }
        }
    }
}

fn is_taken(error: &TransportError) -> bool {
    matches!(error, TransportError::ScanInUse(_))
}
