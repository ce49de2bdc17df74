//! Why a journal cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system does not let it be made or read.
    #[error("cannot use the journal {path}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite cannot use it.
    #[error("cannot use the journal {path} ({})", todo(source))]
    Sqlite {
        /// Which one.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// There is one of this name.
    #[error("{0} is there already")]
    Exists(PathBuf),
    /// It is something else.
    #[error("{0} is no journal of a scan")]
    Foreign(PathBuf),
    /// Its tables are not those of this release.
    #[error(
        "{path} has tables of version {found}, this release knows version {ours}: use the release that \
         made it"
    )]
    Schema {
        /// Which one.
        path: PathBuf,
        /// Version of its tables.
        found: i64,
        /// Version that is known.
        ours: i64,
    },
    /// Its likelihoods would not fit to those computed here, bit by bit.
    #[error(
        "{path} was computed with numerics {found}, this release has {ours}: no map may hold both. Use \
         the release that began it ({release}), or scan anew elsewhere"
    )]
    Numerics {
        /// Which one.
        path: PathBuf,
        /// Number of those that are in it.
        found: i64,
        /// Number of this release.
        ours: i64,
        /// The release that made it.
        release: String,
    },
    /// What is in it is not what was written.
    #[error(
        "{path} is damaged in batch {batch} ({what}): restore a copy of the file, or move it away and \
         scan anew"
    )]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// The first batch that is not what was written; those before it are.
        batch: i64,
        /// What was noticed.
        what: String,
    },
    /// It holds pixels that its plan does not ask for.
    #[error("{path} holds {n_pixels} pixels that its plan does not ask for")]
    Unplanned {
        /// Which one.
        path: PathBuf,
        /// How many.
        n_pixels: usize,
    },
    /// A Scanner is at work on it.
    #[error("another scanner has {path}: {owner}. Stop it first, or wait for it")]
    Held {
        /// Which one.
        path: PathBuf,
        /// Process, host and since when.
        owner: String,
    },
    /// Another Scanner took it up meanwhile.
    #[error("another scanner has taken {path} over: {owner}. What came here since is refused")]
    Fenced {
        /// Which one.
        path: PathBuf,
        /// Process, host and since when.
        owner: String,
    },
}

impl JournalError {
    /// Whether nobody can ever go on from it here, since of what is in it: not since somebody has it, or the disk does
    /// not give it.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Foreign(_)
            | Self::Schema { .. }
            | Self::Numerics { .. }
            | Self::Damaged { .. }
            | Self::Unplanned { .. } => true,
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            Self::Io { .. } | Self::Exists(_) | Self::Held { .. } | Self::Fenced { .. } => false,
        }
    }

    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        Self::Sqlite {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Whether it may pass when somebody makes room or gives the disk back.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Io { .. } => true,
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::ReadOnly
                        | ErrorCode::CannotOpen
                        | ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::PermissionDenied
                        | ErrorCode::OutOfMemory
                )
            ),
            _ => false,
        }
    }

    /// What SQLite or the system said, and what to do about it.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Sqlite { source, .. } => format!("{source}: {}", todo(source)),
            Self::Io { source, .. } => format!("{source}: {LOOK}"),
            other => format!("{other}: {LOOK}"),
        }
    }
}

/// What to do where nothing better is known.
const LOOK: &str = "look at its disk";

/// What to do about what SQLite said.
fn todo(said: &rusqlite::Error) -> &'static str {
    match said.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room there",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "make its folder writable again"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "end the program that writes to it"
        }
        Some(ErrorCode::ConstraintViolation) => "another program wrote to it: end one of them",
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "restore a copy of the file, or move it away and scan anew"
        }
        _ => LOOK,
    }
}
