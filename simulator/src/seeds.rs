//! Many lives: as many at once as there are threads, each on its own; and what is left of one that failed
//! when no fault more can be left out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;
use skyscan_checker::{Violation, check};

use crate::{Draft, live};

/// A life that broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
}

/// What many lives came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many there were.
    pub n_lives: u64,
    /// How long they were, all workers' times added up, in s.
    pub worker_seconds: f64,
    /// Lines of all histories.
    pub n_lines: u64,
    /// Faults of all lives.
    pub n_faults: u64,
    /// Those that broke a promise, by seed.
    pub failures: Vec<Failure>,
}

/// Lives the lives of these seeds, which `draft` drafts, as many at once as asked for. Stops early after so
/// many failures.
pub fn live_all(
    seeds: std::ops::Range<u64>,
    draft: impl Fn(u64) -> Draft + Sync,
    n_threads: usize,
    most_failures: usize,
) -> Tally {
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..n_threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || tally.lock().failures.len() >= most_failures {
                        return;
                    }
                    let draft = draft(seed);
                    let history = live(&draft);
                    let violations = check(&history);
                    let mut tally = tally.lock();
                    tally.n_lives += 1;
                    tally.n_faults += draft.n_faults() as u64;
                    tally.n_lines += history.lines().count() as u64;
                    tally.worker_seconds += draft.workers.len() as f64 * length_s(&history);
                    if !violations.is_empty() {
                        tally.failures.push(Failure { seed, violations });
                    }
                }
            });
        }
    });
    let mut tally = tally.into_inner();
    tally.failures.sort_by_key(|failure| failure.seed);
    tally
}

fn length_s(history: &str) -> f64 {
    let last = history.lines().next_back();
    let seconds = last.and_then(|line| line.split(' ').next()?.parse().ok());
    seconds.unwrap_or(0.0)
}

/// Leaves out one fault after the other, as long as the life breaks a promise; returns the numbers of
/// those that had no part in it.
pub fn minimised(draft: &Draft, left_out: &[usize]) -> Vec<usize> {
    let mut left_out = left_out.to_vec();
    for number in 0..draft.n_faults() {
        if left_out.contains(&number) {
            continue;
        }
        left_out.push(number);
        if check(&live(&draft.without(&left_out))).is_empty() {
            left_out.pop();
        }
    }
    left_out.sort_unstable();
    left_out
}
