//! A keeper without its thread, for tests: it writes what it is told at once.

use rusqlite::params;

use super::{Keeper, Load};
use crate::{JournalError, Note, Results};

impl Keeper {
    /// Writes, once, then confirms.
    pub(crate) fn put(&mut self, results: Results) -> Result<(), JournalError> {
        let mut load = Load::new(None);
        load.add(Note::Results(results));
        self.commit(&load)?;
        load.confirm();
        Ok(())
    }

    /// Does something else with the file.
    pub(crate) fn sql(&self, sql: &str) {
        let connection = &self.journal.connection;
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query(params![]).unwrap();
        while rows.next().unwrap().is_some() {}
    }
}
