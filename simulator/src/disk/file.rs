//! The journal's real file, beside the model of one: what the model keeps, it keeps, and whoever goes on
//! goes on from it. Neither may know more than the other.
//!
//! Nothing else of a life waits for the system. While it does here, virtual time stands still, so that
//! a life with files is the same as one without.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use skyscan::event::detector::Detector;
use skyscan::journal::{self, Asked, Journal, JournalError, Note, Record, Results};
use skyscan::reco::Problem;
use skyscan::scan::Plan;
use skyscan::sky::map::SkyMap;
use skyscan::sky::region::RegionMethod;
use skyscan::synthetic::{Recipe, generate};
use skyscan_transport::{Outcome, Receipts, SettledBatch};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Batch, Found};

/// Where files are memory, on Linux.
const MEMORY: &str = "/dev/shm";
/// More pulses would be copied for nothing.
const N_PULSES: usize = 10;

/// A journal on a real disk.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// Of the Scanner that lives, if one does.
    record: Option<Record>,
    _folder: TempDir,
}

impl JournalFile {
    /// Makes the journal of a scan by this plan.
    pub(super) fn make(plan: Plan) -> Self {
        let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder can be made");
        let path = folder.path().join("life.scan.db");
        let journal = Journal::create(&path, &asked(plan)).expect("a journal can be made");
        drop(journal);
        Self {
            path,
            record: None,
            _folder: folder,
        }
    }

    /// What the next Scanner finds, which keeps it from here on.
    pub(super) fn take_up(&mut self) -> Found {
        self.end(false);
        let (journal, contents) = Journal::resume(&self.path).expect("the journal is whole");
        let record = journal.map(|journal| Record::start(journal, "memory:"));
        self.record = record.map(|record| record.expect("a thread can be started"));
        Found {
            map: SkyMap::clone(&contents.atlas.nominal),
            n_waves: contents.n_waves,
        }
    }

    /// Returns once all of it is on the disk.
    pub(super) fn put(&self, batch: &Batch) {
        let Some(record) = &self.record else {
            return;
        };
        let (confirm, confirmed) = channel();
        for (nside, n_pixels) in &batch.waves {
            record.put(Note::Wave(*nside, *n_pixels));
        }
        for results in &batch.results {
            let receipts: Arc<dyn Receipts> = Arc::new(Told(confirm.clone()));
            record.put(Note::Results(Results {
                pixels: results.pixels.clone(),
                attempts: results.attempts.clone(),
                failures: results.failures.clone(),
                receipt: Some(SettledBatch::new(Vec::new(), 0, receipts)),
            }));
        }
        drop(confirm);
        // Ends when the last one is confirmed or given back.
        assert!(
            confirmed.iter().all(|is_kept| is_kept),
            "a batch was not kept"
        );
    }

    /// No Scanner keeps it any more.
    pub(super) fn end(&mut self, is_finished: bool) {
        let Some(record) = self.record.take() else {
            return;
        };
        let (done, ended) = oneshot::channel();
        record.put(Note::End {
            is_finished,
            why: "a life".to_owned(),
            done,
        });
        let ended = wait_for(ended).expect("its thread answers");
        ended.expect("the journal can be written");
    }

    /// All that is in it.
    pub(super) fn map(&self) -> SkyMap {
        let contents = journal::read(&self.path).expect("the journal is whole");
        SkyMap::clone(&contents.atlas.nominal)
    }
}

/// The runtime of a life must not be blocked by its own means.
fn wait_for(
    ended: oneshot::Receiver<Result<(), Arc<JournalError>>>,
) -> Option<Result<(), Arc<JournalError>>> {
    thread::scope(|scope| {
        let waits = scope.spawn(|| ended.blocking_recv());
        waits.join().ok()?.ok()
    })
}

/// Tells whether a batch was kept.
struct Told(Sender<bool>);

impl Receipts for Told {
    fn confirmed(&self, _: u64, _: usize) {
        // Whoever waits is there until all senders are gone.
        let _ = self.0.send(true);
    }

    fn unconfirmed(&self, _: u64, _: Vec<Outcome>) {
        let _ = self.0.send(false);
    }
}

fn asked(plan: Plan) -> Asked {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e4);
    let mut event = generate(&detector, &recipe);
    event.pulses.truncate(N_PULSES);
    Asked {
        problem: Problem {
            event,
            detector,
            reco: "simulated".to_owned(),
            systematics: None,
        },
        plan,
        regions: RegionMethod::Wilks.into(),
        fail_after: NonZeroU32::MIN,
        files_beside: true,
    }
}
