//! Why an event could not be read: one line that names the file, the frame, the key and the cause.

use std::fmt;
use std::path::{Path, PathBuf};

use super::limits::MAX_ERROR_CHARS;

/// An event could not be read.
///
/// Prints as one line of bounded length whatever the file holds, with the cause spelled out, so a
/// caller need not walk the chain of sources.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    fault: Fault,
}

impl ReadError {
    pub(super) fn new(path: &Path, fault: Fault) -> Self {
        Self {
            path: path.to_owned(),
            fault,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}: {}", self.path.display(), self.fault);
        // Names and messages may carry bytes of a hostile file: they must not break the line or
        // move the cursor of a terminal.
        for (count, c) in line.chars().enumerate() {
            if count == MAX_ERROR_CHARS {
                return f.write_str("...");
            }
            fmt::Write::write_char(f, if c.is_control() { ' ' } else { c })?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.fault.cause)
    }
}

/// Where a frame stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FramePlace {
    /// Counted from 1.
    pub(super) number: usize,
    /// Stop letter, once it is known.
    pub(super) stop: Option<char>,
}

/// A cause with what is known of its place.
#[derive(Debug)]
pub(super) struct Fault {
    frame: Option<FramePlace>,
    key: Option<String>,
    cause: Cause,
}

impl Fault {
    /// Fills in the frame if the fault does not name one yet.
    pub(super) fn in_frame(mut self, frame: FramePlace) -> Self {
        self.frame.get_or_insert(frame);
        self
    }
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self {
            frame: None,
            key: None,
            cause,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(frame) = self.frame {
            write!(f, "frame {}", frame.number)?;
            if let Some(stop) = frame.stop {
                write!(f, " ({stop})")?;
            }
            f.write_str(": ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}", self.cause)
    }
}

/// What went wrong, apart from where.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("cannot be read: {0}")]
    Io(std::io::Error),
    #[error("ends in the middle of {0}")]
    Truncated(&'static str),
    #[error("{what} is {size} long, more than the {limit} that is accepted")]
    TooLarge {
        what: &'static str,
        size: u64,
        limit: u64,
    },
    #[error("is empty")]
    Empty,
    #[error(
        "is neither an .i3 file, an alert (JSON or pickle), a scanner's startup.json nor a skyscan event \
         (it begins with {0})"
    )]
    UnknownFormat(String),
    #[error("does not begin with [i3]")]
    NotAFrame,
    #[error("has frame format version {0}, but only 5 and 6 are read")]
    FrameVersion(u32),
    #[error("checksum is {computed:08x} but the frame says {stored:08x}: the frame is damaged")]
    FrameChecksum { stored: u32, computed: u32 },
    #[error("is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    #[error("zlib stream is damaged: {0}")]
    Zlib(std::io::Error),
    #[error("pickle: {0}")]
    Pickle(String),
    #[error("JSON: {0}")]
    Json(String),
    #[error("holds {found} where {wanted} is needed")]
    WrongClass { found: String, wanted: &'static str },
    #[error(
        "unknown class {}: pulses are read from I3RecoPulseSeriesMap, its masks and unions, and I3SuperDST",
        shown(.0)
    )]
    UnknownClass(String),
    #[error("{class} version {version} is not read")]
    ClassVersion { class: &'static str, version: u64 },
    #[error("no such pulse series; there are: {}", List(.0))]
    NoSeries(Vec<String>),
    #[error("no known pulse series, name one with --pulses; there are: {}", List(.0))]
    NoKnownSeries(Vec<String>),
    #[error("has no in-ice pulses")]
    NoPulses,
    #[error("has no event {wanted}; there are: {}", List(.found))]
    NoSuchEvent { wanted: u32, found: Vec<String> },
    #[error("has no physics frame")]
    NoEvent,
    #[error("{0}")]
    Malformed(String),
}

impl Cause {
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed(message.into())
    }

    /// Names the frame object that the cause was found in.
    pub(super) fn at_key(self, key: &str) -> Fault {
        Fault {
            frame: None,
            key: Some(key.to_owned()),
            cause: self,
        }
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // Decompressors report a stream that was cut off this way.
            std::io::ErrorKind::UnexpectedEof => Self::Truncated("the compressed stream"),
            _ => Self::Io(error),
        }
    }
}

/// A name out of a file, cut.
fn shown(name: &str) -> &str {
    name.get(..60).unwrap_or(name)
}

/// A list for a reader's eye: the first ten, and how many more.
struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0[..self.0.len().min(SHOWN)].join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
