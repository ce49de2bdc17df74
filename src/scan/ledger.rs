//! The tasks of a wave: cut to size, leased out, each pixel counted once.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::reco::PixelRequest;
use crate::sky::map::PixelOutcome;
use crate::sky::{Nside, Pixel};

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
    /// Cut and handed out.
    pub planned: u64,
    /// Whose results entered the map.
    pub accepted: u64,
    /// Results that came again and were thrown away.
    pub duplicate: u64,
    /// Leases that ended without a result, by the attempts of the results.
    pub lost: u64,
    /// Given up by a worker for good.
    pub failed: u64,
}

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It entered the map.
    Accepted,
    /// It was known already.
    Duplicate,
    /// It does not fit any task of this scan, and was thrown away.
    Unplanned,
}

/// The tasks of one wave after another.
#[derive(Debug)]
pub struct Ledger {
    chunking: Chunking,
    pending: VecDeque<(Pixel, PixelRequest)>,
    leased: BTreeMap<u64, Vec<(Pixel, PixelRequest)>>,
    outcomes: BTreeMap<Pixel, PixelOutcome>,
    next_id: u64,
    counts: TaskCounts,
    busy_seconds: f64,
    wave_seconds: f64,
    wave_measured: u64,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(chunking: Chunking) -> Self {
        Self {
            chunking,
            pending: VecDeque::new(),
            leased: BTreeMap::new(),
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
    }

    /// Whether every pixel of the wave has an outcome.
    pub fn is_wave_done(&self) -> bool {
        self.pending.is_empty() && self.leased.is_empty()
    }

    /// The outcomes accepted since the last call.
    pub fn take_outcomes(&mut self) -> BTreeMap<Pixel, PixelOutcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// Tasks that are out.
    pub fn n_leased(&self) -> usize {
        self.leased.len()
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

    /// Cuts the next task for `n_slots` workers' slots, or `None` if all pixels are out.
    pub fn cut_task(&mut self, n_slots: usize) -> Option<Task> {
        let n_pixels = self.chunk_size(n_slots).min(self.pending.len());
        if n_pixels == 0 {
            return None;
        }
        let chunk: Vec<(Pixel, PixelRequest)> = self.pending.drain(..n_pixels).collect();
        Some(self.hand_out(chunk))
    }

    fn hand_out(&mut self, chunk: Vec<(Pixel, PixelRequest)>) -> Task {
        let id = self.next_id;
        self.next_id += 1;
        self.counts.planned += 1;
        let requests = chunk.iter().map(|(_, request)| request.clone()).collect();
        self.leased.insert(id, chunk);
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
        self.leased.get(&id)?.first().map(|(pixel, _)| pixel.nside)
    }

    /// Takes a result: what became of each pixel of a task, and how long that took a worker.
    pub fn accept(
        &mut self,
        id: u64,
        outcomes: Vec<PixelOutcome>,
        seconds: f64,
        attempt: u32,
    ) -> Acceptance {
        if id >= self.next_id {
            return Acceptance::Unplanned;
        }
        let Some(chunk) = self.leased.get(&id) else {
            self.counts.duplicate += 1;
            return Acceptance::Duplicate;
        };
        if chunk.len() != outcomes.len() {
            return Acceptance::Unplanned;
        }
        let chunk = self.leased.remove(&id).unwrap_or_default();
        self.counts.accepted += 1;
        self.counts.lost += u64::from(attempt.saturating_sub(1));
        if seconds.is_finite() && seconds > 0.0 {
            self.busy_seconds += seconds;
            self.wave_seconds += seconds;
            self.wave_measured += chunk.len() as u64;
        }
        let pixels = chunk.into_iter().map(|(pixel, _)| pixel);
        self.outcomes
            .extend(pixels.zip(outcomes.into_iter().map(only_finite)));
        Acceptance::Accepted
    }

    /// A worker gives a task up for good. A task of several pixels is split, because one of them
    /// may have brought down the rest; the new tasks are returned. A single pixel fails.
    pub fn reject(&mut self, id: u64, reason: &str) -> Vec<Task> {
        let Some(chunk) = self.leased.remove(&id) else {
            self.counts.duplicate += u64::from(id < self.next_id);
            return Vec::new();
        };
        self.counts.failed += 1;
        if let [(pixel, _)] = chunk.as_slice() {
            self.outcomes
                .insert(*pixel, PixelOutcome::Failed(reason.to_owned()));
            return Vec::new();
        }
        chunk
            .into_iter()
            .map(|single| self.hand_out(vec![single]))
            .collect()
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
