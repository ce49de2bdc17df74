//! The thread that writes a journal: whatever has come while the last commit was under way goes into
//! the next one, and then its receipts are confirmed.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use metrics::{Histogram, counter, histogram};
use rusqlite::TransactionBehavior;

use super::batch::Batch;
use super::record::Notes;
use super::{Journal, JournalError, Tip, file, lock, now_ms};
use load::{End, Load, read_numbers};
use pause::Pause;
use skyscan_scan::protocol::WorkerId;

mod load;
mod pause;
#[cfg(test)]
mod told;

/// No commit takes more rows.
const MOST_ROWS: usize = 50_000;
/// How often a disk that took nothing is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Keeper {
    pub(super) journal: Journal,
    transport: String,
    /// The numbers of workers in the tables.
    workers: HashMap<WorkerId, i64>,
    n_waves: i64,
    /// Whether the numbers that Scanners before have given are known.
    knows_numbers: bool,
    commit_seconds: Histogram,
}

/// Counts what is thrown away, since another Scanner has the journal.
fn refuse(load: &Load, error: &JournalError) {
    if matches!(error, JournalError::Fenced { .. }) {
        let n_results = load.n_results();
        counter!("skyscan_task_results_total", "outcome" => "refused").increment(n_results);
        tracing::warn!(n_results, "results are refused: {error}");
    }
}

impl Keeper {
    pub(super) fn new(journal: Journal, transport: String) -> Self {
        Self {
            journal,
            transport,
            workers: HashMap::new(),
            n_waves: 0,
            knows_numbers: false,
            commit_seconds: histogram!("skyscan_journal_commit_seconds"),
        }
    }

    /// Writes until the Scanner ends or is gone.
    pub(super) fn run(mut self, mut notes: Notes) {
        let mut begins = Some(std::mem::take(&mut self.transport));
        loop {
            let mut load = Load::new(begins.take());
            if !load.begins() {
                match notes.wait() {
                    Some(note) => load.add(note),
                    None => break,
                }
            }
            while load.n_rows < MOST_ROWS && load.end.is_none() {
                match notes.next_now() {
                    Some(note) => load.add(note),
                    None => break,
                }
            }
            load.at_ms = now_ms();
            let written = self.write(&load, &notes);
            let n_rows = load.n_rows;
            match written {
                Ok(()) => {
                    let end = load.confirm();
                    notes.written(n_rows);
                    if let Some(End { done, .. }) = end {
                        self.close();
                        let _ = done.send(Ok(()));
                        return;
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    notes.ended(Arc::clone(&error));
                    while let Some(note) = notes.next_now() {
                        load.add(note);
                    }
                    refuse(&load, &error);
                    if let Some(End { done, .. }) = load.end {
                        let _ = done.send(Err(error));
                    }
                    return;
                }
            }
        }
        self.close();
    }

    /// Leaves one file that can be moved anywhere: nothing that belongs to it stays beside it.
    fn close(self) {
        let folded = self
            .journal
            .connection
            .pragma_update(None, "journal_mode", "DELETE");
        if let Err(error) = folded {
            tracing::debug!(%error, "the journal stays in several files");
        }
    }

    /// Until it is on the disk, however long that takes; unless nobody waits for it any more.
    fn write(&mut self, load: &Load, notes: &Notes) -> Result<(), JournalError> {
        let mut pause: Option<Pause> = None;
        loop {
            let begun = Instant::now();
            let error = match self.commit(load) {
                Ok(()) => {
                    self.commit_seconds.record(begun.elapsed());
                    if let Some(pause) = pause {
                        pause.end(&self.journal.path);
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            if !error.may_pass() || notes.are_given_up() {
                return Err(error);
            }
            match &mut pause {
                Some(pause) => pause.tell_again(&self.journal.path, &error),
                none => {
                    notes.stuck();
                    *none = Some(Pause::begin(&self.journal.path, &error));
                }
            }
            thread::park_timeout(TRY_AGAIN);
        }
    }

    fn commit(&mut self, load: &Load) -> Result<(), JournalError> {
        let path = self.journal.path.clone();
        let wrong = |source| JournalError::of(&path, source);
        match self.try_commit(load) {
            Ok(tip) => {
                self.journal.tip = tip?;
                Ok(())
            }
            Err((source, intended)) => {
                let error = wrong(source);
                // What the system did with what it was given is not known: look what is there.
                if error.may_pass() && self.look_again(intended)? {
                    return Ok(());
                }
                Err(error)
            }
        }
    }

    /// Opens the file anew; returns whether what was to be written is there after all.
    pub(super) fn look_again(&mut self, intended: Option<Tip>) -> Result<bool, JournalError> {
        let path = self.journal.path.clone();
        let connection = file::open(&path)?;
        file::write_ahead(&connection).map_err(|source| JournalError::of(&path, source))?;
        let last = connection.query_row(
            "SELECT batch, sha256, epoch FROM batches ORDER BY batch DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        );
        let (batch, sha256, epoch): (i64, Vec<u8>, i64) =
            last.map_err(|source| JournalError::of(&path, source))?;
        let is = |tip: &Tip| batch == tip.batch && sha256 == tip.sha256;
        let is_there = match intended {
            Some(tip) if is(&tip) => {
                self.journal.tip = tip;
                self.knows_numbers = false;
                true
            }
            _ if is(&self.journal.tip) || epoch != self.journal.epoch => false,
            _ => {
                return Err(JournalError::Damaged {
                    path,
                    batch,
                    what: "another process wrote to it".to_owned(),
                });
            }
        };
        self.journal.connection = connection;
        Ok(is_there)
    }

    /// Fails with the tip that the batch would have had, if it came so far.
    fn try_commit(
        &mut self,
        load: &Load,
    ) -> Result<Result<Tip, JournalError>, (rusqlite::Error, Option<Tip>)> {
        let Journal {
            path,
            connection,
            epoch,
            tip,
            ..
        } = &mut self.journal;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| (error, None))?;
        let newest = transaction.query_row(
            "SELECT epoch, pid, host, since_ms FROM scanners ORDER BY epoch DESC LIMIT 1",
            [],
            |row| {
                let host: String = row.get(2)?;
                Ok((row.get(0)?, lock::said(row.get(1)?, &host, row.get(3)?)))
            },
        );
        let (newest, owner): (i64, String) = newest.map_err(|error| (error, None))?;
        if newest != *epoch {
            return Ok(Err(JournalError::Fenced {
                path: path.clone(),
                owner,
            }));
        }
        if !self.knows_numbers {
            read_numbers(&transaction, &mut self.workers, &mut self.n_waves)
                .map_err(|error| (error, None))?;
            self.knows_numbers = true;
        }
        let mut batch = Batch::after(&transaction, *epoch, tip);
        let (mut came, mut n_waves) = (HashMap::new(), self.n_waves);
        load.fill(&mut batch, &self.workers, &mut came, &mut n_waves)
            .map_err(|error| (error, None))?;
        let tip = batch.seal(load.at_ms).map_err(|error| (error, None))?;
        transaction
            .commit()
            .map_err(|error| (error, Some(tip.clone())))?;
        self.workers.extend(came);
        self.n_waves = n_waves;
        Ok(Ok(tip))
    }
}
