//! The tasks of a wave: cut to size, leased out, copied where they hold up the rest, repeated where they
//! fail, each pixel counted once.
//!
//! Every pixel of a wave is, at every moment, one of four things: it has its outcome; it waits in no
//! task; it waits to go out again; or it is in a task that is out, and then there is a time from which
//! on that task is overdue and gets a copy. [`Ledger::check`] says whether that holds. Since the times
//! are finite, and whatever is overdue and overtaken counts neither as a busy slot nor against what may
//! be out, a pixel always comes to a worker that answers, if there is one.

mod ahead;
mod check;
mod copies;
mod copying;
#[cfg(test)]
mod fixture;
mod out;
mod repeats;
mod results;
mod stuck;
mod troubles;
mod unbegun;

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::standings::{PutAside, Standings};
use super::stragglers::{StragglerPolicy, Stragglers};
use crate::Point;
use crate::protocol::{Avoided, WorkerId};
use ahead::Ahead;
use copies::Copies;
use out::{Losing, OutTask};
use repeats::Repeats;
use skyscan_reco::PixelRequest;
use skyscan_sky::map::PixelOutcome;
use stuck::Stuck;
use troubles::Troubles;

pub use ahead::{Adopted, Asked};
pub use copying::Stall;
pub use results::{Acceptance, Answer, News};

/// Slots are wanted that take what is open within so long: a machine is not started for less.
const WANTED_SECONDS: f64 = 60.0;
/// More pixels than this make the message of a task too long.
const MOST_PIXELS: usize = 1024;
/// Towards the end of a wave tasks shrink, so that every slot gets at least this many.
const TASKS_LEFT_PER_SLOT: usize = 3;
/// At so many different workers a pixel fails before it fails for good.
const FAIL_AFTER: u32 = 3;

/// A chunk of pixels that is leased as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its number, unique within the scan.
    pub id: u64,
    /// Number of the systematic that all of it is evaluated under; 0: as the telescope is described.
    pub systematic: u32,
    /// What is to be evaluated; outcomes come back in this order.
    pub requests: Vec<PixelRequest>,
    /// Workers that should not get it, while others are there: it failed there, or they are put aside.
    pub avoid: Avoided,
    /// Tasks that are out with its pixels and that nothing has come of: whoever holds them should not get
    /// this one, too.
    pub in_vain: Vec<u64>,
    /// Once it was lost so often it is to be given back unbegun; without a number, never.
    pub most_attempts: Option<u32>,
}

/// How the size of tasks is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// By the measured cost of a pixel, aiming at so long a task.
    Adaptive(Duration),
    /// Always this many pixels.
    Fixed(std::num::NonZeroUsize),
}

impl Chunking {
    /// Tasks of half a second: long beside their way through a transport, short beside a round.
    pub const USUAL: Self = Self::Adaptive(Duration::from_millis(500));
}

/// What the tasks of a scan came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounts {
    /// Cut and handed out; copies and repetitions aside.
    pub planned: u64,
    /// Of these, whose pixels all have their outcomes, whichever copy or repetition they came from.
    pub accepted: u64,
    /// Results of which everything was known, and which were thrown away.
    pub duplicate: u64,
    /// Leases that were lost with their workers, by the attempts of the results: no failures.
    pub lost: u64,
    /// Tasks, repetitions among them, at which a worker failed, as a whole or in some pixels.
    pub failed: u64,
    /// Copies of tasks that held up the rest, and pieces of such copies.
    #[serde(default)]
    pub speculated: u64,
    /// Handed out ahead of their round.
    #[serde(default)]
    pub ahead: u64,
    /// Of these, which their round asked for; the others were thrown away.
    #[serde(default)]
    pub asked_for: u64,
}

