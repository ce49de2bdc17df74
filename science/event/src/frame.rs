//! Frames: the records that .i3 files and alerts are made of, read one at a time.
//!
//! Of Q and P frames the objects of known classes are kept, and of others the name of the class; all
//! else runs through the checksum and is dropped, so memory does not grow with a file. Nothing is
//! handed out before the checksum of its frame was right.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use crc::{Algorithm, CRC_16_IBM_3740, Crc, Digest, Table};

use super::archive::{CLASS_NAME_BYTES, class_name};
use super::limits::{MAX_FRAME_BYTES, MAX_FRAME_SLOTS, MAX_KEPT_BYTES, MAX_NAME_BYTES};
use super::read_error::{Cause, Fault, FramePlace};

const MAGIC: [u8; 4] = *b"[i3]";
const WIDE_LENGTH: u32 = u32::MAX;

/// The classes that something here reads. Waveforms, raw data, simulated photons are not.
pub(super) const KEPT_CLASSES: [&str; 10] = [
    "I3Double",
    "I3EventHeader",
    "I3Particle",
    "I3Position",
    "I3RecoPulseSeriesMap",
    "I3RecoPulseSeriesMapMask",
    "I3RecoPulseSeriesMapUnion",
    "I3String",
    "I3SuperDST",
    "I3TimeWindowSeriesMap",
];

/// CRC-32C as frames of version 6 use it: nothing in the register at first, no inversion at the end.
const CRC_32_FRAME: Algorithm<u32> = Algorithm {
    width: 32,
    poly: 0x1edc_6f41,
    init: 0,
    refin: true,
    refout: true,
    xorout: 0,
    check: 0x58e3_fa20,
    residue: 0,
};
static VERSION_6: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_FRAME);
static VERSION_5: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// A frame whose checksum was right.
#[derive(Debug)]
pub(super) struct Frame {
    /// Where it was found.
    pub(super) place: FramePlace,
    /// Stop letter.
    pub(super) stop: char,
    slots: BTreeMap<String, Vec<u8>>,
}

impl Frame {
    /// Whether this is a physics event; scanners mark theirs with a small letter.
    pub(super) fn is_physics(&self) -> bool {
        matches!(self.stop, 'P' | 'p')
    }

    /// Whether this is a readout of the detector, which the physics frames after it refer to.
    pub(super) fn is_readout(&self) -> bool {
        self.stop == 'Q'
    }

    /// A serialized object; only as much as names its class if that is not one that is kept.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.slots.get(key).map(Vec::as_slice)
    }

    /// Every object in the order of the keys; empty unless this is a Q or P frame.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.slots
            .iter()
            .map(|(key, blob)| (key.as_str(), blob.as_slice()))
    }
}

/// Something that yields frames in order.
pub(super) trait Frames {
    /// The next frame; none at the end.
    fn next_frame(&mut self) -> Result<Option<Frame>, Fault>;
}

/// Frames one after the other in a stream of bytes.
pub(super) struct FrameStream<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> FrameStream<R> {
    /// Reads frames, the first of which is counted as `number`.
    pub(super) fn new(reader: R, number: usize) -> Self {
        Self { reader, number }
    }
}

impl<R: BufRead> Frames for FrameStream<R> {
    fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        let mut place = FramePlace {
            number: self.number,
            stop: None,
        };
        self.number += 1;
        read_frame(&mut self.reader, &mut place).map_err(|cause| Fault::from(cause).in_frame(place))
    }
}

fn read_frame(reader: &mut impl BufRead, place: &mut FramePlace) -> Result<Option<Frame>, Cause> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut record = Record {
        reader,
        digest: None,
        left: MAX_FRAME_BYTES,
        may_keep: MAX_KEPT_BYTES,
    };
    if record.array::<4>()? != MAGIC {
        return Err(Cause::NotAFrame);
    }
    let digest = match record.u32()? {
        5 => FrameDigest::Version5(VERSION_5.digest()),
        6 => FrameDigest::Version6(VERSION_6.digest()),
        version => return Err(Cause::FrameVersion(version)),
    };
    // The header of the class that holds the stop letter: untracked, version 0.
    if record.array::<2>()? != [0, 0] {
        return Err(Cause::malformed("has an unknown kind of stop"));
    }
    record.digest = Some(digest);
    let [stop] = record.array::<1>()?;
    let stop = char::from(stop);
    if !stop.is_ascii_alphabetic() {
        return Err(Cause::malformed(format!(
            "has the stop {stop:?}, which is no letter"
        )));
    }
    place.stop = Some(stop);
    let keep = matches!(stop, 'Q' | 'P' | 'p');
    let slots = record.slots(keep)?;
    let computed = record.digest.take().map_or(0, FrameDigest::value);
    let stored = record.u32()?;
    if stored != computed {
        return Err(Cause::FrameChecksum { stored, computed });
    }
    Ok(Some(Frame {
        place: *place,
        stop,
        slots,
    }))
}

