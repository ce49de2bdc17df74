//! The file of a journal: how it is made, opened and known.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::asked::Asked;
use super::batch::{self, Chain};
use super::schema::{JOURNAL, SCHEMA, TABLES, TABLES_SQL};
use super::{JournalError, now_ms};
use skyscan_reco::NUMERICS;

/// How the names of journals end, after the name of the event.
pub const NAME_END: &str = ".scan.db";

/// By which `file` and others know a journal: `skys`.
const APPLICATION: i64 = 0x736b_7973;
/// How long another program may be writing before that is told.
const BUSY_MS: u32 = 2000;

/// Whether a file has the name of a journal.
pub(super) fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.ends_with(NAME_END))
}

/// Makes the tables in an empty file and fills in what does not change any more.
pub(super) fn make(connection: &mut Connection, asked: &Asked) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", SCHEMA)?;
    let at_ms = now_ms();
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES_SQL)?;
    transaction.execute(
        &TABLES[JOURNAL].insert(),
        (
            SCHEMA,
            i64::from(NUMERICS),
            env!("CARGO_PKG_VERSION"),
            at_ms,
        ),
    )?;
    asked.write(&transaction)?;
    let mut chain = Chain::default();
    for (mark, table) in TABLES.iter().enumerate().filter(|(_, table)| table.is_head) {
        chain.read(&transaction, mark, table, |_| Ok(()))?;
    }
    let sha256 = chain.seal(&[0; 32], 0, 0, at_ms);
    batch::enter(&transaction, 0, 0, at_ms, &sha256)?;
    transaction.commit()
}

/// Opens a journal to write to it.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Makes commits durable before they return, and lets others read meanwhile.
pub(super) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Opens a journal to look at it, whoever writes to it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, JournalError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, how: OpenFlags) -> Result<Connection, JournalError> {
    // SQLite would make one, or call it a database that cannot be opened.
    let metadata = std::fs::metadata(path).map_err(|source| JournalError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    // Who opens a pipe waits for somebody who writes to it.
    if !metadata.is_file() {
        return Err(JournalError::Foreign(path.to_path_buf()));
    }
    let open = || {
        let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(std::time::Duration::from_millis(u64::from(BUSY_MS)))?;
        let pragma =
            |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        Ok((
            pragma("application_id")?,
            pragma("user_version")?,
            connection,
        ))
    };
    let damaged = |what: String| JournalError::Damaged {
        path: path.to_path_buf(),
        batch: 0,
        what,
    };
    let (application, version, connection) =
        open().map_err(|source: rusqlite::Error| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) if is_named_so(path) => damaged(source.to_string()),
            Some(ErrorCode::NotADatabase) => JournalError::Foreign(path.to_path_buf()),
            Some(ErrorCode::DatabaseCorrupt) => damaged(source.to_string()),
            _ => JournalError::of(path, source),
        })?;
    if (application, version) == (APPLICATION, SCHEMA) {
        return Ok(connection);
    }
    // What the head of the file says, a table says again.
    let told = connection.query_row("SELECT schema FROM journal", [], |row| row.get::<_, i64>(0));
    match told {
        Ok(told) if application == APPLICATION && told == version => Err(JournalError::Schema {
            path: path.to_path_buf(),
            found: version,
            ours: SCHEMA,
        }),
        Ok(_) => Err(damaged("the head of the file".to_owned())),
        Err(_) if is_named_so(path) => Err(damaged("the head of the file".to_owned())),
        Err(_) => Err(JournalError::Foreign(path.to_path_buf())),
    }
}
