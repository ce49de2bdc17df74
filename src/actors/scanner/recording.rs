//! What a Scanner does with a journal: it puts in what it accepts, and hands out nothing that is in there.
//!
//! Decision: A Scanner that goes on is a new one (`docs/decisions.md`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use actix::{AsyncContext, Context, StreamHandler};
use futures::stream;
use skyscan_transport::SettledBatch;

use super::rows::Rows;
use super::{Ending, Phase, Scanner};
use crate::journal::{JournalError, News, Note, Record};
use crate::scan::{Adopted, Asked, Atlas, Point};
use crate::sky::map::PixelOutcome;

/// A journal that is written, and what is in it from Scanners before.
#[derive(Debug)]
pub struct Recording {
    /// Where to put what comes.
    pub record: Record,
    /// Where it is.
    pub path: PathBuf,
    /// Every point that is in there.
    pub known: Atlas,
    /// How many waves were begun.
    pub n_waves: usize,
}

/// What a Scanner keeps of its results, if anything.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    recording: Option<Recording>,
    /// Pixels that were known and asked for.
    n_recalled: usize,
    /// What came after the journal's end is neither kept nor confirmed.
    late: Option<Vec<SettledBatch>>,
}

/// Part of a wave that is known, and the rest.
type Recalled = (BTreeMap<Point, PixelOutcome>, Vec<Asked>);

impl Keeping {
    pub(super) fn begin(mut recording: Recording, context: &mut Context<Scanner>) -> Self {
        if let Some(mut news) = recording.record.news() {
            context.add_stream(stream::poll_fn(move |task| news.poll_recv(task)));
        }
        Self {
            recording: Some(recording),
            ..Self::default()
        }
    }

    /// Takes the journal out, to be ended.
    pub(super) fn over(&mut self) -> Self {
        let late = self.is_on().then(Vec::new);
        let over = Self {
            late,
            ..Self::default()
        };
        std::mem::replace(self, over)
    }

    /// Confirms results of a scan without a journal, and holds those that came after the end of one.
    pub(super) fn confirm(&mut self, batch: SettledBatch) {
        match &mut self.late {
            Some(late) => late.push(batch),
            None => drop(batch.confirm()),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.recording.is_some()
    }

    pub(super) fn put(&self, note: impl FnOnce() -> Note) {
        if let Some(recording) = &self.recording {
            recording.record.put(note());
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        (self.recording.as_ref()).is_some_and(|recording| recording.record.is_paused())
    }

    /// Parts a wave into what is known and what is to be done, and notes it unless it was noted before.
    ///
    /// # Errors
    /// If the journal knows pixels that have not been asked for by the first one that it does not know.
    pub(super) fn recall(&mut self, wave: Vec<Asked>) -> Result<Recalled, JournalError> {
        let Some(recording) = &mut self.recording else {
            return Ok((BTreeMap::new(), wave));
        };
        match (recording.n_waves.checked_sub(1), wave.first()) {
            (Some(n_left), Some(_)) => recording.n_waves = n_left,
            (None, Some((point, _))) => {
                recording
                    .record
                    .put(Note::Wave(point.pixel.nside, wave.len()));
            }
            (_, None) => {}
        }
        let is_last = wave.is_empty();
        if recording.known.is_empty() {
            return Ok((BTreeMap::new(), wave));
        }
        let mut known = BTreeMap::new();
        let mut rest = Vec::new();
        for (point, request) in wave {
            match recording.known.get(point) {
                Some(outcome) => {
                    known.insert(point, outcome.clone());
                }
                None => rest.push((point, request)),
            }
        }
        self.n_recalled += known.len();
        if is_last || !rest.is_empty() {
            let n_pixels = recording.known.len().saturating_sub(self.n_recalled);
            if n_pixels > 0 {
                let path = recording.path.clone();
                return Err(JournalError::Unplanned { path, n_pixels });
            }
            recording.known = Atlas::default();
            self.n_recalled = 0;
        }
        Ok((known, rest))
    }

    /// Waits until all is durable; a fulfilled plan that is not ends otherwise.
    pub(super) async fn end(self, ending: Ending) -> Ending {
        let Some(recording) = self.recording else {
            return ending;
        };
        if matches!(ending, Ending::Unrecorded(_)) {
            return ending;
        }
        let is_finished = ending == Ending::Fulfilled;
        match recording.record.end(is_finished, ending.to_string()).await {
            Ok(()) => ending,
            Err(error) if is_finished => Ending::Unrecorded(error.to_string()),
            Err(error) => {
                tracing::warn!("the last results are not in the journal: {error}");
                ending
            }
        }
    }
}

impl Scanner {
    /// Puts in what was done ahead and is asked for now.
    pub(super) fn keep_adopted(&mut self, done: &[Adopted]) {
        if !self.keeping.is_on() {
            return;
        }
        let mut rows = Rows::default();
        for adopted in done {
            rows.adopted(adopted, |point| self.ledger.outcome(point).cloned());
        }
        self.keeping.put(|| Note::Results(rows.with(None)));
    }
}

impl StreamHandler<News> for Scanner {
    fn handle(&mut self, news: News, context: &mut Context<Self>) {
        match news {
            News::Paused => self.report(),
            News::GoesOn if self.phase == Phase::Scanning => self.hand_out(context),
            News::GoesOn => {}
            News::Ended(error) => self.conclude(Ending::Unrecorded(error.to_string()), context),
        }
    }

    fn finished(&mut self, _: &mut Context<Self>) {
        // The journal has ended; the scan is about to, or has told why not.
    }
}
