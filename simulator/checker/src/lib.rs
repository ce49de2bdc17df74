#![doc = include_str!("../README.md")]

mod life;
mod line;
mod scan;
mod scan_end;

use std::fmt;
use std::time::Duration;

/// A promise, by its number in the list that the project goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// I1: each pixel is accepted once.
    Once,
    /// I2: the map is that of a calm life.
    SameMap,
    /// I3: nothing enters the map that was not asked for and told by a worker.
    NoStranger,
    /// I4: no pixel is forgotten.
    Conserved,
    /// I6: the end comes.
    Lively,
    /// I7: what is confirmed is durable.
    Durable,
    /// I8: work that is done again is bounded.
    LittleWaste,
    /// I10: the counts are what happened.
    Audited,
    /// The history itself makes no sense.
    Readable,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub promise: Promise,
    /// When, in the words of the history.
    pub at: String,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} broken at {}: {}", self.promise, self.at, self.what)
    }
}

/// Which promises a life broke, in the order of its history.
pub fn check(history: &str) -> Vec<Violation> {
    life::check(history)
}

/// How long after its last fault a life may take to end: for work of so many seconds at the worker that
/// is well, and so many pixels.
pub fn patience(work_s: f64, n_pixels: usize, has_killers: bool) -> Duration {
    /// Leases that run out, deadlines that double, workers that are put aside for half an hour.
    const ANYWAY_S: f64 = 3_600.0;
    /// Sick workers get most tasks first; a copy may be late as well.
    const WORK_AGAIN: f64 = 6.0;
    /// A pixel that takes its worker with it does so twenty times, and each time somebody has to miss it.
    const KILLER_S: f64 = 400.0;
    let killers_s = if has_killers {
        KILLER_S * (1.0 + n_pixels as f64 / 20.0)
    } else {
        0.0
    };
    Duration::from_secs_f64(ANYWAY_S + WORK_AGAIN * work_s + killers_s)
}

#[cfg(test)]
mod tests;
