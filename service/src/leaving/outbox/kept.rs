//! Letters in a file.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::doors::{Letter, Moment, open_tables};

use super::super::Outgoing;

/// A letter stays, without its body, when everybody has it: so that it is not told again.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- in the order in which they are told
    id TEXT NOT NULL UNIQUE,
    scan TEXT NOT NULL,
    moment TEXT NOT NULL,
    body TEXT                                   -- JSON, while somebody waits for it
);
CREATE INDEX IF NOT EXISTS letters_of_scan ON letters (scan);
CREATE TABLE IF NOT EXISTS letters_waiting (
    number INTEGER NOT NULL REFERENCES letters (number),
    receiver TEXT NOT NULL,
    PRIMARY KEY (number, receiver)
) WITHOUT ROWID;
";

#[derive(Debug)]
pub(super) struct Kept(Connection);

/// A letter that is new.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) number: i64,
    /// Letters that are not told any more because of it.
    pub(super) superseded: Vec<i64>,
}

impl Kept {
    pub(super) fn open(file: &Path) -> rusqlite::Result<Self> {
        Ok(Self(open_tables(file, TABLES)?))
    }

    /// Writes a letter down for these receivers; none if it was written down before.
    pub(super) fn enter(
        &mut self,
        letter: &Letter,
        receivers: &[&str],
    ) -> rusqlite::Result<Option<Entered>> {
        let scan = &letter.scan.id.0;
        let transaction = self.0.transaction()?;
        let n_new = transaction
            .prepare("INSERT OR IGNORE INTO letters (id, scan, moment, body) VALUES (?, ?, ?, ?)")?
            .execute(params![
                letter.id(),
                scan,
                letter.moment.word(),
                letter.body.to_string()
            ])?;
        if n_new == 0 {
            return Ok(None);
        }
        let number = transaction.last_insert_rowid();
        let superseded = superseded(&transaction, letter, number)?;
        for number in &superseded {
            transaction.execute("DELETE FROM letters_waiting WHERE number = ?", [number])?;
            transaction.execute("UPDATE letters SET body = NULL WHERE number = ?", [number])?;
        }
        for receiver in receivers {
            transaction
                .prepare("INSERT INTO letters_waiting (number, receiver) VALUES (?, ?)")?
                .execute(params![number, receiver])?;
        }
        transaction.commit()?;
        Ok(Some(Entered { number, superseded }))
    }

    /// What a receiver waits for, in order: scans and numbers.
    pub(super) fn waiting(&self, receiver: &str) -> rusqlite::Result<Vec<(String, i64)>> {
        let mut find = self.0.prepare(
            "SELECT scan, number FROM letters_waiting JOIN letters USING (number)
             WHERE receiver = ? ORDER BY number",
        )?;
        let rows = find.query_map([receiver], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// How many letters wait for receivers that are none of these.
    pub(super) fn waiting_for_others(
        &self,
        receivers: &[&str],
    ) -> rusqlite::Result<Vec<(String, i64)>> {
        let mut find = self
            .0
            .prepare("SELECT receiver, count(*) FROM letters_waiting GROUP BY receiver")?;
        let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut rows: Vec<(String, i64)> = rows.collect::<Result<_, _>>()?;
        rows.retain(|(receiver, _)| !receivers.contains(&receiver.as_str()));
        Ok(rows)
    }

    /// A letter that somebody waits for.
    pub(super) fn read(&self, number: i64) -> rusqlite::Result<Option<Outgoing>> {
        let mut find = self.0.prepare(
            "SELECT id, scan, moment, body FROM letters WHERE number = ? AND body IS NOT NULL",
        )?;
        let found = find.query_row([number], |row| {
            let moment = Value::String(row.get(2)?);
            Ok(Outgoing {
                id: row.get(0)?,
                scan: row.get(1)?,
                moment: serde_json::from_value(moment).map_err(|error| {
                    let kind = rusqlite::types::Type::Text;
                    rusqlite::Error::FromSqlConversionFailure(2, kind, Box::new(error))
                })?,
                body: row.get(3)?,
            })
        });
        found.optional()
    }

    /// A receiver has it, or does not want it.
    pub(super) fn taken(&mut self, number: i64, receiver: &str) -> rusqlite::Result<()> {
        let transaction = self.0.transaction()?;
        transaction
            .prepare("DELETE FROM letters_waiting WHERE number = ? AND receiver = ?")?
            .execute(params![number, receiver])?;
        transaction
            .prepare(
                "UPDATE letters SET body = NULL WHERE number = ?1
                 AND NOT EXISTS (SELECT 1 FROM letters_waiting WHERE number = ?1)",
            )?
            .execute([number])?;
        transaction.commit()
    }

    /// Removes all that was told, or is to be, of a scan.
    pub(super) fn forget(&self, scan: &str) -> rusqlite::Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        transaction.execute(
            "DELETE FROM letters_waiting WHERE number IN (SELECT number FROM letters WHERE scan = ?)",
            [scan],
        )?;
        transaction.execute("DELETE FROM letters WHERE scan = ?", [scan])?;
        transaction.commit()
    }
}

/// Contours that wait though there is a later letter about their scan.
fn superseded(connection: &Connection, letter: &Letter, number: i64) -> rusqlite::Result<Vec<i64>> {
    let mut find = connection.prepare(
        "SELECT number FROM letters WHERE scan = ? AND number < ? AND moment IN (?, ?)
         AND body IS NOT NULL",
    )?;
    let (preliminary, stable) = (Moment::Preliminary.word(), Moment::Stable.word());
    let rows = find.query_map(
        params![letter.scan.id.0, number, preliminary, stable],
        |row| row.get(0),
    )?;
    rows.collect()
}
