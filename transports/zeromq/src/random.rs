//! Randomness of the operating system: identities and jitter, nothing that enters a result.

/// Returns sixteen random bytes.
pub(crate) fn bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a random source the process id and an address still tell processes apart.
        let here = std::ptr::from_ref(&bytes).addr() as u64;
        bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
        bytes[8..].copy_from_slice(&here.to_le_bytes());
    }
    bytes
}

/// Returns a random number.
pub(crate) fn number() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