/// The tasks of one wave after another.
#[derive(Debug)]
pub struct Ledger {
    chunking: Chunking,
    fail_after: u32,
    patience: Duration,
    stragglers: Stragglers,
    standings: Standings,
    troubles: Troubles,
    works_ahead: bool,
    ahead: Ahead,
    pending: VecDeque<(Point, PixelRequest)>,
    repeats: Repeats,
    out: BTreeMap<u64, OutTask>,
    copies: Copies,
    /// Tasks whose results will be thrown away: copies came first, or nobody asks for them after all.
    losing: BTreeMap<u64, Losing>,
    /// How many of them will never come, since no worker has them.
    n_purged: usize,
    stuck: Stuck,
    outcomes: BTreeMap<Point, PixelOutcome>,
    news: News,
    first_id: u64,
    next_id: u64,
    counts: TaskCounts,
    busy_seconds: f64,
    wave_seconds: f64,
    wave_measured: u64,
    /// Waves begun so far.
    n_waves: u64,
    /// Pixels of the running wave, and how many of them have their outcomes.
    n_wave: usize,
    n_settled: usize,
    /// Pixels of the whole scan with a fit, and without.
    n_fitted: u64,
    n_failed: u64,
    /// How the last pixel that failed for good did.
    last_failure: String,
    /// When a pixel got its outcome last, or a wave began.
    progress: Duration,
    /// How often in a row it was told since that there is no progress.
    n_stalls: u32,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(chunking: Chunking, policy: StragglerPolicy) -> Self {
        Self {
            chunking,
            fail_after: FAIL_AFTER,
            patience: Duration::ZERO,
            stragglers: Stragglers::new(policy),
            works_ahead: policy.work_ahead,
            ahead: Ahead::default(),
            standings: Standings::default(),
            troubles: Troubles::default(),
            pending: VecDeque::new(),
            repeats: Repeats::default(),
            out: BTreeMap::new(),
            copies: Copies::default(),
            losing: BTreeMap::new(),
            n_purged: 0,
            stuck: Stuck::default(),
            outcomes: BTreeMap::new(),
            news: News::default(),
            first_id: 0,
            next_id: 0,
            counts: TaskCounts::default(),
            busy_seconds: 0.0,
            wave_seconds: 0.0,
            wave_measured: 0,
            n_waves: 0,
            n_wave: 0,
            n_settled: 0,
            n_fitted: 0,
            n_failed: 0,
            last_failure: String::new(),
            progress: Duration::ZERO,
            n_stalls: 0,
        }
    }

    /// The same; a pixel fails for good after failures at so many different workers.
    #[must_use]
    pub fn failing_after(self, n_workers: NonZeroU32) -> Self {
        Self {
            fail_after: n_workers.get(),
            ..self
        }
    }

    /// The same, for a place that workers may still come to: a pixel that failed at all who are there
    /// waits for so long, and twice as long the next time, before one of them gets it again.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same, going on where another one ended: tasks are counted on, their numbers begin here, and
    /// results of earlier ones are none of this scan's.
    #[must_use]
    pub fn going_on(self, first_id: u64, counts: TaskCounts, busy_seconds: f64) -> Self {
        Self {
            first_id,
            next_id: first_id,
            counts,
            busy_seconds,
            ..self
        }
    }

    /// Enters outcomes of the wave that begins next, which were accepted before this ledger was made.
    pub fn know(&mut self, known: impl IntoIterator<Item = (Point, PixelOutcome)>) {
        for (pixel, outcome) in known {
            match &outcome {
                PixelOutcome::Fitted(_) => self.n_fitted += 1,
                PixelOutcome::Failed(reason) => {
                    self.n_failed += 1;
                    self.last_failure.clone_from(reason);
                }
            }
            self.outcomes.insert(pixel, outcome);
        }
    }

    /// Adds the pixels of a new wave. The last one must be done. Returns what of it was done ahead.
    pub fn begin_wave(
        &mut self,
        mut pixels: Vec<(Point, PixelRequest)>,
        now: Duration,
    ) -> Vec<Adopted> {
        self.n_waves += 1;
        self.n_wave = pixels.len();
        self.n_settled = 0;
        self.ahead.begin_wave(self.n_wave);
        (self.wave_seconds, self.wave_measured) = (0.0, 0);
        self.stragglers.begin_wave();
        self.troubles.clear();
        self.went_on(now);
        let done = self.adopt(&mut pixels);
        self.pending.extend(pixels);
        debug_assert_eq!(self.check(now), Ok(()));
        done
    }

