//! Decoders as the fuzzer calls them: of bytes that a stranger at the door may send.

use std::sync::OnceLock;

use tokio::io::{join, sink};
use tokio::runtime::{Builder, Runtime};

use crate::keys::{KeyPair, PublicKey};
use crate::noise::{Answer, listen};
use crate::token::{JoinToken, TokenFile};

/// Hears a stranger out: what it says first, and what it asks with.
pub fn stranger(bytes: &[u8]) {
    static PLACE: OnceLock<Option<(KeyPair, Runtime)>> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let runtime = Builder::new_current_thread().build().ok()?;
        Some((KeyPair::generate().ok()?, runtime))
    });
    if let Some((pair, runtime)) = place {
        let mut stream = join(bytes, sink());
        drop(runtime.block_on(listen(&mut stream, &pair.secret)));
    }
}

/// Reads a join token, a key and an answer.
pub fn texts(bytes: &[u8]) {
    drop(JoinToken::parse(bytes));
    drop(Answer::decode(bytes));
    drop(serde_json::from_slice::<TokenFile>(bytes));
    let _key = String::from_utf8_lossy(bytes).parse::<PublicKey>();
}
