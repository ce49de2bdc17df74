//! Decoders as the fuzzer calls them: of bytes that anybody may have sent.

use bytes::Bytes;
use skyscan_transport::backend::checksum;

use crate::wire::{Reader, WIRE_VERSION};

/// Reads a frame as a hub does: as it is, and as the records of one whose sum is right.
pub fn to_hub(bytes: &[u8]) {
    for frame in [Bytes::copy_from_slice(bytes), framed(bytes)] {
        if let Ok((_, mut reader)) = Reader::open(frame) {
            while let Ok(Some(_)) = reader.next_to_hub() {}
        }
    }
}

/// Reads a frame as links do.
pub fn to_links(bytes: &[u8]) {
    for frame in [Bytes::copy_from_slice(bytes), framed(bytes)] {
        if let Ok((_, mut reader)) = Reader::open(frame) {
            while let Ok(Some(_)) = reader.next_to_links() {}
        }
    }
}

/// A frame of these records.
fn framed(records: &[u8]) -> Bytes {
    let sequence = [0; 4];
    let sum = checksum(&[&sequence, records]).to_le_bytes();
    [&[WIRE_VERSION], sum.as_slice(), &sequence, records]
        .concat()
        .into()
}
