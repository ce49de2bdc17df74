//! The doors' own connections to their file, in which each has tables of its own.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// How long another connection's write is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the file and makes the tables, if they are not there. What is committed is on the disk.
pub(crate) fn open_tables(file: &Path, tables: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(tables)?;
    Ok(connection)
}
