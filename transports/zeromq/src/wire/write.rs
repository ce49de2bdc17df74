//! Encoding: records are appended to a buffer, frames are cut from it.

use skyscan_transport::{
    LeaseToken, PayloadId, Priority, ScanId, Version, WorkerId,
    backend::{Grant, body_checksum, checksum},
};

use super::{HEADER_BYTES, LinkUp, WIRE_VERSION};

/// A buffer of records. Starts with room for a frame's header.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
        }
    }
}

impl Writer {
    /// Makes a writer with room for records of this many bytes.
    pub(crate) fn with_room(n_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + n_bytes);
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes }
    }

    /// Bytes of the frame so far, its header included.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The records, without the header.
    pub(crate) fn records(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// Writes the header and lends the whole frame.
    pub(crate) fn seal(&mut self, sequence: u32) -> &[u8] {
        self.bytes[0] = WIRE_VERSION;
        self.bytes[5..HEADER_BYTES].copy_from_slice(&sequence.to_le_bytes());
        let sum = checksum(&[&self.bytes[5..]]);
        self.bytes[1..5].copy_from_slice(&sum.to_le_bytes());
        &self.bytes
    }

    /// Forgets the records, keeps the memory unless it grew large.
    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEADER_BYTES);
        self.bytes.shrink_to(4 * super::FRAME_TARGET_BYTES);
    }

    /// Appends records that another writer has collected.
    pub(crate) fn append(&mut self, records: &[u8]) {
        self.bytes.extend_from_slice(records);
    }

    pub(crate) fn hello(&mut self, process: &[u8; 16]) {
        self.u8(1).raw(process);
    }

    pub(crate) fn link_up(&mut self, link: &LinkUp) {
        self.u8(2)
            .u32(link.number)
            .u64(link.link.0)
            .version(link.protocol)
            .raw(&link.worker.0)
            .u16(link.credit);
        self.u8(u8::from(link.draining)).body(&link.hello);
    }

    pub(crate) fn drain(&mut self, number: u32) {
        self.u8(3).u32(number);
    }

    pub(crate) fn link_down(&mut self, number: u32, closed: bool) {
        self.u8(4).u32(number).u8(u8::from(closed));
    }

    pub(crate) fn completed(
        &mut self,
        number: u32,
        token: LeaseToken,
        by: Option<WorkerId>,
        sum: u32,
        result: &[u8],
    ) {
        self.u8(5)
            .u32(number)
            .u64(token.0)
            .by(by)
            .u32(sum)
            .body(result);
    }

    pub(crate) fn rejected(
        &mut self,
        number: u32,
        token: LeaseToken,
        by: Option<WorkerId>,
        sum: u32,
        reason: &str,
    ) {
        let reason = reason.as_bytes();
        self.u8(6)
            .u32(number)
            .u64(token.0)
            .by(by)
            .u32(sum)
            .body(reason);
    }

    pub(crate) fn released(&mut self, number: u32, token: LeaseToken) {
        self.u8(7).u32(number).u64(token.0);
    }

    pub(crate) fn renew(&mut self, number: u32, token: LeaseToken) {
        self.u8(8).u32(number).u64(token.0);
    }

    pub(crate) fn ask(&mut self, batch: u32) {
        self.u8(9).u32(batch);
    }

    pub(crate) fn abandoned(&mut self, number: u32, token: LeaseToken) {
        self.u8(10).u32(number).u64(token.0);
    }

    pub(crate) fn fetch(&mut self, scan: ScanId, payload: PayloadId, offset: u64, length: u32) {
        self.u8(11)
            .u64(scan.0)
            .raw(&payload.0)
            .u64(offset)
            .u32(length);
    }

    pub(crate) fn beat_to_hub(&mut self) {
        self.u8(12);
    }

    pub(crate) fn goodbye(&mut self) {
        self.u8(13);
    }

    pub(crate) fn arrived(&mut self, proof: u32) {
        self.u8(14).u32(proof);
    }

    pub(crate) fn terms(&mut self, liveness_ms: u32) {
        self.u8(33).u32(liveness_ms);
    }

    pub(crate) fn hub_up(
        &mut self,
        scan: ScanId,
        protocol: Version,
        priority: Priority,
        lease_term_ms: u64,
        welcome: &[u8],
    ) {
        self.u8(34)
            .u64(scan.0)
            .version(protocol)
            .u8(priority.0)
            .u64(lease_term_ms)
            .body(welcome);
    }

    pub(crate) fn hub_down(&mut self, scan: ScanId) {
        self.u8(35).u64(scan.0);
    }

    pub(crate) fn lease(&mut self, number: u32, grant: &Grant) {
        self.bytes.reserve(42 + grant.body.len());
        self.u8(36)
            .u32(number)
            .u64(grant.token.0)
            .u64(grant.key.scan.0)
            .u64(grant.key.task.0);
        // The contract bounds the workers to avoid below what a u8 counts.
        self.u32(grant.attempt).u8(grant.avoid.len() as u8);
        for worker in &grant.avoid {
            self.raw(&worker.0);
        }
        let sum = body_checksum(grant.key, grant.attempt, &grant.body);
        self.u32(sum).body(&grant.body);
    }

    pub(crate) fn answer(&mut self, batch: u32, lost: &[u32]) {
        self.u8(37).u32(batch).u32(lost.len() as u32);
        for &index in lost {
            self.u32(index);
        }
    }

    pub(crate) fn notice(&mut self, scan: ScanId, body: &[u8]) {
        self.u8(38).u64(scan.0).body(body);
    }

    pub(crate) fn chunk(
        &mut self,
        scan: ScanId,
        payload: PayloadId,
        total: u64,
        offset: u64,
        proof: u32,
        bytes: &[u8],
    ) {
        self.u8(39)
            .u64(scan.0)
            .raw(&payload.0)
            .u64(total)
            .u64(offset)
            .u32(proof)
            .body(bytes);
    }

    pub(crate) fn link_gone(&mut self, number: u32) {
        self.u8(40).u32(number);
    }

    pub(crate) fn beat_to_links(&mut self) {
        self.u8(41);
    }

    pub(crate) fn reset(&mut self) {
        self.u8(42);
    }

    fn by(&mut self, worker: Option<WorkerId>) -> &mut Self {
        match worker {
            None => self.u8(0),
            Some(worker) => self.u8(1).raw(&worker.0),
        }
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn u8(&mut self, byte: u8) -> &mut Self {
        self.bytes.push(byte);
        self
    }

    fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    fn version(&mut self, version: Version) -> &mut Self {
        self.u16(version.major).u16(version.minor)
    }

    /// The contract bounds bodies far below what a u32 counts.
    fn body(&mut self, body: &[u8]) -> &mut Self {
        self.u32(body.len() as u32).raw(body)
    }
}
