//! What a file holds, told by its first bytes and never by its name, with compression taken off.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use super::limits::{
    FREE_UNPACKED_BYTES, MAX_COMPRESSION_LAYERS, MAX_DOCUMENT_BYTES, MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
};
use super::read_error::Cause;
use super::zstd::ZstdReader;

/// Long enough for every magic number, with some white space before a JSON document.
const SNIFFED_BYTES: u64 = 64;

/// A file by what is in it.
pub(super) enum Content {
    /// Frames one after the other.
    Frames(Box<dyn BufRead>),
    /// A JSON document.
    Json(Vec<u8>),
    /// A Python pickle.
    Pickle(Vec<u8>),
}

/// The name that stands for what comes through a pipe.
pub(super) const STANDARD_INPUT: &str = "-";

/// Opens a file, or standard input for `-`, and tells what it holds.
pub(super) fn open(path: &Path) -> Result<Content, Cause> {
    let source: Box<dyn Read> = match path == Path::new(STANDARD_INPUT) {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let packed = Rc::new(Cell::new(0));
    let mut reader: Box<dyn BufRead> = Box::new(BufReader::new(Counted {
        inner: source,
        read: Rc::clone(&packed),
    }));
    for _ in 0..=MAX_COMPRESSION_LAYERS {
        let head = sniff(&mut reader)?;
        let rest = Cursor::new(head.clone()).chain(reader);
        let unpacked: Box<dyn Read> = match head.as_slice() {
            [] => return Err(Cause::Empty),
            [b'[', b'i', b'3', b']', ..] => return Ok(Content::Frames(Box::new(rest))),
            [0x80, 2..=5, ..] => return document(rest).map(Content::Pickle),
            [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(rest)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(ZstdReader::new(rest)),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
                Box::new(bzip2::bufread::MultiBzDecoder::new(rest))
            }
            other if begins_json(other) => return document(rest).map(Content::Json),
            other => {
                let shown = other[..other.len().min(8)].escape_ascii().to_string();
                return Err(Cause::UnknownFormat(shown));
            }
        };
        let bounded = Bounded::new(unpacked, Rc::clone(&packed));
        reader = Box::new(BufReader::with_capacity(1 << 16, bounded));
    }
    Err(Cause::malformed(format!(
        "is compressed more than {MAX_COMPRESSION_LAYERS} times"
    )))
}

/// The first bytes of a stream, fewer only at its end.
fn sniff(reader: &mut impl Read) -> Result<Vec<u8>, Cause> {
    let mut head = Vec::new();
    reader.take(SNIFFED_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

fn begins_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().first() == Some(&b'{')
}

fn document(reader: impl Read) -> Result<Vec<u8>, Cause> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_DOCUMENT_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(Cause::TooLarge {
            what: "the document",
            size: bytes.len() as u64,
            limit: MAX_DOCUMENT_BYTES,
        });
    }
    Ok(bytes)
}

/// Counts what was read of the file itself.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// Stops a decompression bomb.
struct Bounded<R> {
    inner: R,
    unpacked: u64,
    packed: Rc<Cell<u64>>,
}

impl<R: Read> Bounded<R> {
    fn new(inner: R, packed: Rc<Cell<u64>>) -> Self {
        Self {
            inner,
            unpacked: 0,
            packed,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let by_size = FREE_UNPACKED_BYTES + MAX_UNPACKED_RATIO.saturating_mul(self.packed.get());
        let limit = by_size.min(MAX_UNPACKED_BYTES);
        if self.unpacked > limit {
            return Err(io::Error::other(format!(
                "{} bytes of it unpack to more than {limit}",
                self.packed.get()
            )));
        }
        Ok(read)
    }
}
