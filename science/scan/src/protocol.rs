//! What Scanner and Workers say to each other, inside the bodies that a transport carries.
//!
//! Messages are msgpack maps with named fields, so that a minor version may add a field, which readers
//! of an earlier one pass over; bulk numbers inside them are columns. Everything that comes from a peer
//! is checked here: decoding fails, it never panics, and it bounds what it allocates.

mod columns;
mod payload;
mod result;
mod task;

pub use payload::{pack_problem, unpack_problem};
pub use result::{Report, ResultBody};
pub use task::{MOST_REQUESTS, TaskBody};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skyscan_transport::Version;

pub use skyscan_transport::{Avoided, WorkerId};

/// Version of these messages. The minor grows when a field is added, the major with any other
/// change; peers of different majors refuse each other.
pub const PROTOCOL: Version = Version { major: 2, minor: 1 };

/// What a Worker says of itself when its link comes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// How many tasks it evaluates at once.
    pub slots: u16,
    /// The reconstructions that it is allowed to run.
    pub recos: Vec<String>,
    /// Version of the program.
    pub build: String,
}

/// What a Scanner says of its scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The reconstruction that it asks for.
    pub reco: String,
    /// SHA-256 of the packed [`Problem`](skyscan_reco::Problem), by which it can be fetched.
    #[serde(with = "serde_bytes")]
    pub payload: [u8; 32],
}

impl Welcome {
    /// Of a hub that stands where scans will be: it asks for nothing.
    pub fn of_no_scan() -> Self {
        Self {
            reco: String::new(),
            payload: [0; 32],
        }
    }

    /// Whether there is a scan to serve.
    pub fn is_of_scan(&self) -> bool {
        !self.reco.is_empty()
    }
}

/// A message that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// It is not the msgpack of the expected message.
    #[error("failed to decode a {message}")]
    Malformed {
        /// Name of the message.
        message: &'static str,
        /// What was wrong.
        #[source]
        source: rmp_serde::decode::Error,
    },
    /// It is well formed and makes no sense.
    #[error("a {message} makes no sense: {reason}")]
    Senseless {
        /// Name of the message.
        message: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The payload could not be unpacked.
    #[error("failed to unpack a payload")]
    Unpack(#[source] std::io::Error),
}

/// A message with a name, for errors.
pub trait Message: Serialize + DeserializeOwned {
    /// Name of the message.
    const NAME: &'static str;

    /// Its bytes.
    fn encode(&self) -> Vec<u8> {
        pack(self, 0)
    }

    /// Reads it from a peer's bytes.
    ///
    /// # Errors
    /// If the bytes are not such a message.
    fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        unpack(Self::NAME, bytes)
    }
}

/// What names and numbers of a message take beside its columns, about.
const BESIDE_COLUMNS: usize = 128;

/// Writes a message with columns of so many bytes.
fn pack(message: &impl Serialize, n_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n_bytes + BESIDE_COLUMNS);
    rmp_serde::encode::write_named(&mut bytes, message)
        .expect("messages have neither unsized nor foreign parts");
    bytes
}

/// Reads a message of this name, which may borrow from the bytes.
fn unpack<'a, T: Deserialize<'a>>(name: &'static str, bytes: &'a [u8]) -> Result<T, ProtocolError> {
    rmp_serde::from_slice(bytes).map_err(|source| ProtocolError::Malformed {
        message: name,
        source,
    })
}

impl Message for Hello {
    const NAME: &'static str = "hello";
}

impl Message for Welcome {
    const NAME: &'static str = "welcome";
}

#[cfg(test)]
mod tests;
