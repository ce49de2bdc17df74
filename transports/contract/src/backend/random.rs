//! Randomness of the operating system: names that nobody else has, and jitter. It enters no result.

use std::hash::{BuildHasher, RandomState};

/// Draws sixteen bytes. Where the system has no source of randomness, the process's own id and the
/// seed of the standard library's hasher still tell processes apart.
pub fn bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let here = (std::process::id(), std::ptr::from_ref(&bytes).addr());
        for half in bytes.chunks_mut(8) {
            half.copy_from_slice(&RandomState::new().hash_one(here).to_le_bytes());
        }
    }
    bytes
}

/// Draws a number.
pub fn number() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
