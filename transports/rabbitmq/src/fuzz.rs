//! Decoders as the fuzzer calls them: of bytes that anybody at the broker may have sent.

use bytes::Bytes;
use skyscan_transport::backend::checksum;

use crate::wire::{Frame, FromHub, FromProcess, WIRE};

/// Reads a frame: as it is, and as the rest of one whose sum is right; then what it carries.
pub fn frame(bytes: &[u8]) {
    let sum = checksum(&[bytes]).to_le_bytes();
    let framed = [b"SKY".as_slice(), &[WIRE], &sum, bytes].concat();
    for frame in [Bytes::copy_from_slice(bytes), framed.into()] {
        match Frame::decode(frame) {
            Ok(Frame::Up { entries, .. }) => drop(FromProcess::read_all(entries)),
            Ok(Frame::Down { entries, .. }) => drop(FromHub::read_all(entries)),
            _ => {}
        }
    }
}

/// Reads what a frame carries, on its way to a hub and from one.
pub fn entries(bytes: &[u8]) {
    drop(FromProcess::read_all(Bytes::copy_from_slice(bytes)));
    drop(FromHub::read_all(Bytes::copy_from_slice(bytes)));
}
