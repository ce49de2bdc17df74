//! Batches: the rows of one commit, and their digest.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Transaction, params_from_iter};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use super::Tip;
use super::schema::{SCANNERS, TABLES, TIMES, Table};

/// Digests of what was read or written so far: by batch, then by the mark of the table.
#[derive(Debug, Default)]
pub(super) struct Chain(BTreeMap<i64, [Option<Sha256>; TABLES.len()]>);

impl Chain {
    fn of(&mut self, batch: i64, mark: usize) -> &mut Sha256 {
        self.0.entry(batch).or_default()[mark].get_or_insert_with(Sha256::new)
    }

    /// Takes every row of a table in, and shows it to `each`.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        mark: usize,
        table: &Table,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let n_columns = table.columns.len();
        let mut statement = connection.prepare(&table.select())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let digest = self.of(row.get(n_columns)?, mark);
            for column in 0..n_columns {
                add(digest, row.get_ref(column)?);
            }
            each(row)?;
        }
        Ok(())
    }

    /// SHA-256 of the batch before, of this one's number, epoch and time, then of the rows of each table,
    /// in order of the tables.
    pub(super) fn seal(
        &mut self,
        before: &[u8; 32],
        batch: i64,
        epoch: i64,
        at_ms: i64,
    ) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(before);
        for number in [batch, epoch, at_ms] {
            digest.update(number.to_le_bytes());
        }
        let tables = self.0.remove(&batch).unwrap_or_default();
        for (mark, table) in tables.into_iter().enumerate() {
            if let Some(table) = table {
                digest.update([mark as u8]);
                digest.update(table.finalize());
            }
        }
        digest.finalize().into()
    }

    /// The first batch of which there are rows that no [`Self::seal`] took.
    pub(super) fn first_left(&self) -> Option<i64> {
        self.0.keys().next().copied()
    }
}

/// A value, with its type and its length before it.
fn add(digest: &mut Sha256, value: ValueRef<'_>) {
    let mut bytes = |kind: u8, bytes: &[u8]| {
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    match value {
        ValueRef::Null => bytes(0, &[]),
        ValueRef::Integer(number) => bytes(1, &number.to_le_bytes()),
        ValueRef::Real(number) => bytes(2, &number.to_bits().to_le_bytes()),
        ValueRef::Text(text) => bytes(3, text),
        ValueRef::Blob(blob) => bytes(4, blob),
    }
}

/// Enters a batch itself.
pub(super) fn enter(
    connection: &Connection,
    batch: i64,
    epoch: i64,
    at_ms: i64,
    sha256: &[u8; 32],
) -> rusqlite::Result<()> {
    let values = (batch, epoch, at_ms, sha256.as_slice());
    connection.execute(
        "INSERT INTO batches (batch, epoch, at_ms, sha256) VALUES (?, ?, ?, ?)",
        values,
    )?;
    Ok(())
}

/// A batch that is being written.
#[derive(Debug)]
pub(super) struct Batch<'t> {
    transaction: &'t Transaction<'t>,
    epoch: i64,
    tip: Tip,
    chain: Chain,
}

impl<'t> Batch<'t> {
    pub(super) fn after(transaction: &'t Transaction<'t>, epoch: i64, tip: &Tip) -> Self {
        Self {
            transaction,
            epoch,
            tip: Tip {
                batch: tip.batch + 1,
                ..tip.clone()
            },
            chain: Chain::default(),
        }
    }

    /// The number of the next row of a table that has numbers.
    pub(super) fn next_row(&mut self) -> i64 {
        self.tip.next_row += 1;
        self.tip.next_row - 1
    }

    /// Writes rows of a table, in the order of its key.
    pub(super) fn put<'a, const N: usize>(
        &mut self,
        mark: usize,
        rows: impl IntoIterator<Item = [ValueRef<'a>; N]>,
    ) -> rusqlite::Result<()> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let number = self.tip.batch;
        let digest = self.chain.of(number, mark);
        let mut statement = self.transaction.prepare(&TABLES[mark].insert())?;
        for row in rows {
            row.iter().for_each(|value| add(digest, *value));
            let values = row.into_iter().chain([ValueRef::Integer(number)]);
            statement.execute(params_from_iter(values.map(ToSqlOutput::Borrowed)))?;
        }
        Ok(())
    }

    /// Notes that a Scanner begins to write.
    pub(super) fn scanner(&mut self, host: &str, at_ms: i64) -> rusqlite::Result<()> {
        let scanner = [
            ValueRef::Integer(self.epoch),
            ValueRef::Integer(i64::from(std::process::id())),
            ValueRef::Text(host.as_bytes()),
            ValueRef::Text(env!("CARGO_PKG_VERSION").as_bytes()),
            ValueRef::Integer(at_ms),
        ];
        self.put(SCANNERS, [scanner])
    }

    /// Notes when something happened.
    pub(super) fn time(&mut self, at_ms: i64, what: &str, note: &str) -> rusqlite::Result<()> {
        let time = [
            ValueRef::Integer(self.next_row()),
            ValueRef::Integer(self.epoch),
            ValueRef::Integer(at_ms),
            ValueRef::Text(what.as_bytes()),
            ValueRef::Text(note.as_bytes()),
        ];
        self.put(TIMES, [time])
    }

    /// Ends it; it counts once the transaction is committed.
    pub(super) fn seal(mut self, at_ms: i64) -> rusqlite::Result<Tip> {
        let Tip { batch, sha256, .. } = self.tip;
        self.tip.sha256 = self.chain.seal(&sha256, batch, self.epoch, at_ms);
        enter(self.transaction, batch, self.epoch, at_ms, &self.tip.sha256)?;
        Ok(self.tip)
    }
}
