//! Where what comes in and what goes out meet the rest of the service.
//!
//! Alerts are brought to a [`Desk`], through whatever door: HTTP, a watched folder, a program of
//! the operator's ([`arriving`](crate::arriving)). What becomes of their scans is handed to whoever
//! [`Tells`]: the outbox, which keeps it until a webhook and a program of the operator's have it
//! ([`leaving`](crate::leaving)).

mod backoff;
mod letter;
mod lines;
mod program;
mod tables;
mod threads;

use std::fmt::Debug;
use std::path::PathBuf;

use crate::engine::Refused;
use crate::scan::{Scan, ScanName};
use crate::settings::{Priority, Settings};

pub use backoff::Pace;
pub use letter::{Letter, MOST_LETTER_BYTES, Moment};
pub(crate) use lines::{LastLine, Line, next_line, quoted, to_log};
pub use program::{BadCommand, Program};
pub(crate) use program::{Input, Started};
pub(crate) use tables::open_tables;
pub use threads::Stop;
pub(crate) use threads::Threads;

/// Longest event that is taken from a file of the watched folder, and longest line of a program
/// that brings alerts.
pub const MOST_EVENT_BYTES: usize = 64 << 20;

/// What somebody brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The alert.
    pub event: Brought,
    /// What is asked of its scan.
    pub settings: Settings,
    /// Which scan gets workers first.
    pub priority: Priority,
    /// Which door it came through, and who brought it: the `from` of its [`Scan`].
    pub from: String,
}

/// An event as it is brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// A file of the operator's, to be copied.
    File(PathBuf),
    /// What such a file holds; its format is told by what is in it.
    Bytes(Vec<u8>),
}

/// Takes what is brought.
pub trait Desk: Debug + Send + Sync {
    /// Takes an alert. Returns once it is safe on the disk; may be called from many threads.
    ///
    /// # Errors
    /// If it is not taken, now or ever.
    fn submit(&self, submission: Submission) -> Result<Submitted, NotTaken>;
}

/// An alert that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// Its scan.
    pub scan: Scan,
    /// Whether nobody had brought it before.
    pub is_new: bool,
}

/// Why an alert was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Something is wrong with it, and will be tomorrow.
    Refused(Refused),
    /// The service cannot, such as when the disk is full: it is to be brought again.
    NotNow(String),
}

impl From<Refused> for NotTaken {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Is told what became of scans, and keeps it until everybody has it.
///
/// Called for each preliminary contour (once a scan), each stable one (once) and each end, in this
/// order. It is safe on the disk when the call returns. What was told already is not told again: a
/// desk that does not know whether it had told the end of a scan when it was killed tells it again
/// when it is back.
pub trait Tells: Debug + Send + Sync {
    /// Takes a letter.
    fn tell(&self, letter: Letter);

    /// Forgets a scan that is removed, and what waits to be told of it.
    fn forget(&self, scan: &ScanName) {
        let _nothing_kept = scan;
    }
}

#[cfg(test)]
pub(crate) mod tests;
