//! A disk that is not there, and the journal on it: what is put in is durable after a while, the rest is
//! lost with its Scanner, and now and then the disk is full or slow.
//!
//! Batches are whole or not there: what keeps the real file so, the chain of its batches, has tests of
//! its own (`science/journal/src/tests`). Whether the batch that was on its way when the Scanner died is there
//! is drawn.
//!
//! The same lives run on the real file, which is then written and read beside the model ([`file`]).

mod file;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skyscan::journal::{Note, Notes, PixelRow, Results};
use skyscan::scan::Plan;
use skyscan::sky::map::SkyMap;
use skyscan::sky::{Nside, Pixel};
use skyscan_transport::backend::Dice;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fate::Fate;
use crate::history::{listed, outcome_word, pixel_word};
use file::JournalFile;

/// Between two tries while the disk is full.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// A sync takes longer than this now and then.
const USUAL_SYNC: Duration = Duration::from_millis(20);

/// What is wrong with a disk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskTrouble {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) kind: TroubleKind,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// It takes nothing.
    Full,
    /// A sync takes so long.
    Slow(Duration),
}

/// A disk with the journal of one scan on it. It outlives the Scanners.
#[derive(Debug)]
pub(crate) struct Disk {
    begun: Instant,
    troubles: Vec<DiskTrouble>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    map: SkyMap,
    n_waves: usize,
    is_finished: bool,
    file: Option<JournalFile>,
}

/// What a Scanner finds when it comes.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) map: SkyMap,
    pub(crate) n_waves: usize,
}

/// What goes to the disk in one go.
#[derive(Default)]
struct Batch {
    waves: Vec<(Nside, usize)>,
    rows: Vec<PixelRow>,
    n_rows: usize,
    results: Vec<Results>,
    end: Option<Note>,
}

impl Disk {
    /// An empty one; with a plan, on which a scan by it has a real journal, too.
    pub(crate) fn new(
        begun: Instant,
        seed: u64,
        troubles: Vec<DiskTrouble>,
        real: Option<Plan>,
    ) -> Arc<Self> {
        let state = State {
            dice: Dice::seeded(seed),
            map: SkyMap::default(),
            n_waves: 0,
            is_finished: false,
            file: real.map(JournalFile::make),
        };
        Arc::new(Self {
            begun,
            troubles,
            state: Mutex::new(state),
        })
    }

    /// What is durable.
    pub(crate) fn found(&self) -> Found {
        let mut state = self.state.lock();
        let modelled = Found {
            map: state.map.clone(),
            n_waves: state.n_waves,
        };
        let found = match &mut state.file {
            Some(file) => file.take_up(),
            None => return modelled,
        };
        assert_eq!(found, modelled, "the file knows something else");
        found
    }

    /// Keeps what a Scanner puts into its journal, until that ends or dies.
    pub(crate) async fn keep(self: Arc<Self>, mut notes: Notes, fate: Arc<Fate>) {
        loop {
            let first = tokio::select! {
                biased;
                () = fate.died() => return,
                first = notes.next() => first,
            };
            let Some(first) = first else {
                return;
            };
            let mut batch = Batch::default();
            batch.add(first);
            while let Some(note) = notes.next_now() {
                batch.add(note);
            }
            if !self.write(&batch, &notes, &fate).await {
                return;
            }
            notes.written(batch.n_rows);
            for receipt in batch
                .results
                .into_iter()
                .filter_map(|results| results.receipt)
            {
                drop(receipt.confirm());
            }
            if let Some(Note::End { done, .. }) = batch.end {
                // A Scanner that is gone does not ask.
                let _ = done.send(Ok(()));
                return;
            }
        }
    }

    /// Returns whether it is durable, and the Scanner lives to see that.
    async fn write(&self, batch: &Batch, notes: &Notes, fate: &Fate) -> bool {
        let mut is_stuck = false;
        while let Some(TroubleKind::Full) = self.trouble() {
            if notes.are_given_up() {
                return false;
            }
            if !std::mem::replace(&mut is_stuck, true) {
                fate.history.note(&fate.name, format_args!("stuck"));
                notes.stuck();
            }
            tokio::select! {
                biased;
                () = fate.died() => return false,
                () = sleep(TRY_AGAIN) => {}
            }
        }
        let usual = {
            let mut state = self.state.lock();
            state.dice.part_of(USUAL_SYNC)
        };
        let takes = match self.trouble() {
            Some(TroubleKind::Slow(takes)) => takes,
            _ => usual,
        };
        tokio::select! {
            biased;
            () = fate.died() => {
                // Nobody knows whether it got there; whoever comes next finds out.
                let is_there = self.state.lock().dice.below(2) == 0;
                if is_there {
                    self.store(batch, fate);
                }
                return false;
            }
            () = sleep_until(Instant::now() + takes) => {}
        }
        self.store(batch, fate);
        fate.step()
    }

    fn trouble(&self) -> Option<TroubleKind> {
        let now = self.begun.elapsed();
        let is_now = |trouble: &&DiskTrouble| (trouble.from..trouble.to).contains(&now);
        self.troubles
            .iter()
            .find(is_now)
            .map(|trouble| trouble.kind)
    }

    fn store(&self, batch: &Batch, fate: &Fate) {
        let mut state = self.state.lock();
        let twice: BTreeSet<Pixel> = (batch.rows.iter())
            .map(|row| row.point.pixel)
            .filter(|pixel| state.map.get(*pixel).is_some())
            .collect();
        if !twice.is_empty() {
            let twice = listed(twice.into_iter().map(pixel_word));
            fate.history
                .note(&fate.name, format_args!("keeps-again pixels={twice}"));
        }
        for row in &batch.rows {
            state.map.insert(row.point.pixel, row.outcome.clone());
        }
        state.n_waves += batch.waves.len();
        let is_finished = match &batch.end {
            Some(Note::End { is_finished, .. }) => Some(*is_finished),
            _ => None,
        };
        state.is_finished |= is_finished == Some(true);
        let State { map, file, .. } = &mut *state;
        if let Some(file) = file {
            file.put(batch);
            if let Some(is_finished) = is_finished {
                file.end(is_finished);
                assert_eq!(file.map(), *map, "the file holds another map");
            }
        }
        if !batch.rows.is_empty() {
            let rows = batch.rows.iter();
            let rows = rows.map(|row| {
                format!(
                    "{}:{}",
                    pixel_word(row.point.pixel),
                    outcome_word(&row.outcome)
                )
            });
            let rows = listed(rows);
            fate.history
                .note(&fate.name, format_args!("keeps pixels={rows}"));
        }
    }
}

impl Batch {
    fn add(&mut self, note: Note) {
        match note {
            Note::Wave(nside, n_pixels) => self.waves.push((nside, n_pixels)),
            Note::Worker(..) => {}
            Note::Results(results) => {
                self.n_rows += results.n_rows();
                self.rows.extend(results.pixels.iter().cloned());
                self.results.push(results);
            }
            end @ Note::End { .. } => self.end = Some(end),
        }
    }
}
