//! Messages that are sealed under numbers which travel with them: for carriers that lose, repeat and reorder.
//!
//! ChaCha20-Poly1305 with the number of the message as its nonce, as Noise does it, but for its limit of 64 KiB; and
//! with the words around the message as what is authenticated beside it. After [`MESSAGES_PER_KEY`] numbers the key is
//! replaced (section 4.2, rekey), on both sides by the number alone. A number that was opened is not opened again, nor
//! is one that is [`WINDOW`](crate::window::WINDOW) or more behind the highest.

use std::fmt;

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

use crate::keys::{KEY_BYTES, KeyError};
use crate::window::Window;

/// Bytes that sealing adds.
pub const SEAL_BYTES: usize = 16;
/// After so many numbers the key is replaced.
pub const MESSAGES_PER_KEY: u64 = 4096;
const _: () = assert!(crate::window::WINDOW <= MESSAGES_PER_KEY);
/// Keys that are skipped at most: who was not heard for so long is not caught up with.
const MOST_SKIPPED: u64 = 64;

/// A key of messages.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageKey(Zeroizing<[u8; KEY_BYTES]>);

impl MessageKey {
    /// A new one that nobody else has.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let filled = getrandom::fill(bytes.as_mut());
        filled.map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// One that came under seal.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// To be said under seal, and nowhere else.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals what everybody with the key may open, as often as it comes. No number may be used twice.
    pub fn seal(&self, number: u64, around: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.cipher(), number, around, plain)
    }

    /// Opens what was sealed under this number.
    ///
    /// # Errors
    /// If it was changed, or sealed with another key.
    pub fn open(&self, number: u64, around: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        open(&self.cipher(), number, around, sealed)
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(not shown)")
    }
}

/// Why a message is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It was changed, or sealed with another key.
    #[error("it was changed, or sealed with another key")]
    Broken,
    /// It has been here before, or is too old to tell.
    #[error("it has been here before, or is too old to tell")]
    Repeated,
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = Nonce::default();
    nonce[4..].copy_from_slice(&number.to_le_bytes());
    nonce
}

/// The key that follows one: what it seals under the last number.
fn next_key(cipher: &ChaCha20Poly1305) -> ChaCha20Poly1305 {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    // Nothing is sealed under the last number but this, and the tag is not wanted. It fails for no key.
    let _tag = cipher.encrypt_in_place_detached(&nonce(u64::MAX), b"", key.as_mut());
    ChaCha20Poly1305::new((&*key).into())
}

/// Seals what one end says.
pub struct NumberedSealer {
    cipher: ChaCha20Poly1305,
    next: u64,
}

impl NumberedSealer {
    /// Seals under this key, from number 0 on.
    pub fn new(key: MessageKey) -> Self {
        Self {
            cipher: key.cipher(),
            next: 0,
        }
    }

    /// The number of the next message.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Seals a message, and binds it to what stands around it; returns its number, and what to send.
    pub fn seal(&mut self, around: &[u8], plain: &[u8]) -> (u64, Vec<u8>) {
        let number = self.next;
        if number > 0 && number.is_multiple_of(MESSAGES_PER_KEY) {
            self.cipher = next_key(&self.cipher);
        }
        self.next += 1;
        (number, seal(&self.cipher, number, around, plain))
    }
}

/// Opens what the other end says.
pub struct NumberedOpener {
    /// Of `generation`.
    cipher: ChaCha20Poly1305,
    generation: u64,
    /// Of the generation before.
    before: Option<ChaCha20Poly1305>,
    window: Window,
}

impl NumberedOpener {
    /// Opens what was sealed under this key, from this number on.
    pub fn new(key: MessageKey, first: u64) -> Self {
        Self {
            cipher: key.cipher(),
            generation: 0,
            before: None,
            window: Window::from(first),
        }
    }

    /// Opens a message. What cannot be opened changes nothing.
    ///
    /// # Errors
    /// If it was changed, or has been here before.
    pub fn open(
        &mut self,
        number: u64,
        around: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, NotOpened> {
        if number == u64::MAX || !self.window.is_new(number) {
            return Err(NotOpened::Repeated);
        }
        let generation = number / MESSAGES_PER_KEY;
        let skipped = generation.saturating_sub(self.generation);
        if skipped > MOST_SKIPPED {
            return Err(NotOpened::Broken);
        }
        if generation < self.generation {
            let is_before = generation + 1 == self.generation;
            let before = self.before.as_ref().filter(|_| is_before);
            let plain = open(before.ok_or(NotOpened::Repeated)?, number, around, sealed)?;
            self.window.take(number);
            return Ok(plain);
        }
        let mut ahead: Option<(ChaCha20Poly1305, ChaCha20Poly1305)> = None;
        for _ in 0..skipped {
            let before = ahead.map_or_else(|| self.cipher.clone(), |(_, cipher)| cipher);
            let cipher = next_key(&before);
            ahead = Some((before, cipher));
        }
        let cipher = ahead.as_ref().map_or(&self.cipher, |(_, cipher)| cipher);
        let plain = open(cipher, number, around, sealed)?;
        // It is proved that the other end has come so far.
        if let Some((before, cipher)) = ahead {
            (self.before, self.cipher, self.generation) = (Some(before), cipher, generation);
        }
        self.window.take(number);
        Ok(plain)
    }
}

fn seal(cipher: &ChaCha20Poly1305, number: u64, around: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plain.len() + SEAL_BYTES);
    sealed.extend_from_slice(plain);
    let tag = cipher.encrypt_in_place_detached(&nonce(number), around, &mut sealed);
    // It fails for messages of 256 GiB, and then nothing may be sent.
    match tag {
        Ok(tag) => sealed.extend_from_slice(&tag),
        Err(_) => sealed.clear(),
    }
    sealed
}

