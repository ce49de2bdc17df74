//! The tasks of a wave: cut to size, leased out, copied where they hold up the rest, each pixel
//! counted once.

mod copies;
mod copying;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stragglers::{StragglerPolicy, Stragglers};
use copies::Copies;
use skyscan_reco::PixelRequest;
use skyscan_sky::map::PixelOutcome;
use skyscan_sky::{Nside, Pixel};

/// How long a task should take: long beside its way through a transport, short beside a round.
const TASK_SECONDS: f64 = 0.5;
/// More pixels than this make the message of a task too long.
const MOST_PIXELS: usize = 1024;
/// Towards the end of a wave tasks shrink, so that every slot gets at least this many.
const TASKS_LEFT_PER_SLOT: usize = 3;

/// A chunk of pixels that is leased as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its number, unique within the scan.
    pub id: u64,
    /// What is to be evaluated; outcomes come back in this order.
    pub requests: Vec<PixelRequest>,
}

/// How the size of tasks is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// By the measured cost of a pixel, aiming at half a second.
    Adaptive,
    /// Always this many pixels.
    Fixed(std::num::NonZeroUsize),
}

/// What the tasks of a scan came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounts {
    /// Cut and handed out, copies aside.
    pub planned: u64,
    /// Of these, whose results entered the map, whichever copy they came from.
    pub accepted: u64,
    /// Results of which everything was known, and which were thrown away.
    pub duplicate: u64,
    /// Leases that ended without a result, by the attempts of the results.
    pub lost: u64,
    /// Given up by a worker for good.
    pub failed: u64,
    /// Copies of tasks that held up the rest, and pieces of such copies.
    #[serde(default)]
    pub speculated: u64,
}

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It entered the map, or what of it was not known did.
    Accepted {
        /// Pixels that were fitted.
        n_fitted: u64,
        /// Pixels that failed.
        n_failed: u64,
    },
    /// It was known already.
    Duplicate,
    /// It does not fit any task of this scan, and was thrown away.
    Unplanned,
}

/// What follows when a worker gives a task up.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenUp {
    /// Nothing: the task was not out any more, or copies of it go on.
    Nothing,
    /// Its pixels are tried one by one.
    Again(Vec<Task>),
    /// Its only pixel has failed.
    Failed(Pixel),
}

/// A task that is out.
#[derive(Debug)]
struct OutTask {
    pixels: Vec<(Pixel, PixelRequest)>,
    handed_out: Duration,
    /// The task that was cut from the wave, of which this is a copy, or itself.
    origin: u64,
    /// How many copies came before it, one of the other.
    generation: u32,
    /// Whether there is a copy of it.
    is_copied: bool,
}

/// The tasks of one wave after another.
#[derive(Debug)]
pub struct Ledger {
    chunking: Chunking,
    stragglers: Stragglers,
    pending: VecDeque<(Pixel, PixelRequest)>,
    out: BTreeMap<u64, OutTask>,
    copies: Copies,
    /// Tasks whose results will be thrown away, since copies came first.
    losing: BTreeSet<u64>,
    /// How many of them will never come, since no worker has them.
    n_purged: usize,
    outcomes: BTreeMap<Pixel, PixelOutcome>,
    next_id: u64,
    counts: TaskCounts,
    busy_seconds: f64,
    wave_seconds: f64,
    wave_measured: u64,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(chunking: Chunking, policy: StragglerPolicy) -> Self {
        Self {
            chunking,
            stragglers: Stragglers::new(policy),
            pending: VecDeque::new(),
            out: BTreeMap::new(),
            copies: Copies::default(),
            losing: BTreeSet::new(),
            n_purged: 0,
            outcomes: BTreeMap::new(),
            next_id: 0,
            counts: TaskCounts::default(),
            busy_seconds: 0.0,
            wave_seconds: 0.0,
            wave_measured: 0,
        }
    }

    /// Adds the pixels of a new wave. The last one must be done.
    pub fn begin_wave(&mut self, pixels: Vec<(Pixel, PixelRequest)>) {
        self.pending.extend(pixels);
        (self.wave_seconds, self.wave_measured) = (0.0, 0);
        self.stragglers.begin_wave();
    }

    /// Whether every pixel of the wave has an outcome. Copies that lost may still run.
    pub fn is_wave_done(&self) -> bool {
        self.pending.is_empty() && self.out.is_empty()
    }

    /// The outcomes accepted since the last call.
    pub fn take_outcomes(&mut self) -> BTreeMap<Pixel, PixelOutcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// Tasks that are out and whose results will count.
    pub fn n_leased(&self) -> usize {
        self.out.len()
    }

    /// Tasks that are out in vain: copies of them came first.
    pub fn n_losing(&self) -> usize {
        self.losing.len().saturating_sub(self.n_purged)
    }

    /// So many tasks that are out in vain never got to a worker.
    pub fn purged(&mut self, n_tasks: usize) {
        self.n_purged += n_tasks;
    }

    /// Pixels of the wave that are in no task yet.
    pub fn n_pending(&self) -> usize {
        self.pending.len()
    }

    /// What the tasks came to so far.
    pub fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// Time that workers spent on accepted results.
    pub fn busy_seconds(&self) -> f64 {
        self.busy_seconds
    }

