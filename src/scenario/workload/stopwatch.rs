//! How long simulated workers worked, and how late they woke up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::histogram;
use tokio::time::Instant;

/// Classes of lateness: each twice as late as the one before, from 1 us.
const CLASSES: usize = 32;

/// How long simulated workers worked, and how late their work ended: more than a few milliseconds,
/// and it is the machine that is slow.
#[derive(Debug, Default)]
pub struct Stopwatch(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    n: u64,
    total: Duration,
    by_class: [u64; CLASSES],
    worked: Duration,
}

/// Work that is under way; it counts until it is dropped, finished or not.
pub(super) struct Lap<'a> {
    pub(super) begun: Instant,
    stopwatch: &'a Stopwatch,
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        let mut counts = self.stopwatch.counts();
        counts.worked += self.begun.elapsed();
    }
}

impl Stopwatch {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work begins now.
    pub(super) fn begin(&self) -> Lap<'_> {
        Lap {
            begun: Instant::now(),
            stopwatch: self,
        }
    }

    /// Time in seconds that all work took together, whether it came to an end or not.
    pub fn worked_s(&self) -> f64 {
        self.counts().worked.as_secs_f64()
    }

    /// Work ended so much later than it should have.
    pub(super) fn add(&self, late: Duration) {
        let mut counts = self.counts();
        counts.n += 1;
        counts.total += late;
        histogram!("skyscan_fleet_lateness_seconds").record(late);
        let class = (128 - late.as_micros().leading_zeros()) as usize;
        counts.by_class[class.min(CLASSES - 1)] += 1;
    }

    /// How late work ended: mean in seconds, and 99th percentile in seconds, rounded up to a power of two microseconds.
    pub fn lateness_mean_and_p99_s(&self) -> (f64, f64) {
        let counts = self.counts();
        if counts.n == 0 {
            return (0.0, 0.0);
        }
        let mut seen = 0;
        let class = counts.by_class.iter().position(|n| {
            seen += n;
            seen * 100 >= counts.n * 99
        });
        let p99_us = (1u64 << class.unwrap_or(CLASSES - 1)) as f64;
        (counts.total.as_secs_f64() / counts.n as f64, p99_us * 1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_told_in_powers_of_two() {
        let stopwatch = Stopwatch::default();
        for _ in 0..99 {
            stopwatch.add(Duration::from_micros(700));
        }
        stopwatch.add(Duration::from_millis(70));
        let (mean, p99) = stopwatch.lateness_mean_and_p99_s();
        assert!((mean - 1.393e-3).abs() < 1e-9);
        assert_eq!(p99, 1024e-6);
    }
}
