//! What every backend with a wire tells of itself: one list of names, through the `metrics` facade.
//!
//! Every metric has the labels `transport` (the backend's name) and `side`: what a `hub` or a
//! `link` end of this process does, or what both ends have in common (`shared`: the connections to a
//! broker). Handles go to the recorder that is installed where a hub or link is first opened (where
//! the transport is made, with RabbitMQ). Gauges of several transports in one process add up, and
//! what a transport has added goes with it.
//!
//! | name | kind, more labels | meaning | side |
//! |---|---|---|---|
//! | `skyscan_transport_messages_total` | counter, `direction` = in, out | frames | hub, link |
//! | `skyscan_transport_bytes_total` | counter, `direction` = in, out | their bytes | hub, link |
//! | `skyscan_transport_rejected_messages_total` | counter, `reason` | what was refused of a peer, see below | hub, link; shared with RabbitMQ |
//! | `skyscan_transport_redelivered_total` | counter | leases of tasks that were leased before | hub |
//! | `skyscan_transport_queue_messages` | gauge, `queue` = ready | tasks that wait for a link | hub |
//! | `skyscan_credit_outstanding` | gauge | leases that are out | hub |
//! | `skyscan_credit_limit` | gauge | leases that its links may hold | hub |
//! | `skyscan_transport_links` | gauge | links that serve; links that are open | hub; link |
//! | `skyscan_transport_links_lost_total` | counter | links that vanished | hub |
//! | `skyscan_transport_unconfirmed_messages` | gauge | sent, and not known to have arrived: settlements (ZeroMQ), frames (RabbitMQ) | link; shared |
//! | `skyscan_transport_connections` | gauge | sessions (ZeroMQ), connections to the broker (RabbitMQ) | hub, link; shared |
//! | `skyscan_transport_connections_opened_total` | counter | | hub, link; shared |
//! | `skyscan_transport_connections_closed_total` | counter, `cause` = clean, lost | | hub, link; shared |
//! | `skyscan_transport_reconnects_total` | counter | connections found again after a loss | link; shared |
//! | `skyscan_transport_nacks_total` | counter | frames that the broker refused | shared (RabbitMQ) |
//! | `skyscan_transport_blocked` | gauge | 1 while the broker takes no frames | shared (RabbitMQ) |
//! | `skyscan_transport_auth_failures_total` | counter | logins that the broker refused | shared (RabbitMQ) |
//!
//! Reasons for which something is refused: `malformed`, `oversize`, `version` (of the wire),
//! `unknown_peer` (no session), `damaged` (another checksum), `foreign` (a hub beside the one that is
//! served under its name, or of another major beside one that is served), `silent` (a connection
//! without a hello), and what is over the budget of a peer or of all together: `fetches`, `queued`
//! bytes, `links`, `processes`, `hubs`, `leases`, `reason` (too long, cut). Of sealed messages: `unopened` (changed, or
//! sealed with another key), `repeated`, `unsealed` (not sealed, where keys are), `keyless` (sealed, where none are).
//!
//! The memory backend has no wire and tells nothing.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use metrics::{Counter, Gauge, Label, counter, gauge};

/// Whose doing a metric tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The hubs of this process.
    Hub,
    /// The links of this process.
    Link,
    /// What both share.
    Shared,
}

impl Side {
    fn label(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Link => "link",
            Self::Shared => "shared",
        }
    }
}