    /// Whether more tasks should be out for workers with `n_slots` slots, who may hold `n_leases`.
    pub fn wants_more_out(&self, n_slots: usize, n_leases: usize) -> bool {
        let n_out = self.out.len() + self.n_losing();
        let n_uncut = self.pending.len().div_ceil(self.chunk_size(n_slots));
        n_out < self.stragglers.most_out(n_slots, n_leases, n_uncut)
    }

    /// Cuts the next task for `n_slots` workers' slots, or `None` if all pixels are out.
    pub fn cut_task(&mut self, n_slots: usize, now: Duration) -> Option<Task> {
        let n_pixels = self.chunk_size(n_slots).min(self.pending.len());
        if n_pixels == 0 {
            return None;
        }
        let chunk: Vec<(Pixel, PixelRequest)> = self.pending.drain(..n_pixels).collect();
        Some(self.hand_out(chunk, now))
    }

    fn hand_out(&mut self, pixels: Vec<(Pixel, PixelRequest)>, now: Duration) -> Task {
        self.counts.planned += 1;
        let origin = self.next_id;
        self.send(OutTask {
            pixels,
            handed_out: now,
            origin,
            generation: 0,
            is_copied: false,
        })
    }

    fn send(&mut self, task: OutTask) -> Task {
        let id = self.next_id;
        self.next_id += 1;
        let requests = task.pixels.iter().map(|(_, request)| request.clone());
        let requests = requests.collect();
        self.out.insert(id, task);
        Task { id, requests }
    }

    fn chunk_size(&self, n_slots: usize) -> usize {
        match self.chunking {
            Chunking::Fixed(n_pixels) => n_pixels.get(),
            Chunking::Adaptive if self.wave_measured == 0 => 1,
            Chunking::Adaptive => {
                let seconds_per_pixel = self.wave_seconds / self.wave_measured as f64;
                let by_cost = (TASK_SECONDS / seconds_per_pixel) as usize;
                let by_tail = self.pending.len() / (TASKS_LEFT_PER_SLOT * n_slots.max(1));
                by_cost.min(by_tail).clamp(1, MOST_PIXELS)
            }
        }
    }

    /// Resolution of the pixels of a task that is out.
    pub fn nside_of(&self, id: u64) -> Option<Nside> {
        let task = self.out.get(&id)?;
        task.pixels.first().map(|(pixel, _)| pixel.nside)
    }

    /// Takes a result: what became of each pixel of a task, and how long that took a worker.
    pub fn accept(
        &mut self,
        id: u64,
        outcomes: Vec<PixelOutcome>,
        seconds: f64,
        attempt: u32,
        now: Duration,
    ) -> Acceptance {
        if id >= self.next_id {
            return Acceptance::Unplanned;
        }
        let Some(task) = self.out.get(&id) else {
            self.throw_away(id);
            return Acceptance::Duplicate;
        };
        let n_pixels = task.pixels.len();
        if n_pixels != outcomes.len() {
            return Acceptance::Unplanned;
        }
        let was_out = now.saturating_sub(task.handed_out);
        self.counts.lost += u64::from(attempt.saturating_sub(1));
        if seconds.is_finite() && seconds > 0.0 {
            self.busy_seconds += seconds;
            self.wave_seconds += seconds;
            self.wave_measured += n_pixels as u64;
            self.stragglers.measured(seconds, n_pixels, was_out);
        }
        let (mut n_fitted, mut n_failed) = (0, 0);
        for (pixel, outcome) in self.settle(id).into_iter().zip(outcomes) {
            let Some(pixel) = pixel else {
                continue;
            };
            let outcome = only_finite(outcome);
            match outcome {
                PixelOutcome::Fitted(_) => n_fitted += 1,
                PixelOutcome::Failed(_) => n_failed += 1,
            }
            self.outcomes.insert(pixel, outcome);
        }
        Acceptance::Accepted { n_fitted, n_failed }
    }

    /// A task that is not out any more came to an end.
    fn throw_away(&mut self, id: u64) {
        self.counts.duplicate += 1;
        self.losing.remove(&id);
    }

    /// A worker gives a task up for good. A task of several pixels is split, because one of them
    /// may have brought down the rest; a single pixel fails. What copies are out with is left to them.
    pub fn reject(&mut self, id: u64, reason: &str, now: Duration) -> GivenUp {
        let Some(task) = self.out.remove(&id) else {
            if id < self.next_id {
                self.throw_away(id);
            }
            return GivenUp::Nothing;
        };
        self.counts.failed += 1;
        let is_single = task.pixels.len() == 1;
        let mut left = task.pixels;
        if self.copies.has(task.origin) {
            left.retain(|(pixel, _)| self.copies.abandon(*pixel, id));
            self.copies.close(task.origin, left.len());
        }
        match left.as_slice() {
            [] => GivenUp::Nothing,
            [(pixel, _)] if is_single => {
                let failed = PixelOutcome::Failed(reason.to_owned());
                self.outcomes.insert(*pixel, failed);
                GivenUp::Failed(*pixel)
            }
            _ => {
                let singles = left.into_iter();
                let singles = singles.map(|single| self.hand_out(vec![single], now));
                GivenUp::Again(singles.collect())
            }
        }
    }
}

/// A fit that is not a number is a failure, whatever the worker says.
fn only_finite(outcome: PixelOutcome) -> PixelOutcome {
    match outcome {
        PixelOutcome::Fitted(fit) if !fit.llh.is_finite() => {
            PixelOutcome::Failed(format!("llh is {}", fit.llh))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
