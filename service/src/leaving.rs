//! Doors that answers go out by: a webhook and a program, both of the operator's.
//!
//! The [`Outbox`] keeps each letter until every [`Receiver`] has it.

mod outbox;
mod program;
mod webhook;

use std::fmt::Debug;
use std::time::Duration;

use crate::doors::{Moment, Stop};

pub use outbox::{Outbox, OutboxError};
pub use program::TellProgram;
pub use webhook::{BadWebhook, Secret, Webhook};

/// Somebody who is told of scans.
pub trait Receiver: Debug + Send + Sync + 'static {
    /// Under which name letters wait for it. It stays the same when its address changes: what could
    /// not be delivered because of a wrong address goes to the right one.
    fn name(&self) -> &str;

    /// Hands a letter over, which may take seconds; called by several threads. Once the service
    /// ends it should come back soon, if need be without having handed it over.
    ///
    /// # Errors
    /// If the letter was not taken.
    fn hand_over(&self, letter: &Outgoing, stop: &Stop) -> Result<(), NotDelivered>;
}

/// A letter on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The same however often it is handed over.
    pub id: String,
    /// The scan that it is about.
    pub scan: String,
    /// Why there is something to tell.
    pub moment: Moment,
    /// JSON, the `body` of the [`Letter`](crate::doors::Letter); the same bytes however often it is
    /// handed over.
    pub body: String,
}

/// Why a letter was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// It is tried again.
    Now {
        /// What went wrong.
        why: String,
        /// How long the receiver wants to be left alone, with all letters.
        wait: Option<Duration>,
    },
    /// It is not wanted.
    Ever(String),
}

impl NotDelivered {
    /// It is tried again when it is due.
    pub fn now(why: impl Into<String>) -> Self {
        Self::Now {
            why: why.into(),
            wait: None,
        }
    }
}
