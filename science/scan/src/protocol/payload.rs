//! The packed problem: event, detector and name of the reconstruction, sent once per process.

use std::io::{self, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{Message, ProtocolError};
use skyscan_reco::Problem;

/// What any problem may unpack to, however small its payload is; IceCube's is one megabyte.
const FREE_UNPACKED_BYTES: u64 = 16 << 20;
/// How many times its packed size it may take beyond that; real ones unpack to two to ten times.
const MAX_UNPACKED_RATIO: u64 = 32;
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

/// Unpacks a problem, while it is decoded: what is unpacked and makes no sense is kept nowhere.
///
/// # Errors
/// If the bytes are no packed problem, or one that is too large, by itself or for its payload.
pub fn unpack_problem(payload: &[u8]) -> Result<Problem, ProtocolError> {
    let of_payload = MAX_UNPACKED_RATIO.saturating_mul(payload.len() as u64);
    let most = (FREE_UNPACKED_BYTES + of_payload).min(MOST_UNPACKED_BYTES);
    let mut unpacked = BufReader::new(ZlibDecoder::new(payload).take(most + 1));
    let decoded = rmp_serde::from_read(&mut unpacked);
    // The checksum comes after the last byte.
    let rest = match &decoded {
        Ok(_) => io::copy(&mut unpacked, &mut io::sink()).map_err(ProtocolError::Unpack),
        Err(_) => Ok(0),
    };
    if unpacked.get_ref().limit() == 0 {
        let reason = format!("it unpacks to more than {most} bytes");
        return Err(ProtocolError::Senseless {
            message: Problem::NAME,
            reason,
        });
    }
    rest?;
    decoded.map_err(|source| ProtocolError::Malformed {
        message: Problem::NAME,
        source,
    })
}
