//! What goes into one commit, as rows.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use tokio::sync::oneshot;

use crate::JournalError;
use crate::batch::Batch;
use crate::note::{AttemptRow, FailureRow, Note, PixelRow, Results};
use crate::schema::{ATTEMPTS, FAILURES, PIXELS, ROUNDS, WORKERS};
use crate::verified::FINISHED;
use skyscan_scan::Point;
use skyscan_scan::protocol::{Hello, WorkerId};
use skyscan_sky::Nside;
use skyscan_sky::map::{PixelFit, PixelOutcome};

type Done = oneshot::Sender<Result<(), Arc<JournalError>>>;

/// What goes into one commit.
#[derive(Default)]
pub(super) struct Load {
    pub(super) at_ms: i64,
    begins: Option<String>,
    waves: Vec<(Nside, usize)>,
    workers: Vec<(WorkerId, Option<Hello>)>,
    results: Vec<Results>,
    pub(super) n_rows: usize,
    pub(super) end: Option<End>,
}

pub(super) struct End {
    is_finished: bool,
    why: String,
    pub(super) done: Done,
}

impl Load {
    /// Nothing yet; of the first one, over which transport the Scanner begins.
    pub(super) fn new(begins: Option<String>) -> Self {
        Self {
            begins,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, note: Note) {
        match note {
            Note::Wave(nside, n_pixels) => self.waves.push((nside, n_pixels)),
            Note::Worker(worker, hello) => self.workers.push((worker, hello)),
            Note::Results(results) => {
                self.n_rows += results.n_rows();
                self.results.push(results);
            }
            Note::End {
                is_finished,
                why,
                done,
            } => {
                self.end = Some(End {
                    is_finished,
                    why,
                    done,
                });
            }
        }
    }
}

/// Numbers that were given before.
pub(super) fn read_numbers(
    transaction: &rusqlite::Transaction<'_>,
    workers: &mut HashMap<WorkerId, i64>,
    n_waves: &mut i64,
) -> rusqlite::Result<()> {
    workers.clear();
    *n_waves = transaction.query_row("SELECT count(*) FROM rounds", [], |row| row.get(0))?;
    let mut statement = transaction.prepare("SELECT worker, name FROM workers")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(worker) = id_of(row.get_ref(1)?.as_str()?) {
            workers.insert(worker, row.get(0)?);
        }
    }
    Ok(())
}

/// A worker by its name in hexadecimal.
fn id_of(name: &str) -> Option<WorkerId> {
    let number = u128::from_str_radix(name, 16).ok()?;
    Some(WorkerId(number.to_be_bytes()))
}

impl Load {
    /// Whether a Scanner begins with it.
    pub(super) fn begins(&self) -> bool {
        self.begins.is_some()
    }

    /// Results that wait for their receipts.
    pub(super) fn n_results(&self) -> u64 {
        let outcomes = self
            .results
            .iter()
            .filter_map(|results| Some(results.receipt.as_ref()?.outcomes()));
        outcomes.map(|outcomes| outcomes.len() as u64).sum()
    }

    /// It is on the disk; returns what is to follow.
    pub(super) fn confirm(self) -> Option<End> {
        for receipt in self
            .results
            .into_iter()
            .filter_map(|results| results.receipt)
        {
            drop(receipt.confirm());
        }
        self.end
    }

    pub(super) fn fill(
        &self,
        batch: &mut Batch<'_>,
        workers: &HashMap<WorkerId, i64>,
        came: &mut HashMap<WorkerId, i64>,
        n_waves: &mut i64,
    ) -> rusqlite::Result<()> {
        if let Some(transport) = &self.begins {
            batch.time(self.at_ms, "begun", transport)?;
        }
        self.put_workers(batch, workers, came)?;
        for (nside, n_pixels) in &self.waves {
            let row = [
                *n_waves,
                u32::from(*nside).into(),
                i64::try_from(*n_pixels).unwrap_or(i64::MAX),
            ];
            batch.put(ROUNDS, [row.map(ValueRef::Integer)])?;
            *n_waves += 1;
        }
        let number_of = |worker: &WorkerId| workers.get(worker).or(came.get(worker)).copied();
        let number = |worker: &WorkerId| ValueRef::Integer(number_of(worker).unwrap_or(-1));
        let mut pixels: Vec<&PixelRow> = self.results.iter().flat_map(|r| &r.pixels).collect();
        pixels.sort_unstable_by_key(|row| (row.point.pixel, row.point.systematic));
        batch.put(PIXELS, pixels.into_iter().map(|row| pixel_row(row, number)))?;
        let attempts: Vec<(i64, &AttemptRow)> = (self.results.iter().flat_map(|r| &r.attempts))
            .map(|row| (batch.next_row(), row))
            .collect();
        batch.put(
            ATTEMPTS,
            attempts.into_iter().map(|(id, row)| {
                [
                    ValueRef::Integer(id),
                    ValueRef::Integer(row.task.cast_signed()),
                    ValueRef::Integer(row.attempt.into()),
                    number(&row.worker),
                    of_real(Some(row.seconds)),
                    ValueRef::Text(row.became.as_bytes()),
                ]
            }),
        )?;
        let failures: Vec<(i64, &FailureRow)> = (self.results.iter().flat_map(|r| &r.failures))
            .map(|row| (batch.next_row(), row))
            .collect();
        batch.put(
            FAILURES,
            failures.into_iter().map(|(id, row)| {
                let [round, pixel, variation, systematic] = place(row.point);
                [
                    ValueRef::Integer(id),
                    round,
                    pixel,
                    variation,
                    systematic,
                    ValueRef::Integer(row.task.cast_signed()),
                    number(&row.worker),
                    ValueRef::Text(row.reason.as_bytes()),
                ]
            }),
        )?;
        if let Some(End {
            is_finished, why, ..
        }) = &self.end
        {
            let what = if *is_finished { FINISHED } else { "ended" };
            batch.time(self.at_ms, what, why)?;
        }
        Ok(())
    }

