//! The handshake: who is there.
//!
//! It is `Noise_IK_25519_ChaChaPoly_BLAKE2s` (The Noise Protocol Framework, revision 34, section 7.5): the one who
//! dials knows the key of the one who listens, and shows its own under seal. Two messages:
//!
//! 1. from who dials, nothing but its key;
//! 2. the answer, nothing but the proof of the other key.
//!
//! The first message can be repeated by anyone who has seen it, so nothing may follow from it. What the dialler
//! says next under seal only the owner of its key can have said.
//!
//! A prologue binds both to what they speak afterwards, and to where: who was given the messages of another place,
//! or of another version, cannot open them.

use snow::{Builder, HandshakeState, TransportState};

use crate::keys::{KEY_BYTES, PATTERN, PublicKey, SecretKey};
use crate::numbered::{MessageKey, NumberedOpener, NumberedSealer};

/// Longest message of a handshake: a peer that is not known yet shall not make us hold more.
pub const MOST_GREETING: usize = 1024;

/// A message that was changed, lost, repeated, or sealed with another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what came cannot be opened: it was changed, lost, repeated, or sealed with another key")]
pub struct Unopened;

/// Who has dialled, and waits for the answer.
pub struct Dialled(Box<HandshakeState>);

/// Somebody who has dialled.
#[derive(Debug)]
pub struct Heard {
    /// The key that it has shown, and not proved yet.
    pub peer: PublicKey,
    /// What to answer.
    pub answer: Vec<u8>,
    /// What both ends have, once the answer has come to the owner of the key.
    pub agreed: Agreed,
}

/// What both ends of a handshake have in common.
pub struct Agreed(Box<HandshakeState>);

fn builder<'a>() -> Result<Builder<'a>, snow::Error> {
    Ok(Builder::new(PATTERN.parse()?))
}

/// Dials the owner of a key; returns what to say to it.
///
/// # Errors
/// If there are no random numbers, or the key is none.
pub fn dial(
    own: &SecretKey,
    other: PublicKey,
    prologue: &[u8],
) -> Result<(Dialled, Vec<u8>), Unopened> {
    let dialled = || {
        let builder = builder()?
            .prologue(prologue)?
            .local_private_key(own.bytes())?;
        let mut state = builder.remote_public_key(&other.0)?.build_initiator()?;
        let mut greeting = vec![0; MOST_GREETING];
        let n_bytes = state.write_message(&[], &mut greeting)?;
        greeting.truncate(n_bytes);
        Ok((Dialled(Box::new(state)), greeting))
    };
    dialled().map_err(unopened)
}

/// Hears a greeting out: who dials.
///
/// # Errors
/// If the caller means another key, another place, or something else altogether.
pub fn hear(own: &SecretKey, prologue: &[u8], greeting: &[u8]) -> Result<Heard, Unopened> {
    let heard = || {
        let builder = builder()?
            .prologue(prologue)?
            .local_private_key(own.bytes())?;
        let mut state = builder.build_responder()?;
        let mut answer = vec![0; MOST_GREETING];
        state.read_message(greeting, &mut answer)?;
        let n_bytes = state.write_message(&[], &mut answer)?;
        answer.truncate(n_bytes);
        Ok((state, answer))
    };
    let (state, answer) = heard().map_err(unopened)?;
    let peer = state
        .get_remote_static()
        .and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok());
    Ok(Heard {
        peer: PublicKey(peer.ok_or(Unopened)?),
        answer,
        agreed: Agreed(Box::new(state)),
    })
}

fn unopened(_why: snow::Error) -> Unopened {
    Unopened
}

impl Dialled {
    /// Takes the answer. One that does not fit changes nothing: the right one may come yet.
    ///
    /// # Errors
    /// If it is not from the owner of the key that was dialled, or to something else.
    pub fn answered(mut self, answer: &[u8]) -> Result<Agreed, Self> {
        let mut nothing = [0; MOST_GREETING];
        match self.0.read_message(answer, &mut nothing) {
            Ok(_) => Ok(Agreed(self.0)),
            Err(_) => Err(self),
        }
    }
}

impl Agreed {
    /// For what comes in order, or not at all.
    ///
    /// # Errors
    /// If the handshake is not over.
    pub fn into_stream(self) -> Result<TransportState, Unopened> {
        self.0.into_transport_mode().map_err(unopened)
    }

    /// For what may be lost, repeated, and come in another order (section 11.4, out-of-order transport messages).
    pub fn into_messages(mut self) -> (NumberedSealer, NumberedOpener) {
        let is_dialler = self.0.is_initiator();
        let (of_dialler, of_other) = self.0.dangerously_get_raw_split();
        let (of_dialler, of_other) = (
            MessageKey::from_bytes(of_dialler),
            MessageKey::from_bytes(of_other),
        );
        let (own, other) = match is_dialler {
            true => (of_dialler, of_other),
            false => (of_other, of_dialler),
        };
        (NumberedSealer::new(own), NumberedOpener::new(other, 0))
    }
}

impl std::fmt::Debug for Dialled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialled(not shown)")
    }
}

impl std::fmt::Debug for Agreed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agreed(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyPair;

    #[test]
    fn both_ends_agree_and_read_what_the_other_seals() {
        let (hub, link) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let (dialled, greeting) = dial(&link.secret, hub.public, b"here").unwrap();
        let heard = hear(&hub.secret, b"here", &greeting).unwrap();
        assert_eq!(heard.peer, link.public);
        // A stranger's answer does not spoil the right one.
        let stray = hear(&hub.secret, b"here", &greeting).unwrap().answer;
        let mut flipped = stray.clone();
        flipped[40] ^= 1;
        let dialled = dialled.answered(&flipped).unwrap_err();
        let dialled = dialled.answered(b"nonsense").unwrap_err();
        let (mut link_out, mut link_in) = dialled.answered(&heard.answer).unwrap().into_messages();
        let (mut hub_out, mut hub_in) = heard.agreed.into_messages();
        let (number, sealed) = link_out.seal(b"up", b"hello");
        assert_eq!(hub_in.open(number, b"up", &sealed).unwrap(), b"hello");
        let (number, sealed) = hub_out.seal(b"down", b"welcome");
        assert_eq!(link_in.open(number, b"down", &sealed).unwrap(), b"welcome");
        // What one end has sealed is not taken for the other's.
        assert!(hub_in.open(number, b"down", &sealed).is_err());
    }

    #[test]
    fn another_key_place_or_version_hears_nothing() {
        let (hub, link) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let (_, greeting) = dial(&link.secret, hub.public, b"here 1").unwrap();
        assert_eq!(
            hear(&hub.secret, b"here 2", &greeting).unwrap_err(),
            Unopened
        );
        assert!(hear(&link.secret, b"here 1", &greeting).is_err());
        assert!(hear(&hub.secret, b"here 1", &greeting[1..]).is_err());
        assert!(hear(&hub.secret, b"here 1", b"").is_err());
    }
}