fn open(
    cipher: &ChaCha20Poly1305,
    number: u64,
    around: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, NotOpened> {
    let split = sealed.len().checked_sub(SEAL_BYTES);
    let (body, tag) = sealed.split_at(split.ok_or(NotOpened::Broken)?);
    let mut plain = body.to_vec();
    let opened =
        cipher.decrypt_in_place_detached(&nonce(number), around, &mut plain, Tag::from_slice(tag));
    opened.map_err(|_| NotOpened::Broken)?;
    Ok(plain)
}

impl fmt::Debug for NumberedSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberedSealer(next {}, key not shown)", self.next)
    }
}

impl fmt::Debug for NumberedOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberedOpener({:?}, key not shown)", self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::WINDOW;

    fn ends() -> (NumberedSealer, NumberedOpener) {
        let key = MessageKey::random().unwrap();
        (
            NumberedSealer::new(key.clone()),
            NumberedOpener::new(key, 0),
        )
    }

    #[test]
    fn what_is_repeated_is_opened_once_in_whatever_order_it_comes() {
        let (mut sealer, mut opener) = ends();
        let mut all: Vec<(u64, Vec<u8>)> = (0..3 * WINDOW)
            .map(|number| sealer.seal(b"x", &number.to_le_bytes()))
            .collect();
        // Pieces of the window's length, each backwards.
        for piece in all.chunks_mut(WINDOW as usize) {
            piece.reverse();
        }
        for (number, sealed) in &all {
            let plain = opener.open(*number, b"x", sealed).unwrap();
            assert_eq!(plain, number.to_le_bytes());
        }
        for (number, sealed) in &all {
            let again = opener.open(*number, b"x", sealed);
            assert_eq!(again, Err(NotOpened::Repeated), "{number}");
        }
    }

    #[test]
    fn what_is_too_old_to_tell_is_not_opened() {
        let (mut sealer, mut opener) = ends();
        let all: Vec<_> = (0..=WINDOW + 1).map(|_| sealer.seal(b"", b"x")).collect();
        let open = |opener: &mut NumberedOpener, at: u64| {
            let (number, sealed) = &all[at as usize];
            opener.open(*number, b"", sealed)
        };
        assert!(open(&mut opener, WINDOW + 1).is_ok());
        assert_eq!(open(&mut opener, 1), Err(NotOpened::Repeated));
        assert!(open(&mut opener, 2).is_ok());
    }

    #[test]
    fn keys_are_replaced_by_the_number_and_the_one_before_is_kept() {
        let (mut sealer, mut opener) = ends();
        let all: Vec<_> = (0..4 * MESSAGES_PER_KEY)
            .map(|_| sealer.seal(b"", b"x"))
            .collect();
        let last = MESSAGES_PER_KEY - 1;
        // Ahead by one key, back to the one before, and ahead by two.
        for at in [0, last + 1, last, 3 * MESSAGES_PER_KEY + 5] {
            let (number, sealed) = &all[at as usize];
            assert_eq!(opener.open(*number, b"", sealed).unwrap(), b"x", "{at}");
        }
        // The same words under two keys are not alike beyond their numbers.
        let mut of_first = NumberedOpener::new(MessageKey::from_bytes([1; KEY_BYTES]), 0);
        let mut sealer = NumberedSealer::new(MessageKey::from_bytes([1; KEY_BYTES]));
        sealer.next = MESSAGES_PER_KEY + 7;
        let (number, not_replaced) = sealer.seal(b"", b"x");
        assert_eq!(
            of_first.open(number, b"", &not_replaced),
            Err(NotOpened::Broken)
        );
    }

    #[test]
    fn what_is_forged_or_changed_is_not_opened_and_spoils_nothing() {
        let (mut sealer, mut opener) = ends();
        let (number, sealed) = sealer.seal(b"around", b"plain");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = opener.open(number, b"around", &flipped);
            assert_eq!(opened, Err(NotOpened::Broken));
        }
        for forged in [
            number + 1,
            MESSAGES_PER_KEY,
            9 * MESSAGES_PER_KEY,
            u64::MAX - 1,
        ] {
            assert!(opener.open(forged, b"around", &sealed).is_err(), "{forged}");
        }
        assert!(opener.open(number, b"elsewhere", &sealed).is_err());
        for n_bytes in 0..sealed.len() {
            assert!(opener.open(number, b"around", &sealed[..n_bytes]).is_err());
        }
        assert_eq!(opener.open(number, b"around", &sealed).unwrap(), b"plain");
    }

    #[test]
    fn who_comes_late_does_not_open_what_was_said_before() {
        let key = MessageKey::random().unwrap();
        let mut sealer = NumberedSealer::new(key.clone());
        let (old, sealed) = sealer.seal(b"", b"old");
        let mut late = NumberedOpener::new(key, sealer.next());
        assert_eq!(late.open(old, b"", &sealed), Err(NotOpened::Repeated));
        let (new, sealed) = sealer.seal(b"", b"new");
        assert_eq!(late.open(new, b"", &sealed).unwrap(), b"new");
    }
}