    /// Gives numbers to workers that have none.
    fn put_workers(
        &self,
        batch: &mut Batch<'_>,
        workers: &HashMap<WorkerId, i64>,
        new: &mut HashMap<WorkerId, i64>,
    ) -> rusqlite::Result<()> {
        let came = self
            .workers
            .iter()
            .map(|(worker, hello)| (*worker, hello.as_ref()));
        // Who is behind a relay may be known by its results only.
        let seen = self.results.iter().flat_map(|results| {
            let pixels = results.pixels.iter().map(|row| row.worker);
            let attempts = results.attempts.iter().map(|row| row.worker);
            let failures = results.failures.iter().map(|row| row.worker);
            let all = pixels.chain(attempts).chain(failures);
            all.map(|worker| (worker, None))
        });
        for (worker, hello) in came.chain(seen) {
            if workers.contains_key(&worker) || new.contains_key(&worker) {
                continue;
            }
            let number = (workers.len() + new.len()) as i64;
            let name = worker.to_string();
            let recos = hello.map(|hello| hello.recos.join(","));
            let build = hello.map(|hello| hello.build.as_str());
            let row = [
                ValueRef::Integer(number),
                ValueRef::Text(name.as_bytes()),
                hello.map_or(ValueRef::Null, |hello| {
                    ValueRef::Integer(hello.slots.into())
                }),
                of_text(recos.as_deref()),
                of_text(build),
            ];
            batch.put(WORKERS, [row])?;
            new.insert(worker, number);
        }
        Ok(())
    }
}

fn of_text(text: Option<&str>) -> ValueRef<'_> {
    text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
}

/// Round, pixel, variation (there is but one) and systematic.
fn place(Point { systematic, pixel }: Point) -> [ValueRef<'static>; 4] {
    [
        i64::from(u32::from(pixel.nside)),
        pixel.index.cast_signed(),
        0,
        i64::from(systematic),
    ]
    .map(ValueRef::Integer)
}

fn pixel_row<'a>(
    row: &'a PixelRow,
    number: impl Fn(&WorkerId) -> ValueRef<'a>,
) -> [ValueRef<'a>; 17] {
    let [round, pixel, variation, systematic] = place(row.point);
    let (fit, failed) = match &row.outcome {
        PixelOutcome::Fitted(fit) => (Some(fit), None),
        PixelOutcome::Failed(reason) => (None, Some(reason.as_str())),
    };
    let numbers = fit.map_or([None; 7], numbers);
    let [llh, x, y, z, time, inside, total] = numbers.map(of_real);
    [
        round,
        pixel,
        variation,
        systematic,
        llh,
        x,
        y,
        z,
        time,
        inside,
        total,
        ValueRef::Integer(minus_zeros(&numbers)),
        of_text(failed),
        ValueRef::Integer(row.task.cast_signed()),
        ValueRef::Integer(row.attempt.into()),
        number(&row.worker),
        of_real(Some(row.seconds)),
    ]
}

fn numbers(fit: &PixelFit) -> [Option<f64>; 7] {
    let [x, y, z] = fit.position_m;
    let (inside, total) = (fit.energy_inside_gev, fit.energy_total_gev);
    [
        Some(fit.llh),
        Some(x),
        Some(y),
        Some(z),
        Some(fit.time_ns),
        inside,
        total,
    ]
}

/// SQLite keeps -0.0 as 0.0, so it gets that.
fn of_real(number: Option<f64>) -> ValueRef<'static> {
    number.map_or(ValueRef::Null, |number| ValueRef::Real(number + 0.0))
}

/// Which of some numbers are -0.0, a bit for each, the lowest for the first.
fn minus_zeros(numbers: &[Option<f64>]) -> i64 {
    let is_one =
        |number: &Option<f64>| *number == Some(0.0) && number.is_some_and(f64::is_sign_negative);
    let bits = numbers.iter().enumerate();
    bits.map(|(bit, number)| i64::from(is_one(number)) << bit)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Results;
    use crate::tests::fixture::{Desk, attempt, failure, nside, rows};

    #[test]
    fn a_load_weighs_as_many_rows_as_its_results_have() {
        let desk = Arc::new(Desk::default());
        let mut load = Load::new(None);
        for number in 0..2 {
            load.add(Note::Results(Results {
                attempts: vec![attempt(1, "failed"); 3],
                failures: vec![failure(); 4],
                ..desk.results(number, rows(nside(8), 0..2))
            }));
        }
        assert_eq!((load.n_rows, load.n_results()), (18, 2));
    }

    #[test]
    fn a_scanner_begins_with_the_first_load_only() {
        assert!(Load::new(Some("test:".to_owned())).begins());
        assert!(!Load::new(None).begins());
    }
}