    /// Waves begun so far.
    pub fn n_waves(&self) -> u64 {
        self.n_waves
    }

    /// What the running wave has so far.
    pub fn outcomes(&self) -> &BTreeMap<Point, PixelOutcome> {
        &self.outcomes
    }

    /// Whether every pixel of the wave has an outcome. Copies that lost may still run.
    pub fn is_wave_done(&self) -> bool {
        self.pending.is_empty() && self.out.is_empty() && self.repeats.is_empty()
    }

    /// The outcomes accepted since the last call.
    pub fn take_outcomes(&mut self) -> BTreeMap<Point, PixelOutcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// The outcome of a pixel, if it was accepted since [`Self::take_outcomes`].
    pub fn outcome(&self, pixel: Point) -> Option<&PixelOutcome> {
        self.outcomes.get(&pixel)
    }

    /// What the last result told of pixels.
    pub fn news(&self) -> &News {
        &self.news
    }

    /// Nothing can go out, and whoever waits for progress waits in vain: time begins anew.
    pub fn pauses(&mut self, now: Duration) {
        self.went_on(now);
    }

    /// Tasks that are out and whose results will count.
    pub fn n_leased(&self) -> usize {
        self.out.len()
    }

    /// Tasks that are out in vain: copies of them came first, or nobody asks for them after all.
    pub fn n_losing(&self) -> usize {
        self.losing.len().saturating_sub(self.n_purged)
    }

    /// So many tasks that are out in vain never got to a worker.
    pub fn purged(&mut self, n_tasks: usize) {
        self.n_purged += n_tasks;
    }

    /// Pixels of the wave that are in no task, or wait to go out again.
    pub fn n_pending(&self) -> usize {
        self.pending.len() + self.repeats.n_pixels()
    }

    /// What the tasks came to so far.
    pub fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// Time that workers spent on accepted results.
    pub fn busy_seconds(&self) -> f64 {
        self.busy_seconds
    }

    /// A link of this worker came up.
    pub fn worker_up(&mut self, worker: WorkerId) {
        self.standings.up(worker);
        self.repeats.release();
    }

    /// Whether pixels that waited for other workers have to go to those that are there.
    pub fn has_waited_enough(&self, now: Duration) -> bool {
        self.repeats.is_due(now)
    }

    /// A link of this worker is gone.
    pub fn worker_down(&mut self, worker: WorkerId) {
        self.standings.down(worker);
    }

    /// Whether a worker is put aside: its slots are not counted on.
    pub fn is_aside(&self, worker: WorkerId) -> bool {
        self.standings.is_aside(worker)
    }

    /// Who was put aside since the last call, or is back.
    pub fn take_moved(&mut self) -> Vec<WorkerId> {
        self.standings.take_moved()
    }

    /// Whether anything is known of times: until then no task is late but by the clock.
    pub fn knows_times(&self) -> bool {
        self.stragglers.knows_times()
    }

    /// Workers that were put aside since the last call.
    pub fn take_put_aside(&mut self) -> Vec<PutAside> {
        self.standings.take_news()
    }

    /// Why there is no point in going on: many pixels failed for good, and none was ever fitted.
    pub fn hopeless(&self) -> Option<&str> {
        /// One that cannot be fitted is no surprise; nor are a few.
        const FEWEST_FAILED: u64 = 10;
        (self.n_fitted == 0 && self.n_failed >= FEWEST_FAILED).then_some(&self.last_failure)
    }

    /// For how long no pixel got its outcome. Zero while there is none to wait for.
    pub fn without_progress(&self, now: Duration) -> Duration {
        match self.is_wave_done() {
            true => Duration::ZERO,
            false => now.saturating_sub(self.progress),
        }
    }

    fn went_on(&mut self, now: Duration) {
        self.progress = now;
        self.n_stalls = 0;
    }

