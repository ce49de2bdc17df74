//! Names of things on the wire. All are opaque to a transport.
//!
//! Decision: A worker has a name of its own (`docs/decisions.md`).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::backend::random;

/// One scan, chosen by its Scanner; unique among the hubs that are open at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScanId(pub u64);

/// One task within a scan, chosen by its Scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// A task as a link sees it: several scans may share one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey {
    /// The scan that the task belongs to.
    pub scan: ScanId,
    /// The task within that scan.
    pub task: TaskId,
}

/// One link, unique among all links of all processes of a place (random where no hub assigns it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// One worker, drawn at random by each process of a Worker when it starts: what tells one worker from
/// another where several links, or a relay, stand between.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub [u8; 16]);

impl WorkerId {
    /// Draws an id that no other worker has.
    pub fn random() -> Self {
        Self(random::bytes())
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerId({self})")
    }
}

/// One lease. Never used again for another lease of the same settler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseToken(pub u64);

/// SHA-256 of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadId(pub [u8; 32]);

impl PayloadId {
    /// Returns the id of these bytes.
    pub fn of(payload: &[u8]) -> Self {
        Self(Sha256::digest(payload).into())
    }
}

impl fmt::Display for PayloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PayloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadId({self})")
    }
}

/// Version of the messages inside the bodies, compared in the handshake.
///
/// Peers of one major understand each other; a minor only adds what the other may ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Different majors refuse each other.
    pub major: u16,
    /// Told to the other side, never refused.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::PayloadId;

    #[test]
    fn payload_id_is_the_sha256_of_the_bytes() {
        assert_eq!(
            PayloadId::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
