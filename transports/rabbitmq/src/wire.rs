//! What travels through the broker: frames, and the entries inside those of a lane.
//!
//! `SKY`, the version, a CRC-32C of all that follows it, then a tag and its fields: little-endian,
//! lengths before bodies, no optional parts. A frame of another wire version, or one that was damaged
//! on the way, is refused whole; its lane sends it again, and what comes from a peer is never trusted
//! for a length, a count or a name.

mod door;
mod entry;
mod frame;
mod reader;

pub(crate) use door::{DoorFrame, Request, Sealed, Way, around};
pub(crate) use entry::{FromHub, FromProcess};
pub(crate) use frame::{Address, Frame, Lane, Scan};
pub(crate) use reader::Malformed;

/// Version of this file's layout, in every frame.
pub(crate) const WIRE: u8 = 3;

/// Largest frame that is decoded, in bytes: one body of the largest size and what is around it.
pub(crate) const MAX_FRAME_BYTES: usize = skyscan_transport::MAX_BODY_BYTES + (512 << 10);

/// Bytes of a payload in one chunk.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;
