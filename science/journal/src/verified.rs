//! Reading a journal: every row is read, and nothing of it is believed unless its batch holds.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, Row, ffi};

use super::asked::{Asked, nside};
use super::batch::Chain;
use super::contents::Contents;
use super::schema::{ATTEMPTS, FAILURES, PIXELS, ROUNDS, TABLES, TIMES};
use super::{JournalError, Tip, file};
use skyscan_scan::{Atlas, Point, TaskCounts};
use skyscan_sky::Pixel;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Said once the plan is fulfilled.
pub(super) const FINISHED: &str = "finished";

/// Reads a journal and checks all of it, also while a scan writes to it.
///
/// # Errors
/// If it is no journal, of another schema, or damaged.
pub fn read(path: &Path) -> Result<Contents, JournalError> {
    let mut connection = file::open_to_read(path)?;
    // All of it as it was at one moment.
    let transaction = connection
        .transaction()
        .map_err(|source| JournalError::of(path, source))?;
    contents(path, &transaction).map(|(contents, _)| contents)
}

/// All that is in it, and where the next batch goes on.
pub(super) fn contents(
    path: &Path,
    connection: &Connection,
) -> Result<(Contents, Tip), JournalError> {
    let mut reading = Reading::default();
    reading
        .tables(connection)
        .map_err(|source| JournalError::of(path, source))?;
    let (n_batches, n_epochs, sha256) = reading.chain(path, connection)?;
    let damaged = |what: String| JournalError::Damaged {
        path: path.to_path_buf(),
        batch: 0,
        what,
    };
    let maker = connection.query_row("SELECT numerics, release FROM journal", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    let (numerics, release) = maker.map_err(|error| damaged(error.to_string()))?;
    let contents = Contents {
        numerics,
        release,
        asked: Asked::read(connection).map_err(damaged)?,
        atlas: reading.atlas,
        counts: reading.counts,
        busy_seconds: reading.busy_seconds,
        n_epochs,
        n_batches,
        n_waves: reading.n_waves,
        is_finished: reading.is_finished,
    };
    let tip = Tip {
        batch: n_batches - 1,
        sha256,
        next_row: reading.next_row,
    };
    Ok((contents, tip))
}

#[derive(Default)]
struct Reading {
    chain: Chain,
    /// The first thing that could not be read.
    trouble: Option<String>,
    atlas: Atlas,
    counts: TaskCounts,
    busy_seconds: f64,
    next_row: i64,
    n_waves: usize,
    is_finished: bool,
}

impl Reading {
    /// Fails if the system does not let it be read, which says nothing of what is in there.
    fn tables(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut tasks = HashSet::new();
        let mut last = None;
        for (mark, table) in TABLES.iter().enumerate() {
            let Self {
                chain,
                atlas,
                counts,
                busy_seconds,
                next_row,
                n_waves,
                is_finished,
                ..
            } = self;
            let read = chain.read(connection, mark, table, |row| {
                match mark {
                    PIXELS => {
                        let (point, outcome) = point(row)?;
                        atlas.insert(point, outcome);
                        let (task, attempt, seconds): (i64, i64, f64) =
                            (row.get(13)?, row.get(14)?, row.get(16)?);
                        *busy_seconds += seconds;
                        if last != Some(task) && tasks.insert(task) {
                            counts.accepted += 1;
                            counts.lost += attempt.saturating_sub(1).unsigned_abs();
                        }
                        last = Some(task);
                    }
                    ATTEMPTS => {
                        let (attempt, became): (i64, String) = (row.get(2)?, row.get(5)?);
                        match became.as_str() {
                            "duplicate" => counts.duplicate += 1,
                            "failed" => counts.failed += 1,
                            _ => {}
                        }
                        counts.lost += attempt.saturating_sub(1).unsigned_abs();
                    }
                    ROUNDS => *n_waves += 1,
                    TIMES => *is_finished |= row.get_ref(3)?.as_str()? == FINISHED,
                    _ => {}
                }
                if matches!(mark, ATTEMPTS | FAILURES | TIMES) {
                    *next_row = (*next_row).max(row.get::<_, i64>(0)?.saturating_add(1));
                }
                Ok(())
            });
            match read {
                Ok(()) => {}
                Err(error) if is_systems(&error) => return Err(error),
                Err(error) => {
                    let trouble = format!("table {}: {error}", table.name);
                    self.trouble.get_or_insert(trouble);
                }
            }
        }
        self.counts.planned = self.counts.accepted;
        Ok(())
    }

    /// Holds the rows against their batches; returns how many batches there are, the last epoch, and the
    /// last digest.
    fn chain(
        &mut self,
        path: &Path,
        connection: &Connection,
    ) -> Result<(i64, i64, [u8; 32]), JournalError> {
        let (mut n_batches, mut last_epoch, mut before) = (0, 0, [0; 32]);
        let trouble = self.trouble.take();
        let what = |noticed: &str| trouble.clone().unwrap_or_else(|| noticed.to_owned());
        let damaged = |batch: i64, noticed: &str| JournalError::Damaged {
            path: path.to_path_buf(),
            batch,
            what: what(noticed),
        };
        let mut hold = || -> Result<(), Result<JournalError, rusqlite::Error>> {
            let mut statement = connection
                .prepare("SELECT batch, epoch, at_ms, sha256 FROM batches ORDER BY batch")
                .map_err(Err)?;
            let mut rows = statement.query([]).map_err(Err)?;
            while let Some(row) = rows.next().map_err(Err)? {
                let read = |row: &Row<'_>| -> rusqlite::Result<(i64, i64, i64, Vec<u8>)> {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                };
                let (batch, epoch, at_ms, stored) = read(row).map_err(Err)?;
                if batch != n_batches {
                    return Err(Ok(damaged(n_batches, "it is not there")));
                }
                before = self.chain.seal(&before, batch, epoch, at_ms);
                if before.as_slice() != stored {
                    return Err(Ok(damaged(batch, "its digest does not fit its rows")));
                }
                (n_batches, last_epoch) = (n_batches + 1, epoch);
            }
            Ok(())
        };
        match hold() {
            Ok(()) => {}
            Err(Ok(damaged)) => return Err(damaged),
            Err(Err(error)) => return Err(damaged(n_batches, &error.to_string())),
        }
        if let Some(left) = self.chain.first_left() {
            let noticed = "it is not there, and rows of it are";
            return Err(damaged(left.clamp(0, n_batches), noticed));
        }
        match (&trouble, n_batches) {
            (None, 1..) => Ok((n_batches, last_epoch, before)),
            // Every row holds, and yet not all could be read.
            (Some(_), 1..) => Err(damaged(n_batches - 1, "")),
            _ => Err(damaged(0, "it is not there")),
        }
    }
}

/// Whether the system is at fault, not the file: a file that ends early is itself.
fn is_systems(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return false;
    };
    match failure.code {
        ErrorCode::SystemIoFailure => failure.extended_code != ffi::SQLITE_IOERR_SHORT_READ,
        code => matches!(
            code,
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
        ),
    }
}

