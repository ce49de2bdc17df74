//! What a table says of a lease that begins, and of one that ends.

use bytes::Bytes;

use super::LinkSlot;
use crate::{LeaseToken, TaskKey, WorkerId};

/// A new lease.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who gets it.
    pub link: LinkSlot,
    /// Its name.
    pub token: LeaseToken,
    /// The task.
    pub key: TaskKey,
    /// One more than the number of its leases that were lost before.
    pub attempt: u32,
    /// Whether the task was leased before, however that lease ended.
    pub is_again: bool,
    /// The task's body.
    pub body: Bytes,
    /// The workers that the task avoids.
    pub avoid: Vec<WorkerId>,
}

/// What the table knew of a lease that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// The task.
    pub key: TaskKey,
    /// The attempt that ended.
    pub attempt: u32,
}
