//! How large what a wire carries may be.

use crate::{Result, TransportError};

/// Largest body of a task, result, reason, notice, hello or welcome, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Largest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 20;

/// Refuses what is over a limit, both in bytes; for backends.
///
/// # Errors
/// [`TransportError::FrameTooLarge`].
pub fn check_size(size: usize, limit: usize) -> Result<()> {
    match size > limit {
        true => Err(TransportError::FrameTooLarge { size, limit }),
        false => Ok(()),
    }
}
