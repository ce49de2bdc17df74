//! Serialized frame objects: the portable binary archive they are written in.
//!
//! Two rules make everything parse. The first time a class is met inside an object, a header with
//! its tracking flag and version precedes it; later instances have none. If the flag is set, every
//! instance is preceded by a number that counts up from 0 over the whole object. Both are verified.

use super::read_error::Cause;

const WIDE_LENGTH: u32 = u32::MAX;
const WIDE_VERSION: u8 = u8::MAX;

/// Classes that carry a header, as far as they are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    FrameObject,
    Time,
    Position,
    Direction,
    OmKey,
    Pulse,
    TimeWindow,
    TimeWindowSeries,
    Map,
    Pair,
    PulseSeries,
    List,
    Bitmask,
    BitmaskVector,
    KeyVector,
    StampVector,
    HeaderVector,
    ByteVector,
    SizeCodec,
}

struct Known {
    class: Class,
    tracked: bool,
    version: u64,
}

/// Reads one frame object from front to back.
pub(super) struct Archive<'a> {
    left: &'a [u8],
    known: Vec<Known>,
    next_object: u32,
}

/// Enough of an object for [`class_name`], for every class that is read.
pub(super) const CLASS_NAME_BYTES: u64 = 64;

/// The name of the class that an object holds, which says how to read it; the type name beside the
/// object depends on the compiler.
pub(super) fn class_name(blob: &[u8]) -> Option<&str> {
    let mut archive = Archive {
        left: blob,
        known: Vec::new(),
        next_object: 0,
    };
    archive.prologue().ok()
}

impl<'a> Archive<'a> {
    /// Begins an object that must hold the class called `wanted`; also returns its version.
    pub(super) fn open(blob: &'a [u8], wanted: &'static str) -> Result<(Self, u64), Cause> {
        let mut archive = Self {
            left: blob,
            known: Vec::new(),
            next_object: 0,
        };
        let found = archive.prologue()?;
        if found != wanted {
            return Err(Cause::WrongClass {
                found: found.to_owned(),
                wanted,
            });
        }
        let tracked = archive.flag()?;
        let version = archive.version()?;
        if tracked {
            archive.object_number()?;
        }
        Ok((archive, version))
    }

    fn prologue(&mut self) -> Result<&'a str, Cause> {
        // The pointer that the object hangs on: untracked, version 1, any class number but null.
        if self.array()? != [0, 1] {
            return Err(Cause::malformed("does not begin like a frame object"));
        }
        if self.i16()? < 0 {
            return Err(Cause::malformed("is a null pointer"));
        }
        let name = self.string()?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Cause::malformed("has no printable class name"));
        }
        Ok(name)
    }

    /// Enters an instance of a class and returns the version of the class.
    pub(super) fn enter(&mut self, class: Class) -> Result<u64, Cause> {
        let position = match self.known.iter().position(|known| known.class == class) {
            Some(position) => position,
            None => {
                let tracked = self.flag()?;
                let version = self.version()?;
                self.known.push(Known {
                    class,
                    tracked,
                    version,
                });
                self.known.len() - 1
            }
        };
        let Known {
            tracked, version, ..
        } = self.known[position];
        if tracked {
            self.object_number()?;
        }
        Ok(version)
    }

    /// The base class, which holds nothing.
    pub(super) fn frame_object(&mut self) -> Result<(), Cause> {
        self.enter(Class::FrameObject).map(|_| ())
    }

    fn object_number(&mut self) -> Result<(), Cause> {
        let number = self.u32()?;
        if number != self.next_object {
            return Err(Cause::malformed(format!(
                "counts object {number} where {} is due",
                self.next_object
            )));
        }
        self.next_object += 1;
        Ok(())
    }

    fn flag(&mut self) -> Result<bool, Cause> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Cause::malformed(format!("has a tracking flag of {other}"))),
        }
    }

    fn version(&mut self) -> Result<u64, Cause> {
        match self.u8()? {
            WIDE_VERSION => Ok(u64::from_le_bytes(self.array()?)),
            short => Ok(short.into()),
        }
    }

    /// Ends the object; bytes left over mean that it was misread.
    pub(super) fn finish(self) -> Result<(), Cause> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(Cause::malformed(format!("has {left} bytes too many"))),
        }
    }

    /// A number of elements of at least `smallest` bytes each, which must fit into what is left.
    pub(super) fn count(&mut self, smallest: usize) -> Result<usize, Cause> {
        let count = match self.u32()? {
            WIDE_LENGTH => u64::from_le_bytes(self.array()?),
            short => short.into(),
        };
        self.fits(count, smallest)
    }

    /// Checks a number of elements against what is left.
    pub(super) fn fits(&self, count: u64, smallest: usize) -> Result<usize, Cause> {
        let limit = (self.left.len() / smallest.max(1)) as u64;
        match usize::try_from(count) {
            Ok(fitting) if count <= limit => Ok(fitting),
            _ => Err(Cause::TooLarge {
                what: "a list in the object",
                size: count,
                limit,
            }),
        }
    }

    /// The next bytes as they are.
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Cause> {
        let (taken, left) = self
            .left
            .split_at_checked(length)
            .ok_or(Cause::Truncated("the object"))?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cause> {
        let (taken, left) = self
            .left
            .split_first_chunk()
            .ok_or(Cause::Truncated("the object"))?;
        self.left = left;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Cause> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Cause> {
        self.array().map(u16::from_le_bytes)
    }

    fn i16(&mut self) -> Result<i16, Cause> {
        self.array().map(i16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Cause> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Cause> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Cause> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn f32(&mut self) -> Result<f32, Cause> {
        self.array().map(f32::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, Cause> {
        self.array().map(f64::from_le_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a str, Cause> {
        let length = self.count(1)?;
        std::str::from_utf8(self.bytes(length)?)
            .map_err(|_| Cause::malformed("has text that is not UTF-8"))
    }
}