fn point(row: &Row<'_>) -> rusqlite::Result<(Point, PixelOutcome)> {
    let senseless = |what: String| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Integer, what.into())
    };
    let round = nside(row.get(0)?).map_err(senseless)?;
    let index =
        u64::try_from(row.get::<_, i64>(1)?).map_err(|error| senseless(error.to_string()))?;
    let pixel = Pixel::new(round, index).map_err(|error| senseless(error.to_string()))?;
    let systematic =
        u32::try_from(row.get::<_, i64>(3)?).map_err(|error| senseless(error.to_string()))?;
    let point = Point { systematic, pixel };
    if let Some(reason) = row.get(12)? {
        return Ok((point, PixelOutcome::Failed(reason)));
    }
    let minus_zeros: i64 = row.get(11)?;
    // SQLite keeps -0.0 as 0.0.
    let exact = |number: f64, bit: u32| match minus_zeros >> bit & 1 {
        1 => -number,
        _ => number,
    };
    let real = |bit: u32| -> rusqlite::Result<f64> { Ok(exact(row.get(4 + bit as usize)?, bit)) };
    let energy = |bit: u32| -> rusqlite::Result<Option<f64>> {
        let gev: Option<f64> = row.get(4 + bit as usize)?;
        Ok(gev.map(|gev| exact(gev, bit)))
    };
    let fit = PixelFit {
        llh: real(0)?,
        position_m: [real(1)?, real(2)?, real(3)?],
        time_ns: real(4)?,
        energy_inside_gev: energy(5)?,
        energy_total_gev: energy(6)?,
    };
    Ok((point, PixelOutcome::Fitted(fit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_early_is_damaged_and_a_disk_that_fails_is_not() {
        for (code, is_of_system) in [
            (ffi::SQLITE_IOERR_READ, true),
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_IOERR_SHORT_READ, false),
            (ffi::SQLITE_CORRUPT, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(is_systems(&error), is_of_system, "{error}");
        }
        assert!(!is_systems(&rusqlite::Error::QueryReturnedNoRows));
    }
}
