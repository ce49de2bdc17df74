//! The journal: what a scan accepted, durable before its workers are told so, and what another Scanner
//! goes on from.
//!
//! One SQLite file a scan; `docs/journal.md` has its tables for people. [`Journal::create`] writes event,
//! settings and plan, [`Journal::resume`] takes an unfinished one up, [`read`] only looks. A [`Record`] is
//! what a Scanner holds: it hands rows and receipts to one thread that commits whatever has come in
//! one go, and confirms the receipts then.
//!
//! Rows belong to batches, one a commit. Each batch stores the SHA-256 of its rows and of the batch
//! before it: SQLite does not check its pages, so this is how a damaged file is known.
//!
//! Decision: The journal is a SQLite file (`docs/decisions.md`).

mod asked;
mod batch;
mod contents;
mod error;
mod file;
mod keeper;
mod lock;
mod note;
mod place;
mod record;
mod schema;
mod shared;
#[cfg(test)]
mod tests;
mod verified;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

pub use asked::Asked;
use batch::Batch;
pub use contents::Contents;
pub use error::JournalError;
pub use file::NAME_END;
use lock::Lock;
pub use note::{AttemptRow, FailureRow, News, Note, PixelRow, Results};
pub use place::{Found, at, is_journal};
pub use record::{Notes, Record};
pub use verified::read;

/// A journal that this process alone writes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Connection,
    lock: Lock,
    /// Number of the Scanner that writes, counted from 1.
    epoch: i64,
    tip: Tip,
}

/// The last batch of a journal, and the numbers that come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tip {
    batch: i64,
    sha256: [u8; 32],
    next_row: i64,
}

/// Refuses a journal that another process is writing.
///
/// # Errors
/// If one is, or nobody could.
pub fn refuse_held(path: &Path) -> Result<(), JournalError> {
    Lock::take(path).map(drop)
}

impl Journal {
    /// Makes a journal for a scan, whole or not at all.
    ///
    /// # Errors
    /// If there is one already, another process has it, or it cannot be written.
    pub fn create(path: &Path, asked: &Asked) -> Result<Self, JournalError> {
        let lock = Lock::take(path)?;
        if path.exists() {
            return Err(JournalError::Exists(path.to_path_buf()));
        }
        let part = lock::beside(path, "-part");
        let io = |source| JournalError::Io {
            path: path.to_path_buf(),
            source,
        };
        // A log that somebody left behind would be taken for the new one's.
        for left in [
            &part,
            &lock::beside(path, "-wal"),
            &lock::beside(path, "-shm"),
        ] {
            match std::fs::remove_file(left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io(error));
                }
                _ => {}
            }
        }
        let wrong = |source| JournalError::of(path, source);
        let mut made = Connection::open(&part).map_err(wrong)?;
        file::make(&mut made, asked).map_err(wrong)?;
        made.close().map_err(|(_, source)| wrong(source))?;
        std::fs::rename(&part, path)
            .and_then(|()| sync_folder(path))
            .map_err(io)?;
        drop(lock);
        let exists = || JournalError::Exists(path.to_path_buf());
        Self::resume(path)?.0.ok_or_else(exists)
    }

    /// Takes up a journal that some Scanner has left, with all that is in it. One that is finished is not
    /// written to any more.
    ///
    /// # Errors
    /// If it is no journal, of another schema or other numerics, damaged, or another process has it.
    pub fn resume(path: &Path) -> Result<(Option<Self>, Contents), JournalError> {
        let lock = Lock::take(path)?;
        let connection = file::open(path)?;
        let (contents, tip) = verified::contents(path, &connection)?;
        contents.fits_here(path)?;
        if contents.is_finished {
            return Ok((None, contents));
        }
        let mut journal = Self {
            path: path.to_path_buf(),
            connection,
            lock,
            epoch: contents.n_epochs + 1,
            tip,
        };
        journal
            .enter_scanner()
            .map_err(|source| JournalError::of(path, source))?;
        Ok((Some(journal), contents))
    }

    /// From here on whoever wrote before is refused.
    fn enter_scanner(&mut self) -> rusqlite::Result<()> {
        let at_ms = now_ms();
        file::write_ahead(&self.connection)?;
        let transaction = self.connection.transaction()?;
        let mut batch = Batch::after(&transaction, self.epoch, &self.tip);
        batch.scanner(&self.lock.owner().host, at_ms)?;
        let tip = batch.seal(at_ms)?;
        transaction.commit()?;
        self.tip = tip;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first number for tasks of this Scanner: results of tasks of an earlier one are told by theirs.
    pub fn first_task(&self) -> u64 {
        /// More tasks than this no Scanner hands out.
        const TASKS_PER_EPOCH_BITS: u32 = 40;
        (self.epoch.unsigned_abs()) << TASKS_PER_EPOCH_BITS
    }

    /// Removes it: nothing in it is worth going on from.
    ///
    /// # Errors
    /// If the system does not let it go.
    pub fn discard(self) -> Result<(), JournalError> {
        let Self {
            path,
            connection,
            lock,
            ..
        } = self;
        drop(connection);
        let removed = std::fs::remove_file(&path);
        for end in ["-wal", "-shm"] {
            // Usually gone with the connection.
            let _ = std::fs::remove_file(lock::beside(&path, end));
        }
        drop(lock);
        removed.map_err(|source| JournalError::Io { path, source })
    }
}

/// Makes what happened to names in the folder of a file durable.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "for those who look into a journal; it enters no result"
)]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
