//! What a file holds, told by its first bytes and never by its name, with compression taken off.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::limits::{MAX_COMPRESSION_LAYERS, MAX_DOCUMENT_BYTES, MAX_UNPACKED_BYTES};
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

/// Opens a file and tells what it holds.
pub(super) fn open(path: &Path) -> Result<Content, Cause> {
    let mut reader: Box<dyn BufRead> = Box::new(BufReader::new(File::open(path)?));
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
        reader = Box::new(BufReader::with_capacity(1 << 16, Bounded::new(unpacked)));
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

/// Stops a decompression bomb.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            left: MAX_UNPACKED_BYTES,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("unpacks to more than {MAX_UNPACKED_BYTES} bytes"))
        })?;
        Ok(read)
    }
}