    /// Whether more tasks should be out for workers with `n_slots` slots, who may hold `n_leases`.
    pub fn wants_more_out(&self, n_slots: usize, n_leases: usize) -> bool {
        let n_uncut = self.pending.len().div_ceil(self.chunk_size(n_slots)) + self.repeats.len();
        self.n_busy() < self.stragglers.most_out(n_slots, n_leases, n_uncut)
    }

    /// Cuts the next task for `n_slots` workers' slots, or `None` if all pixels are out. What has to go
    /// out again comes first, for it may be the last one of a wave; what was lost too often comes last.
    pub fn cut_task(&mut self, n_slots: usize, now: Duration) -> Option<Task> {
        if let Some(repeat) = self.repeats.next(self.pending.is_empty(), now) {
            return Some(self.repeat(repeat, now));
        }
        let (first, _) = self.pending.front()?;
        let systematic = first.systematic;
        let chunk = self.pending.iter().take(self.chunk_size(n_slots));
        let n_pixels = chunk
            .take_while(|(point, _)| point.systematic == systematic)
            .count();
        let pixels = self.pending.drain(..n_pixels).collect();
        self.counts.planned += 1;
        let task = OutTask::cut(self.next_id, pixels, now);
        Some(self.send(task, Vec::new()))
    }

    /// Gives a task its number and puts it on the list of those that are out.
    fn send(&mut self, out: OutTask, failed_at: Vec<WorkerId>) -> Task {
        let task = self.number(&out, failed_at);
        self.out.insert(task.id, out);
        task
    }

    /// Gives a task its number.
    fn number(&mut self, task: &OutTask, failed_at: Vec<WorkerId>) -> Task {
        let id = self.next_id;
        self.next_id += 1;
        let aside = self.standings.avoided(id, task.handed_out);
        let avoid = failed_at.into_iter().chain(aside).collect();
        let requests = task.pixels.iter().map(|(_, request)| request.clone());
        let requests = requests.collect();
        let pixels = task.pixels.iter().map(|(pixel, _)| *pixel);
        let most_attempts = pixels.map(|pixel| self.troubles.most_attempts(pixel)).min();
        let first = task.pixels.first();
        let systematic = first.map_or(0, |(point, _)| point.systematic);
        Task {
            id,
            systematic,
            requests,
            avoid,
            in_vain: Vec::new(),
            most_attempts,
        }
    }

    fn chunk_size(&self, n_slots: usize) -> usize {
        match self.chunking {
            Chunking::Fixed(n_pixels) => n_pixels.get(),
            Chunking::Adaptive(_) => {
                let by_tail = self.pending.len() / (TASKS_LEFT_PER_SLOT * n_slots.max(1));
                self.pixels_by_cost().min(by_tail).max(1)
            }
        }
    }

    /// Pixels of a task that is as long as it should be, by what those of this wave took.
    fn pixels_by_cost(&self) -> usize {
        match self.chunking {
            Chunking::Fixed(n_pixels) => n_pixels.get(),
            Chunking::Adaptive(_) if self.wave_measured == 0 => 1,
            Chunking::Adaptive(aim) => {
                let seconds_per_pixel = self.wave_seconds / self.wave_measured as f64;
                ((aim.as_secs_f64() / seconds_per_pixel) as usize).clamp(1, MOST_PIXELS)
            }
        }
    }

    /// How many slots would have work now: as many as take what is open of the wave within a minute, by the
    /// mean cost of a pixel so far, but no more than there are pixels, and all of these while no cost is known.
    pub fn slots_wanted(&self) -> usize {
        let n_open = self.n_wave - self.n_settled;
        match self.n_fitted + self.n_failed {
            0 => n_open,
            n_done => {
                let seconds = n_open as f64 * self.busy_seconds / n_done as f64;
                let n_slots = (seconds / WANTED_SECONDS).ceil() as usize;
                n_slots.clamp(n_open.min(1), n_open)
            }
        }
    }
}

#[cfg(test)]
mod tests;
