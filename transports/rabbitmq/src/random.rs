//! Names that nobody else has.

/// Draws a number. Without a source of randomness the process's own clock and id have to do.
pub(crate) fn draw() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one((std::process::id(), tokio::time::Instant::now()))
    })
}