/// The events and levels of one side; see the module's table.
pub struct Meters {
    /// Leases of tasks that were leased before.
    pub redelivered: Counter,
    /// Frames that the broker refused.
    pub nacks: Counter,
    /// Connections that came up.
    pub opened: Counter,
    /// Connections that ended with a goodbye.
    pub closed: Counter,
    /// Connections that broke or fell silent.
    pub lost: Counter,
    /// Connections found again after a loss.
    pub reconnects: Counter,
    /// Links that vanished.
    pub links_lost: Counter,
    /// Frames that cannot be read.
    pub malformed: Counter,
    /// Frames over the limit.
    pub oversize: Counter,
    /// Frames of another version of the wire.
    pub version: Counter,
    /// Frames of a session that is not known.
    pub unknown_peer: Counter,
    /// Frames and bodies whose checksum does not fit.
    pub damaged: Counter,
    /// Hubs that are not those they seem to be.
    pub foreign: Counter,
    /// Connections that said no hello in time.
    pub silent: Counter,
    /// Parts of payloads asked for beyond the budget.
    pub fetches: Counter,
    /// Sessions for which too much waited.
    pub queued: Counter,
    /// Links beyond the budget.
    pub links_over: Counter,
    /// Processes or connections beyond the budget.
    pub processes_over: Counter,
    /// Hubs beyond the budget.
    pub hubs_over: Counter,
    /// Leases, or credit, beyond what a link may hold.
    pub leases_over: Counter,
    /// Reasons of rejections that were cut.
    pub reasons_cut: Counter,
    /// Seals that cannot be opened.
    pub unopened: Counter,
    /// Sealed frames that have been here before.
    pub repeated: Counter,
    /// Frames that are not sealed, where there are keys.
    pub unsealed: Counter,
    /// Frames that are sealed, where there are no keys.
    pub keyless: Counter,
    /// Logins that the broker refused.
    pub auth_failures: Counter,
    /// Connections that are up.
    pub connections: Level,
    /// Links that are up.
    pub links: Level,
    /// Tasks that wait for a link.
    pub ready: Level,
    /// Leases that are out.
    pub leased: Level,
    /// Leases that may be out.
    pub credit: Level,
    /// What is not known to have arrived.
    pub unconfirmed: Level,
    /// Whether the broker takes no frames.
    pub blocked: Level,
}

impl Meters {
    /// Registers the metrics of one side at the recorder that is installed here and now.
    pub fn new(transport: &'static str, side: Side) -> Self {
        let plain = labels(transport, side);
        let counter = |name: &'static str| counter!(name, plain.clone());
        let level = |name: &'static str| Level::new(gauge!(name, plain.clone()));
        let with = |key: &'static str, value: &'static str| {
            let mut labels = plain.clone();
            labels.push(Label::from_static_parts(key, value));
            labels
        };
        let closed = |cause| {
            counter!(
                "skyscan_transport_connections_closed_total",
                with("cause", cause)
            )
        };
        let rejected = |reason| {
            counter!(
                "skyscan_transport_rejected_messages_total",
                with("reason", reason)
            )
        };
        Self {
            redelivered: counter("skyscan_transport_redelivered_total"),
            nacks: counter("skyscan_transport_nacks_total"),
            opened: counter("skyscan_transport_connections_opened_total"),
            closed: closed("clean"),
            lost: closed("lost"),
            reconnects: counter("skyscan_transport_reconnects_total"),
            links_lost: counter("skyscan_transport_links_lost_total"),
            malformed: rejected("malformed"),
            oversize: rejected("oversize"),
            version: rejected("version"),
            unknown_peer: rejected("unknown_peer"),
            damaged: rejected("damaged"),
            foreign: rejected("foreign"),
            silent: rejected("silent"),
            fetches: rejected("fetches"),
            queued: rejected("queued"),
            links_over: rejected("links"),
            processes_over: rejected("processes"),
            hubs_over: rejected("hubs"),
            leases_over: rejected("leases"),
            reasons_cut: rejected("reason"),
            unopened: rejected("unopened"),
            repeated: rejected("repeated"),
            unsealed: rejected("unsealed"),
            keyless: rejected("keyless"),
            auth_failures: counter("skyscan_transport_auth_failures_total"),
            connections: level("skyscan_transport_connections"),
            links: level("skyscan_transport_links"),
            ready: Level::new(gauge!(
                "skyscan_transport_queue_messages",
                with("queue", "ready")
            )),
            leased: level("skyscan_credit_outstanding"),
            credit: level("skyscan_credit_limit"),
            unconfirmed: level("skyscan_transport_unconfirmed_messages"),
            blocked: level("skyscan_transport_blocked"),
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

pub(super) fn labels(transport: &'static str, side: Side) -> Vec<Label> {
    vec![
        Label::from_static_parts("transport", transport),
        Label::from_static_parts("side", side.label()),
    ]
}

/// One holder's part of a gauge to which others of the process add theirs; taken back when dropped.
pub struct Level {
    gauge: Gauge,
    /// What the gauge has of this holder.
    reported: AtomicU64,
}

impl Level {
    fn new(gauge: Gauge) -> Self {
        // Shown from the beginning.
        gauge.increment(0.0);
        Self {
            gauge,
            reported: AtomicU64::new(0),
        }
    }

    /// Sets this holder's part.
    pub fn set(&self, level: usize) {
        let level = level as u64;
        let reported = self.reported.swap(level, Ordering::Relaxed);
        if level > reported {
            self.gauge.increment((level - reported) as f64);
        } else if level < reported {
            self.gauge.decrement((reported - level) as f64);
        }
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Level").field(&self.reported).finish()
    }
}
