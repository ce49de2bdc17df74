//! The catalogue: which scans there are, to be listed quickly.
//!
//! It is an index of the folders and holds nothing else. What is missing, stale or damaged is made
//! again from them: at the start, and when SQLite finds something wrong.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::types::ToSql;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use crate::folder::{Folder, Record, is_scan_name};
use crate::live::lock;
use crate::scan::{Scan, ScanName, State};

/// Name of its file.
const FILE: &str = "catalogue.sqlite";
/// Goes up when the table changes; another one is made again.
const SCHEMA: i64 = 1;

const TABLE: &str = "
    CREATE TABLE scans (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        submitted TEXT NOT NULL,
        ended TEXT,
        -- Whether somebody still has to hear of its end.
        is_owed INTEGER NOT NULL,
        -- Of the file that it was read from.
        stamp TEXT NOT NULL,
        scan TEXT NOT NULL
    );
    CREATE INDEX by_age ON scans (submitted, id);
    CREATE INDEX by_state ON scans (state, submitted, id);
";

/// Why the catalogue cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The folders cannot be read.
    #[error("the folders of the scans cannot be read")]
    Folders(#[from] io::Error),
    /// The index cannot be written, not even made again.
    #[error("the catalogue cannot be kept")]
    Index(#[from] rusqlite::Error),
}

/// An index of the folders of all scans.
#[derive(Debug)]
pub(crate) struct Catalogue {
    file: PathBuf,
    scans: PathBuf,
    connection: Mutex<Connection>,
}

/// A row to be written.
#[derive(Debug)]
pub(crate) struct Row {
    scan: Scan,
    is_owed: bool,
    stamp: String,
}

impl Row {
    /// Of a scan whose folder has just been written or read.
    pub(crate) fn of(folder: &Folder, record: &Record) -> io::Result<Self> {
        Ok(Self {
            scan: record.scan.clone(),
            is_owed: record.owes().is_some(),
            stamp: folder.stamp()?,
        })
    }
}

impl Catalogue {
    /// Opens it, and reads the folders that have changed since it was written.
    pub(crate) fn open(root: &Path, scans: &Path) -> Result<Self, CatalogueError> {
        let file = root.join(FILE);
        let opened = open(&file).and_then(|mut connection| {
            let n_read = read_folders(&mut connection, scans)?;
            tracing::info!(n_read, "the catalogue is there");
            Ok(connection)
        });
        let connection = match opened {
            Ok(connection) => connection,
            Err(CatalogueError::Folders(error)) => return Err(error.into()),
            Err(CatalogueError::Index(error)) => make_again(&file, scans, &error)?,
        };
        Ok(Self {
            file,
            scans: scans.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    /// Enters scans, new or changed.
    pub(crate) fn put(&self, rows: &[Row]) -> Result<(), CatalogueError> {
        self.with(|connection| {
            let writing = connection.transaction()?;
            for row in rows {
                put(&writing, row)?;
            }
            writing.commit()
        })
    }

    /// Forgets a scan.
    pub(crate) fn remove(&self, id: &ScanName) -> Result<(), CatalogueError> {
        self.with(|connection| {
            connection.execute("DELETE FROM scans WHERE id = ?1", [&id.0])?;
            Ok(())
        })
    }

    /// The scans of a state, or all, newest first; those that came before another one, if that is
    /// named. None if there is no such other.
    pub(crate) fn list(
        &self,
        state: Option<State>,
        limit: usize,
        before: Option<&ScanName>,
    ) -> Result<Option<Vec<Scan>>, CatalogueError> {
        self.with(|connection| {
            let mut from: Option<(String, String)> = None;
            if let Some(before) = before {
                let select = "SELECT submitted, id FROM scans WHERE id = ?1";
                let at = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                from = connection.query_row(select, [&before.0], at).optional()?;
                if from.is_none() {
                    return Ok(None);
                }
            }
            let mut select = "SELECT scan FROM scans WHERE 1".to_owned();
            let mut values: Vec<&dyn ToSql> = Vec::new();
            let word = state.map(State::word);
            if let Some(word) = &word {
                select += " AND state = ?";
                values.push(word);
            }
            if let Some((submitted, id)) = &from {
                select += " AND (submitted, id) < (?, ?)";
                values.extend([submitted as &dyn ToSql, id]);
            }
            select += " ORDER BY submitted DESC, id DESC LIMIT ?";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            values.push(&limit);
            let mut select = connection.prepare(&select)?;
            let rows = select.query_map(values.as_slice(), |row| row.get::<_, String>(0))?;
            let mut scans = Vec::new();
            for row in rows {
                match serde_json::from_str(&row?) {
                    Ok(scan) => scans.push(scan),
                    Err(error) => tracing::warn!(%error, "a scan of the catalogue is no scan"),
                }
            }
            Ok(Some(scans))
        })
    }

    /// The scans that have not ended, and those of whose end somebody has to hear, oldest first.
    pub(crate) fn unfinished(&self) -> Result<Vec<ScanName>, CatalogueError> {
        let select = "SELECT id FROM scans WHERE state IN ('queued', 'running') OR is_owed \
                      ORDER BY submitted, id";
        self.with(|connection| names(connection, select, &[]))
    }

    /// Some of the scans that ended before a time.
    pub(crate) fn ended_before(
        &self,
        time: &str,
        limit: u32,
    ) -> Result<Vec<ScanName>, CatalogueError> {
        let select = "SELECT id FROM scans WHERE ended < ?1 AND NOT is_owed \
                      AND state NOT IN ('queued', 'running') ORDER BY ended LIMIT ?2";
        self.with(|connection| names(connection, select, &[&time, &limit]))
    }

    fn with<T>(
        &self,
        act: impl Fn(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogueError> {
        let mut connection = lock(&self.connection);
        match act(&mut connection) {
            Err(error) if is_damage(&error) => {
                // Closed before its files go: SQLite removes what lies beside them by name.
                *connection = Connection::open_in_memory()?;
                *connection = make_again(&self.file, &self.scans, &error)?;
                Ok(act(&mut connection)?)
            }
            done => Ok(done?),
        }
    }
}

/// Whether a catalogue is to be made again; a full disk is not mended by that.
fn is_damage(error: &rusqlite::Error) -> bool {
    let other = [
        ErrorCode::DiskFull,
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::OutOfMemory,
    ];
    error
        .sqlite_error_code()
        .is_some_and(|code| !other.contains(&code))
}

fn open(file: &Path) -> Result<Connection, CatalogueError> {
    let connection = Connection::open(file)?;
    // What is lost with the machine's power is read from the folders again.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;",
    )?;
    let schema: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" || ![0, SCHEMA].contains(&schema) {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(error, Some(found)).into());
    }
    if schema == 0 {
        connection.execute_batch(TABLE)?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
    }
    Ok(connection)
}

fn make_again(
    file: &Path,
    scans: &Path,
    error: &rusqlite::Error,
) -> Result<Connection, CatalogueError> {
    tracing::warn!(%error, "the catalogue is damaged and is made again from the folders");
    for ending in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _gone => {}
        }
    }
    let mut connection = open(file)?;
    read_folders(&mut connection, scans)?;
    Ok(connection)
}

/// Reads the folders that changed since they were entered, and forgets those that are gone or hold
/// no scan any more.
fn read_folders(connection: &mut Connection, scans: &Path) -> Result<usize, CatalogueError> {
    let mut entered: HashMap<String, String> = connection
        .prepare("SELECT id, stamp FROM scans")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let writing = connection.transaction()?;
    let mut n_read = 0;
    for entry in fs::read_dir(scans)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !is_scan_name(&name) {
            continue;
        }
        let folder = Folder::at(entry.path());
        let stamp = folder.stamp().ok();
        if stamp.is_some() && stamp.as_ref() == entered.get(&name) {
            entered.remove(&name);
            continue;
        }
        match folder.read().and_then(|record| Row::of(&folder, &record)) {
            Ok(row) if row.scan.id.0 == name => {
                put(&writing, &row)?;
                entered.remove(&name);
                n_read += 1;
            }
            Ok(_other) => tracing::warn!(name, "a folder holds a scan of another name"),
            Err(error) => {
                tracing::warn!(name, %error, "a folder holds no scan: bring its alert again, or restore its scan.json")
            }
        }
    }
    for gone in entered.into_keys() {
        writing.execute("DELETE FROM scans WHERE id = ?1", [gone])?;
    }
    writing.commit()?;
    Ok(n_read)
}

fn put(writing: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    let Row {
        scan,
        is_owed,
        stamp,
    } = row;
    let words = serde_json::to_string(scan)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    writing
        .prepare("INSERT OR REPLACE INTO scans VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            scan.id.0,
            scan.state.word(),
            scan.submitted,
            scan.ended,
            is_owed,
            stamp,
            words
        ])?;
    Ok(())
}

fn names(
    connection: &Connection,
    select: &str,
    values: &[&dyn ToSql],
) -> rusqlite::Result<Vec<ScanName>> {
    connection
        .prepare(select)?
        .query_map(values, |row| row.get(0).map(ScanName))?
        .collect()
}

#[cfg(test)]
mod tests;
