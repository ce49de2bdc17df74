//! Keys, tokens, who is let in, and how two ends that know each other's keys seal what they say.
//!
//! Keys are files in folders: [`make`], [`add_worker`] and [`add_token`] write them, [`HubKeys`] and [`LinkKeys`]
//! are what each end reads. [`Admission`] is the list of who is let in, read again when it changes. [`dial`] and
//! [`hear`] are the two ends of the handshake; what follows it is sealed as a stream, whose pieces come in order
//! ([`Agreed::into_stream`]), or as messages that carry their numbers, since who carries them repeats and
//! reorders ([`Agreed::into_messages`]).
//!
//! Nothing here knows what carries it.

mod admission;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod keys;
mod numbered;
mod place;
mod token;
mod turned_away;
mod window;

pub use admission::{Admission, Refusal, count_caller};
pub use handshake::{Agreed, Dialled, Heard, MOST_GREETING, Unopened, dial, hear};
pub use keys::{KeyError, KeyPair, PublicKey, SecretKey, read_secret};
pub use numbered::{
    MESSAGES_PER_KEY, MessageKey, NotOpened, NumberedOpener, NumberedSealer, SEAL_BYTES,
};
pub use place::{HubKeys, LinkKeys, add_token, add_worker, has_keys, make};
pub use token::{JoinToken, TokenRefusal};
pub use turned_away::{no_handshake, turn_away};

/// What dies with keys in its memory leaves none of it behind. Where the system refuses, nothing more can be done.
pub fn leave_no_core() {
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
}
