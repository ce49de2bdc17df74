//! How hub and workers are joined.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// How hub and workers are joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransportSetup {
    /// The backend.
    pub kind: Backend,
    /// Whether the workers of a process share a connection.
    #[serde(default)]
    pub connections: Connections,
    /// Backend of queue, for RabbitMQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// Whether the broker keeps messages on disk, for RabbitMQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Tasks that a slot may hold, the running one included.
    #[serde(default = "two")]
    pub credit: NonZeroU16,
    /// Tasks that the Scanner has out beyond what the workers may hold.
    #[serde(default = "eight")]
    pub spare_tasks: usize,
    /// Most tasks that the Scanner has out at a time; without a limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Time for which a peer may be silent before it is lost, in seconds.
    #[serde(default = "fifteen")]
    pub liveness_s: f64,
    /// Time for which a lease lives unless it is renewed, in seconds.
    #[serde(default = "sixty")]
    pub lease_term_s: f64,
}

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Inside one process.
    Memory,
    /// Over loopback.
    Zeromq,
    /// Over loopback, sealed, with keys of its own.
    ZeromqSealed,
    /// Through a broker of its own, over loopback.
    Rabbitmq,
}

/// Whether the workers of a process share a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// All workers of a process share one.
    #[default]
    Shared,
    /// Each worker has its own.
    Own,
}

/// Backend of a broker's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// On one node.
    Classic,
    /// Replicated.
    Quorum,
}

/// Whether a broker keeps messages on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// In memory.
    Transient,
    /// On disk.
    Persistent,
}

fn eight() -> usize {
    8
}

fn fifteen() -> f64 {
    15.0
}

fn sixty() -> f64 {
    60.0
}

fn two() -> NonZeroU16 {
    crate::actors::worker::LEASES_PER_SLOT
}
