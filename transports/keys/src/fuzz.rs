//! Decoders as the fuzzer calls them: of bytes that a stranger may send.

use crate::keys::PublicKey;
use crate::numbered::{MessageKey, NumberedOpener};
use crate::token::{JoinToken, TokenFile};

/// Reads a join token, a key, and the file of a token.
pub fn texts(bytes: &[u8]) {
    drop(JoinToken::parse(bytes));
    drop(serde_json::from_slice::<TokenFile>(bytes));
    let _key = String::from_utf8_lossy(bytes).parse::<PublicKey>();
}

/// Opens a message of some number, which is in its first bytes, under a key that the stranger may know.
pub fn message(bytes: &[u8]) {
    let mut opener = NumberedOpener::new(MessageKey::from_bytes([0; 32]), 0);
    if let Some((number, sealed)) = bytes.split_first_chunk() {
        drop(opener.open(u64::from_le_bytes(*number), b"", sealed));
        drop(opener.open(u64::from(number[0]), b"", sealed));
    }
}
