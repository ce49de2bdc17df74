//! The packed problem: event, detector and name of the reconstruction, sent once per process.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{Message, ProtocolError};
use skyscan_reco::Problem;

/// Largest problem, unpacked; a detector with a million DOMs and as many pulses fits.
const MOST_UNPACKED_BYTES: u64 = 256 << 20;

impl Message for Problem {
    const NAME: &'static str = "problem";
}

/// Packs a problem. The same problem always gives the same bytes.
pub fn pack_problem(problem: &Problem) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(&problem.encode())
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Unpacks a problem.
///
/// # Errors
/// If the bytes are no packed problem, or one too large.
pub fn unpack_problem(payload: &[u8]) -> Result<Problem, ProtocolError> {
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(payload)
        .take(MOST_UNPACKED_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ProtocolError::Unpack)?;
    if read as u64 > MOST_UNPACKED_BYTES {
        let reason = format!("it unpacks to more than {MOST_UNPACKED_BYTES} bytes");
        return Err(ProtocolError::Senseless {
            message: Problem::NAME,
            reason,
        });
    }
    Problem::decode(&bytes)
}
