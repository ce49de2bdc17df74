//! Reads what a peer wrote, and believes nothing.

use bytes::{Buf, Bytes};
use skyscan_transport_keys::NotOpened;

/// A frame that does not say what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("frame ends early")]
    Short,
    #[error("frame has bytes left over")]
    Long,
    #[error("frame of {0} bytes is over the limit")]
    Oversized(usize),
    #[error("frame is of another wire version")]
    Version,
    #[error("frame was damaged on the way")]
    Damaged,
    #[error("a hub beside the one that is served")]
    Foreign,
    #[error("more hubs than make sense")]
    Hubs,
    #[error("frame has an unknown tag {0}")]
    Tag(u8),
    #[error("text is no UTF-8")]
    Text,
    #[error("a number is out of range")]
    Range,
    #[error("frame is not sealed, and this end has keys")]
    Unsealed,
    #[error("frame is sealed, and this end has no keys")]
    Keyless,
    #[error("a seal cannot be opened: it was changed, or sealed with another key")]
    Unopened,
    #[error("a sealed frame has been here before, or is too old to tell")]
    Repeated,
    #[error("frame is sealed with a key that is not known, or not any more")]
    UnknownSeal,
}

impl From<NotOpened> for Malformed {
    fn from(why: NotOpened) -> Self {
        match why {
            NotOpened::Broken => Self::Unopened,
            NotOpened::Repeated => Self::Repeated,
        }
    }
}

impl Malformed {
    /// Whether anybody who can publish at the broker can bring it about: counted, and in the log for those who ask.
    pub(crate) fn is_of_a_stranger(self) -> bool {
        matches!(
            self,
            Self::Unsealed | Self::Keyless | Self::Unopened | Self::Repeated | Self::UnknownSeal
        )
    }
}

/// Takes fields off the front of a frame without copying bodies.
#[derive(Debug)]
pub(crate) struct Reader(pub(super) Bytes);

impl Reader {
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.need(1)?;
        Ok(self.0.get_u8())
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.need(2)?;
        Ok(self.0.get_u16_le())
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.need(4)?;
        Ok(self.0.get_u32_le())
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.need(8)?;
        Ok(self.0.get_u64_le())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.need(N)?;
        let mut array = [0; N];
        self.0.copy_to_slice(&mut array);
        Ok(array)
    }

    /// A body behind its length.
    pub(super) fn body(&mut self) -> Result<Bytes, Malformed> {
        let n_bytes = self.u32()? as usize;
        if n_bytes > skyscan_transport::MAX_BODY_BYTES {
            return Err(Malformed::Oversized(n_bytes));
        }
        self.need(n_bytes)?;
        Ok(self.0.split_to(n_bytes))
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.body()?.to_vec()).map_err(|_| Malformed::Text)
    }

    pub(super) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.0)
    }

    /// What is left, without taking it.
    pub(super) fn left(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn need(&self, n_bytes: usize) -> Result<(), Malformed> {
        match self.0.len() < n_bytes {
            true => Err(Malformed::Short),
            false => Ok(()),
        }
    }
}
