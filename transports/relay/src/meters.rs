//! What a relay tells of itself, beside what its two transports tell of theirs
//! ([`meters`](skyscan_transport::backend::meters): side `link` above, side `hub` below). Each has
//! the label `zone`.
//!
//! | name | kind | meaning |
//! |---|---|---|
//! | `skyscan_relay_tasks_held` | gauge | leased above and not handed up |
//! | `skyscan_relay_links` | gauge | links of the zone for which one is open above |
//! | `skyscan_relay_results_total` | counter | outcomes that hubs above have taken |
//! | `skyscan_relay_results_lost_total` | counter | outcomes whose leases were lost above before |

use std::fmt;

use metrics::{Counter, Gauge, counter, gauge};

pub(crate) struct Meters {
    pub(crate) held: Gauge,
    pub(crate) links: Gauge,
    pub(crate) results: Counter,
    pub(crate) lost: Counter,
}

impl Meters {
    pub(crate) fn new(zone: &str) -> Self {
        let zone = zone.to_owned();
        Self {
            held: gauge!("skyscan_relay_tasks_held", "zone" => zone.clone()),
            links: gauge!("skyscan_relay_links", "zone" => zone.clone()),
            results: counter!("skyscan_relay_results_total", "zone" => zone.clone()),
            lost: counter!("skyscan_relay_results_lost_total", "zone" => zone),
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
