//! A payload on its way in, whatever wire brings its chunks: in order, bounded, hashed as it grows.

use std::{fmt, mem};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{MAX_PAYLOAD_BYTES, PayloadId};

/// What has arrived of one payload.
pub struct Assembly {
    id: PayloadId,
    bytes: Vec<u8>,
    hash: Sha256,
    total: Option<u64>,
}

/// What a chunk has done for a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assembled {
    /// It is not the next one, or not of this payload.
    Misplaced,
    /// There is more to come.
    More,
    /// It was the last one.
    Whole(Bytes),
    /// It was the last one, and what has arrived has another hash.
    Damaged,
}

impl Assembly {
    /// Nothing has arrived.
    pub fn new(id: PayloadId) -> Self {
        Self {
            id,
            bytes: Vec::new(),
            hash: Sha256::new(),
            total: None,
        }
    }

    /// How many bytes have arrived.
    pub fn n_arrived(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The length of the payload, once a chunk has told it.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Takes the next chunk. Nothing is allocated by a number that a peer wrote: the payload grows by
    /// what has arrived.
    pub fn take(&mut self, offset: u64, total: u64, chunk: &[u8]) -> Assembled {
        let n_arrived = self.n_arrived();
        let fits = offset == n_arrived
            && total <= MAX_PAYLOAD_BYTES as u64
            && self.total.is_none_or(|known| known == total)
            && n_arrived + chunk.len() as u64 <= total
            && (!chunk.is_empty() || total == 0);
        if !fits {
            return Assembled::Misplaced;
        }
        self.total = Some(total);
        self.bytes.extend_from_slice(chunk);
        self.hash.update(chunk);
        if self.n_arrived() < total {
            return Assembled::More;
        }
        let hash = mem::take(&mut self.hash).finalize();
        match PayloadId(hash.into()) == self.id {
            true => Assembled::Whole(mem::take(&mut self.bytes).into()),
            false => Assembled::Damaged,
        }
    }
}

impl fmt::Debug for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly")
            .field("id", &self.id)
            .field("n_arrived", &self.bytes.len())
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembled, Assembly, MAX_PAYLOAD_BYTES, PayloadId};

    #[test]
    fn takes_chunks_in_order_and_checks_the_hash() {
        let mut assembly = Assembly::new(PayloadId::of(b"payload"));
        assert_eq!(assembly.take(3, 7, b"load"), Assembled::Misplaced);
        assert_eq!(assembly.take(0, 7, b"pay"), Assembled::More);
        assert_eq!(assembly.take(0, 7, b"pay"), Assembled::Misplaced);
        assert_eq!(assembly.take(3, 9, b"load"), Assembled::Misplaced);
        assert_eq!(assembly.take(3, 7, b""), Assembled::Misplaced);
        assert_eq!((assembly.n_arrived(), assembly.total()), (3, Some(7)));
        let whole = assembly.take(3, 7, b"load");
        assert_eq!(whole, Assembled::Whole("payload".into()));
        let mut other = Assembly::new(PayloadId::of(b"payload"));
        assert_eq!(other.take(0, 4, b"load"), Assembled::Damaged);
    }

    #[test]
    fn a_payload_may_be_empty_and_not_endless() {
        let mut assembly = Assembly::new(PayloadId::of(b""));
        assert_eq!(assembly.take(0, 0, b""), Assembled::Whole("".into()));
        let mut endless = Assembly::new(PayloadId::of(b""));
        let total = MAX_PAYLOAD_BYTES as u64 + 1;
        assert_eq!(endless.take(0, total, b"x"), Assembled::Misplaced);
    }
}
