//! Journals of a small scan, whose pixels are known by their numbers.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use skyscan_transport::{Conclusion, LinkId, Outcome, Receipts, SettledBatch, TaskId};

use crate::*;
use skyscan_event::detector::Detector;
use skyscan_reco::Problem;
use skyscan_reco::synthetic::{Recipe, generate};
use skyscan_scan::protocol::WorkerId;
use skyscan_scan::{Plan, Strategy};
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::region::RegionMethod;
use skyscan_sky::{Nside, Pixel};

/// A folder of this test's own, empty.
pub(super) fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("skyscan-journal-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

pub(super) fn asked() -> Asked {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e4);
    let plan = Plan::new(Strategy::Zoom, vec![nside(4), nside(8)], 4.6).unwrap();
    let mut event = generate(&detector, &recipe);
    event.pulses.truncate(30);
    Asked {
        problem: Problem {
            event,
            detector,
            reco: "test".to_owned(),
            systematics: None,
        },
        plan,
        regions: RegionMethod::Wilks.into(),
        fail_after: NonZeroU32::MIN,
        files_beside: true,
    }
}

pub(crate) fn nside(nside: u32) -> Nside {
    Nside::try_from(nside).unwrap()
}

/// What becomes of a pixel: every eleventh fails, and no number is round.
pub(super) fn row(nside: Nside, index: u64) -> PixelRow {
    let x = index as f64;
    let fit = PixelFit {
        llh: 100.0 + x.sin(),
        position_m: [-0.0, x / 3.0, -x],
        time_ns: 1e4 + x.sqrt(),
        energy_inside_gev: index.is_multiple_of(2).then_some(x / 7.0),
        energy_total_gev: index.is_multiple_of(3).then_some(f64::MIN_POSITIVE / 4.0),
    };
    PixelRow {
        point: Pixel { nside, index }.into(),
        outcome: match index % 11 {
            10 => PixelOutcome::Failed(format!("no light in {index}")),
            _ => PixelOutcome::Fitted(fit),
        },
        task: 1 << 40 | index,
        attempt: 1 + (index % 13 == 12) as u32,
        worker: WorkerId([(index % 3) as u8; 16]),
        seconds: 0.25,
    }
}

/// A result that brought no pixel.
pub(crate) fn attempt(attempt: u32, became: &'static str) -> AttemptRow {
    AttemptRow {
        task: 1,
        attempt,
        worker: WorkerId([1; 16]),
        seconds: 0.5,
        became,
    }
}

/// A worker failed at a pixel.
pub(crate) fn failure() -> FailureRow {
    FailureRow {
        point: row(nside(8), 1).point,
        task: 1,
        worker: WorkerId([1; 16]),
        reason: "dark".to_owned(),
    }
}

pub(crate) fn rows(nside: Nside, indices: impl IntoIterator<Item = u64>) -> Vec<PixelRow> {
    indices.into_iter().map(|index| row(nside, index)).collect()
}

pub(super) fn map(rows: &[PixelRow]) -> SkyMap {
    let mut map = SkyMap::default();
    for row in rows {
        map.insert(row.point.pixel, row.outcome.clone());
    }
    map
}

/// The batches that were confirmed, and those that were given back.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(super) confirmed: Mutex<BTreeSet<u64>>,
    pub(super) returned: Mutex<BTreeSet<u64>>,
    has_returned: Condvar,
}

impl Receipts for Desk {
    fn confirmed(&self, number: u64, _: usize) {
        self.confirmed.lock().unwrap().insert(number);
    }

    fn unconfirmed(&self, number: u64, _: Vec<Outcome>) {
        self.returned.lock().unwrap().insert(number);
        self.has_returned.notify_all();
    }
}

impl Desk {
    /// How many were given back, once one was; the journal's thread does that after it has told its end.
    pub(super) fn n_returned(&self, patience: Duration) -> usize {
        let returned = self.returned.lock().unwrap();
        let waited = self
            .has_returned
            .wait_timeout_while(returned, patience, |returned| returned.is_empty());
        waited.unwrap().0.len()
    }

    pub(crate) fn results(self: &Arc<Self>, number: u64, pixels: Vec<PixelRow>) -> Results {
        let outcome = Outcome {
            task: TaskId(number),
            attempt: 1,
            link: LinkId(1),
            worker: WorkerId([1; 16]),
            conclusion: Conclusion::Rejected("only a test".to_owned()),
        };
        let receipts: Arc<dyn Receipts> = Arc::<Self>::clone(self);
        Results {
            pixels,
            ..Results::new(Some(SettledBatch::new(vec![outcome], number, receipts)))
        }
    }
}

/// A keeper that is told directly what to write.
pub(super) fn keeper(journal: Journal) -> super::super::keeper::Keeper {
    super::super::keeper::Keeper::new(journal, "test:".to_owned())
}

/// All that a journal holds, whoever may have it open.
pub(super) fn held(path: &Path) -> SkyMap {
    SkyMap::clone(&read(path).unwrap().atlas.nominal)
}

/// Waits for what comes last.
pub(super) fn end(record: Record, is_finished: bool) -> Result<(), Arc<JournalError>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .unwrap()
        .block_on(record.end(is_finished, "test".to_owned()))
}

/// How large a test is: so much, or so much by `./test long`.
pub(super) fn or_when_long(usual: u64, long: u64) -> u64 {
    match std::env::var_os("SKYSCAN_TEST_LONG") {
        None => usual,
        Some(_) => long,
    }
}