enum FrameDigest {
    Version5(Digest<'static, u16>),
    Version6(Digest<'static, u32, Table<16>>),
}

impl FrameDigest {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Version5(digest) => digest.update(bytes),
            Self::Version6(digest) => digest.update(bytes),
        }
    }

    fn value(self) -> u32 {
        match self {
            Self::Version5(digest) => digest.finalize().into(),
            Self::Version6(digest) => digest.finalize(),
        }
    }
}

/// A frame while it is read: counts what it costs, and sums what is under the checksum.
struct Record<'a, R> {
    reader: &'a mut R,
    digest: Option<FrameDigest>,
    left: u64,
    may_keep: u64,
}

impl<R: BufRead> Record<'_, R> {
    fn slots(&mut self, keep: bool) -> Result<BTreeMap<String, Vec<u8>>, Cause> {
        let count = self.u32()?;
        if count > MAX_FRAME_SLOTS {
            return Err(Cause::TooLarge {
                what: "the list of objects",
                size: count.into(),
                limit: MAX_FRAME_SLOTS.into(),
            });
        }
        let mut slots = BTreeMap::new();
        for _ in 0..count {
            let key = self.name("the name of an object")?;
            self.name("the name of a type")?;
            let length = self.length("an object", self.left)?;
            if !keep {
                self.skip(length)?;
                continue;
            }
            let blob = self.object(length)?;
            if slots.insert(key.clone(), blob).is_some() {
                return Err(Cause::malformed(format!("has two objects called {key}")));
            }
        }
        Ok(slots)
    }

    /// An object if it is of use, else what names its class.
    fn object(&mut self, length: u64) -> Result<Vec<u8>, Cause> {
        let mut blob = self.bytes(length.min(CLASS_NAME_BYTES), "an object")?;
        let rest = length - blob.len() as u64;
        if !class_name(&blob).is_some_and(|class| KEPT_CLASSES.contains(&class)) {
            self.skip(rest)?;
            return Ok(blob);
        }
        self.may_keep = self.may_keep.checked_sub(length).ok_or(Cause::TooLarge {
            what: "an object",
            size: length,
            limit: self.may_keep,
        })?;
        blob.append(&mut self.bytes(rest, "an object")?);
        Ok(blob)
    }

    fn name(&mut self, what: &'static str) -> Result<String, Cause> {
        let length = self.length(what, MAX_NAME_BYTES)?;
        let bytes = self.bytes(length, what)?;
        // Keys are printed in messages.
        if bytes.is_empty() || !bytes.iter().all(|b| (b' '..=b'~').contains(b)) {
            return Err(Cause::malformed(format!(
                "{what} is not printable: {}",
                bytes.escape_ascii()
            )));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn length(&mut self, what: &'static str, limit: u64) -> Result<u64, Cause> {
        let size = match self.u32()? {
            WIDE_LENGTH => u64::from_le_bytes(self.array()?),
            short => short.into(),
        };
        if size > limit {
            return Err(Cause::TooLarge { what, size, limit });
        }
        Ok(size)
    }

    fn u32(&mut self) -> Result<u32, Cause> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cause> {
        let bytes = self.bytes(N as u64, "a frame")?;
        bytes.try_into().map_err(|_| Cause::Truncated("a frame"))
    }

    /// Reads what is there rather than trusting the length for an allocation.
    fn bytes(&mut self, length: u64, what: &'static str) -> Result<Vec<u8>, Cause> {
        self.spend(length)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(Cause::Truncated(what));
        }
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes);
        }
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> Result<(), Cause> {
        self.spend(length)?;
        let mut left = length;
        while left > 0 {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Err(Cause::Truncated("an object"));
            }
            let taken = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            if let Some(digest) = &mut self.digest {
                digest.update(&buffer[..taken]);
            }
            self.reader.consume(taken);
            left -= taken as u64;
        }
        Ok(())
    }

    fn spend(&mut self, length: u64) -> Result<(), Cause> {
        self.left = self.left.checked_sub(length).ok_or(Cause::TooLarge {
            what: "the frame",
            size: length,
            limit: self.left,
        })?;
        Ok(())
    }
}
