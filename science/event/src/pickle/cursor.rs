//! The bytes of a pickle, taken from front to back.

use super::refused;
use crate::read_error::Cause;

/// What is left of a pickle.
pub(super) struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(pickle: &'a [u8]) -> Self {
        Self { left: pickle }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// A name, which ends with its line.
    pub(super) fn line(&mut self) -> Result<&'a str, Cause> {
        let end = self.left.iter().position(|b| *b == b'\n');
        let end = end.ok_or(Cause::Truncated("the pickle"))?;
        let line = self.bytes(end as u64)?;
        self.u8()?;
        std::str::from_utf8(line).map_err(|_| refused("has a name that is not UTF-8"))
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], Cause> {
        let split = usize::try_from(length)
            .ok()
            .and_then(|n| self.left.split_at_checked(n));
        let (taken, left) = split.ok_or(Cause::Truncated("the pickle"))?;
        self.left = left;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Cause> {
        let (taken, left) = self
            .left
            .split_first_chunk()
            .ok_or(Cause::Truncated("the pickle"))?;
        self.left = left;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Cause> {
        Ok(self.array::<1>()?[0])
    }

    /// A little-endian number without sign, of up to 8 bytes.
    pub(super) fn number(&mut self, size: usize) -> Result<u64, Cause> {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(self.bytes(size as u64)?);
        Ok(u64::from_le_bytes(wide))
    }
}
