//! Frames by hand, for peers that know the wire and keep to nothing else.

use skyscan_transport::{
    Priority, ScanId, TaskId, TaskKey, Version,
    backend::{body_checksum, checksum},
};

/// Version of the wire.
pub(crate) const WIRE: u8 = 4;

/// A frame with a true checksum.
pub(crate) fn frame(sequence: u32, records: &[Vec<u8>]) -> Vec<u8> {
    let mut rest = sequence.to_le_bytes().to_vec();
    rest.extend(records.concat());
    let mut frame = vec![WIRE];
    frame.extend(checksum(&[&rest]).to_le_bytes());
    frame.extend(rest);
    frame
}

pub(crate) fn hello(process: u8) -> Vec<u8> {
    [vec![1], vec![process; 16]].concat()
}

pub(crate) fn fetch(scan: u64, payload: [u8; 32], offset: u64) -> Vec<u8> {
    let length = u32::MAX.to_le_bytes().to_vec();
    [
        vec![11],
        scan.to_le_bytes().to_vec(),
        payload.to_vec(),
        offset.to_le_bytes().to_vec(),
        length,
    ]
    .concat()
}

pub(crate) fn beat() -> Vec<u8> {
    vec![12]
}

pub(crate) fn arrived(proof: u32) -> Vec<u8> {
    [vec![14], proof.to_le_bytes().to_vec()].concat()
}

pub(crate) fn terms(liveness_ms: u32) -> Vec<u8> {
    [vec![33], liveness_ms.to_le_bytes().to_vec()].concat()
}

pub(crate) fn hub_up(scan: u64, protocol: Version, welcome: &[u8]) -> Vec<u8> {
    [
        vec![34],
        scan.to_le_bytes().to_vec(),
        protocol.major.to_le_bytes().to_vec(),
        protocol.minor.to_le_bytes().to_vec(),
        vec![Priority::NORMAL.0],
        60_000_u64.to_le_bytes().to_vec(),
        body(welcome),
    ]
    .concat()
}

/// A lease for link 0.
pub(crate) fn lease(scan: u64, task: u64, text: &[u8]) -> Vec<u8> {
    let key = TaskKey {
        scan: ScanId(scan),
        task: TaskId(task),
    };
    [
        vec![36],
        0_u32.to_le_bytes().to_vec(),
        task.to_le_bytes().to_vec(),
        scan.to_le_bytes().to_vec(),
        task.to_le_bytes().to_vec(),
        1_u32.to_le_bytes().to_vec(),
        // No worker is avoided.
        vec![0],
        body_checksum(key, 1, text).to_le_bytes().to_vec(),
        body(text),
    ]
    .concat()
}

/// Proof and length of the chunk that a frame begins with, if it does.
pub(crate) fn chunk(frame: &[u8]) -> Option<(u32, usize)> {
    let mut record = frame.get(9..)?;
    // A sign of life may stand before it in the same frame.
    while let Some(rest) = record.strip_prefix(&[41]) {
        record = rest;
    }
    let record = record.strip_prefix(&[39])?;
    let number = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    // Behind scan, payload, total and offset.
    Some((number(56)?, number(60)? as usize))
}

fn body(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_le_bytes();
    [length.to_vec(), bytes.to_vec()].concat()
}
