//! Which files were brought, over restarts.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::doors::{Submitted, open_tables};

use super::look::{Ripe, Version};

/// One row a name: the version that was brought last, and what became of it.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS folder_files (
    name BLOB PRIMARY KEY,          -- bytes of the file's name
    bytes INTEGER NOT NULL,         -- its size
    changed_ns INTEGER NOT NULL,    -- when it was changed, nanoseconds since 1970
    brought INTEGER NOT NULL,       -- when it was brought, seconds since 1970
    scan TEXT,                      -- its scan
    refused TEXT                    -- or why it has none
) WITHOUT ROWID;
";

/// A file that has gone from the folder is forgotten after so long; until then it may be moved back, or restored.
const REMEMBERED_S: i64 = 30 * 24 * 3600;

#[derive(Debug)]
pub(super) struct Memory(Connection);

impl Memory {
    pub(super) fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = open_tables(file, TABLES)?;
        // A row that a crash takes away means a file that is brought again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self(connection))
    }

    /// Whether this version was brought.
    pub(super) fn knows(&self, file: &Ripe) -> rusqlite::Result<bool> {
        let mut find = self
            .0
            .prepare("SELECT bytes, changed_ns FROM folder_files WHERE name = ?")?;
        let found = find.query_row(params![file.name.as_bytes()], |row| {
            Ok(Version {
                bytes: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                changed_ns: row.get(1)?,
            })
        });
        Ok(found.optional()? == Some(file.version))
    }

    /// This version was brought.
    pub(super) fn keep(
        &self,
        file: &Ripe,
        outcome: &Result<Submitted, String>,
    ) -> rusqlite::Result<()> {
        let mut keep = self.0.prepare(
            "REPLACE INTO folder_files (name, bytes, changed_ns, brought, scan, refused)
             VALUES (?, ?, ?, unixepoch(), ?, ?)",
        )?;
        keep.execute(params![
            file.name.as_bytes(),
            i64::try_from(file.version.bytes).unwrap_or(i64::MAX),
            file.version.changed_ns,
            outcome.as_ref().ok().map(|submitted| &submitted.scan.id.0),
            outcome.as_ref().err(),
        ])?;
        Ok(())
    }

    /// Forgets files that have gone long ago.
    pub(super) fn forget_old(&self, folder: &Path) -> rusqlite::Result<()> {
        let mut find = self
            .0
            .prepare("SELECT name FROM folder_files WHERE brought < unixepoch() - ?")?;
        let names = find.query_map([REMEMBERED_S], |row| row.get::<_, Vec<u8>>(0))?;
        let names: Vec<Vec<u8>> = names.collect::<Result<_, _>>()?;
        for name in names {
            let file = folder.join(OsStr::from_bytes(&name));
            let there = file.symlink_metadata();
            if matches!(there, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                self.0
                    .execute("DELETE FROM folder_files WHERE name = ?", [name])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Ripe {
        let version = Version {
            bytes: 1,
            changed_ns: 2,
        };
        Ripe {
            name: name.into(),
            version,
        }
    }

    #[test]
    fn files_that_have_gone_are_forgotten_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(&folder.path().join("doors.sqlite")).unwrap();
        std::fs::write(folder.path().join("there"), "").unwrap();
        for name in ["there", "old", "new"] {
            let outcome = Err("rubbish".to_owned());
            memory.keep(&file(name), &outcome).unwrap();
        }
        let earlier =
            "UPDATE folder_files SET brought = brought - ? WHERE name <> CAST('new' AS BLOB)";
        memory.0.execute(earlier, [REMEMBERED_S + 60]).unwrap();
        memory.forget_old(folder.path()).unwrap();
        let known = ["there", "old", "new"].map(|name| memory.knows(&file(name)).unwrap());
        assert_eq!(known, [true, false, true]);
    }
}
