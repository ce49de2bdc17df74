//! Checksums by which an end knows that what it read is what the other end wrote.
//!
//! TCP's own sum is 16 bits wide and ends at every middlebox, so a flipped bit does get through now
//! and then, and in a result it would be another map. CRC-32C finds every error of up to 32 bits in
//! a row. It is no seal: whoever can write to the wire can write a sum, too.

use crc::{CRC_32_ISCSI, Crc, Table};

use crate::TaskKey;

/// Sixteen bytes a step: a sum costs less than the copy of what it sums.
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// CRC-32C of these pieces as if they were one.
pub fn checksum(pieces: &[&[u8]]) -> u32 {
    let mut digest = CRC32C.digest();
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.finalize()
}

/// Checksum of a body as that of one attempt at one task: the right body under another lease's
/// name has another sum.
pub fn body_checksum(key: TaskKey, attempt: u32, body: &[u8]) -> u32 {
    checksum(&[
        &key.scan.0.to_le_bytes(),
        &key.task.0.to_le_bytes(),
        &attempt.to_le_bytes(),
        body,
    ])
}

#[cfg(test)]
mod tests {
    use super::{body_checksum, checksum};
    use crate::{ScanId, TaskId, TaskKey};

    #[test]
    fn is_crc_32c_whatever_the_pieces() {
        // The check value of the catalogue of CRCs.
        assert_eq!(checksum(&[b"123456789"]), 0xe306_9283);
        assert_eq!(checksum(&[b"1234", b"", b"56789"]), 0xe306_9283);
    }

    #[test]
    fn tells_tasks_attempts_and_bodies_apart() {
        let key = |scan, task| TaskKey {
            scan: ScanId(scan),
            task: TaskId(task),
        };
        let plain = body_checksum(key(1, 2), 3, b"body");
        for other in [
            body_checksum(key(9, 2), 3, b"body"),
            body_checksum(key(1, 9), 3, b"body"),
            body_checksum(key(1, 2), 9, b"body"),
            body_checksum(key(1, 2), 3, b"bodY"),
        ] {
            assert_ne!(plain, other);
        }
    }
}
