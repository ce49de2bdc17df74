//! Decoders as the fuzzer calls them: of bytes that a stranger at the door may send.

use std::sync::OnceLock;

use skyscan_transport_keys::KeyPair;
use tokio::io::{join, sink};
use tokio::runtime::{Builder, Runtime};

use crate::noise::{Answer, listen};

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

/// Reads the answer of a door.
pub fn answer(bytes: &[u8]) {
    drop(Answer::decode(bytes));
}
