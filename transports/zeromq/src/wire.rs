//! What crosses the wire: frames of records.
//!
//! A frame is one ZeroMQ message: `[version: u8][checksum: u32][sequence: u32]` and any number of
//! records, each `[kind: u8]` and its fields. All numbers are little-endian, `bytes` are
//! `[length: u32][..]`. The checksum is over all that follows it. The sequence counts the frames of
//! one session in one direction from 0: a gap means that frames were lost with a connection, and
//! ends the session, as does a frame that was damaged.
//!
//! Tasks and what becomes of them carry a sum of their own, over scan, task, attempt and body
//! ([`body_checksum`](skyscan_transport::backend::body_checksum)): it is made where the body is and
//! compared where the lease is, so that a right body under a wrong name is found, too.
//!
//! | to the hub | fields |
//! |---|---|
//! | 1 hello | process `[u8; 16]`: what a restarted session is known by |
//! | 2 link up | number u32, link u64, major u16, minor u16, worker `[u8; 16]`, credit u16, draining u8, hello bytes |
//! | 3 drain | number u32 |
//! | 4 link down | number u32, said goodbye u8 |
//! | 5 completed | number u32, token u64, by, sum u32, result bytes |
//! | 6 rejected | number u32, token u64, by, sum u32, reason bytes |
//! | 7 released | number u32, token u64 |
//! | 8 renew | number u32, token u64 |
//! | 9 ask | batch u32: which of the records 5-8 since the last ask were of lost leases? |
//! | 10 abandoned | number u32, token u64: released, nobody asks |
//! | 11 fetch | scan u64, payload `[u8; 32]`, offset u64, length u32 |
//! | 12 beat | |
//! | 13 goodbye | |
//! | 14 arrived | proof u32: of a chunk, and all before it |
//!
//! `by` is who did it: `[0: u8]` for the worker of the link, `[1: u8]` and `[u8; 16]` for another one.
//!
//! | to the links | fields |
//! |---|---|
//! | 33 terms | liveness in ms u32 |
//! | 34 hub up | scan u64, major u16, minor u16, priority u8, lease term in ms u64, welcome bytes |
//! | 35 hub down | scan u64 |
//! | 36 lease | number u32, token u64, scan u64, task u64, attempt u32, count u8 of workers to avoid, then each `[u8; 16]`, sum u32, body bytes |
//! | 37 answer | batch u32, count u32, then each lost record's index u32 |
//! | 38 notice | scan u64, body bytes |
//! | 39 chunk | scan u64, payload `[u8; 32]`, total u64 (all ones: unknown), offset u64, proof u32, bytes |
//! | 40 link gone | number u32: answer to link down |
//! | 41 beat | |
//! | 42 reset | the session is unknown or broken: begin a new one |
//!
//! Decoding never trusts a length: every read is checked against the frame, and nothing is
//! allocated by a number that a peer wrote.

mod read;
mod write;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use skyscan_transport::{
    LeaseToken, LinkId, MAX_AVOID, MAX_BODY_BYTES, PayloadId, Priority, ScanId, TaskId, Version,
    WorkerId,
};

pub(crate) use read::{Budget, Malformed, Reader};
pub(crate) use write::Writer;

/// Version of the frames. Peers of different versions refuse each other. Two bits away from those before
/// it (1, 2): one that is a flipped bit away is taken for damage at first.
pub(crate) const WIRE_VERSION: u8 = 4;

/// Bytes before the first record.
pub(crate) const HEADER_BYTES: usize = 9;

/// A frame is sent once it has grown to this, in bytes.
pub(crate) const FRAME_TARGET_BYTES: usize = 48 << 10;

/// Largest frame: the target, and one record of the largest body on top.
pub(crate) const MAX_FRAME_BYTES: usize =
    FRAME_TARGET_BYTES + MAX_BODY_BYTES + MAX_AVOID * size_of::<WorkerId>() + 128;

/// Bytes of a payload in one chunk.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// The total that says that a payload is unknown.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// A record on its way to the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToHub {
    Hello {
        process: [u8; 16],
    },
    LinkUp(LinkUp),
    Drain {
        number: u32,
    },
    LinkDown {
        number: u32,
        closed: bool,
    },
    Completed {
        number: u32,
        token: LeaseToken,
        worker: Option<WorkerId>,
        sum: u32,
        result: Bytes,
    },
    Rejected {
        number: u32,
        token: LeaseToken,
        worker: Option<WorkerId>,
        sum: u32,
        reason: String,
    },
    Released {
        number: u32,
        token: LeaseToken,
    },
    Renew {
        number: u32,
        token: LeaseToken,
    },
    Ask {
        batch: u32,
    },
    Abandoned {
        number: u32,
        token: LeaseToken,
    },
    Fetch {
        scan: ScanId,
        payload: PayloadId,
        offset: u64,
        length: u32,
    },
    Beat,
    Goodbye,
    Arrived {
        proof: u32,
    },
}

/// A link as its process announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkUp {
    /// Its number within the session.
    pub(crate) number: u32,
    pub(crate) link: LinkId,
    pub(crate) protocol: Version,
    pub(crate) worker: WorkerId,
    pub(crate) credit: u16,
    pub(crate) draining: bool,
    pub(crate) hello: Bytes,
}

/// A record on its way to the links of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToLinks {
    Terms {
        liveness_ms: u32,
    },
    HubUp {
        scan: ScanId,
        protocol: Version,
        priority: Priority,
        lease_term_ms: u64,
        welcome: Bytes,
    },
    HubDown {
        scan: ScanId,
    },
    Lease {
        number: u32,
        token: LeaseToken,
        scan: ScanId,
        task: TaskId,
        attempt: u32,
        avoid: Vec<WorkerId>,
        sum: u32,
        body: Bytes,
    },
    Answer {
        batch: u32,
        lost: Vec<u32>,
    },
    Notice {
        scan: ScanId,
        body: Bytes,
    },
    Chunk {
        scan: ScanId,
        payload: PayloadId,
        total: u64,
        offset: u64,
        /// Nobody knows it who has not got the chunk.
        proof: u32,
        bytes: Bytes,
    },
    LinkGone {
        number: u32,
    },
    Beat,
    Reset,
}

/// A message as it came: what is sliced from it keeps it, and nothing is copied.
pub(crate) fn frame(message: zmq::Message) -> Bytes {
    Bytes::from_owner(Received(message))
}

struct Received(zmq::Message);

impl AsRef<[u8]> for Received {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
