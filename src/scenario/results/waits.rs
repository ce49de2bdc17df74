//! How long tasks waited for a worker: all of them, and as the run went on.

use serde::{Deserialize, Serialize};

use crate::scenario::statistics::quantiles;

/// Bins of a histogram in a factor of ten.
const BINS_PER_DECADE: f64 = 5.0;
/// Shorter waits than this are told as this, in seconds.
const SHORTEST_S: f64 = 1e-6;
/// Parts of a run of equal length.
const PARTS: usize = 30;

/// How long the tasks of a run waited: see [`Run::schedule_to_start_s`](super::Run::schedule_to_start_s).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// How many tasks waited how long, in bins of equal ratios, from short to long; none is left out in between.
    pub histogram: Vec<Bin>,
    /// As the run went on, by when tasks had their result; parts in which none had one are left out.
    pub over_time: Vec<Part>,
}

/// Tasks that waited about as long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// The longest wait of the bin, in seconds.
    pub up_to_s: f64,
    /// Tasks in it.
    pub n: u64,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its end, in seconds since the first task was handed out.
    pub until_s: f64,
    /// Half of its tasks waited at most this, in seconds.
    pub p50_s: f64,
    /// 99 % of its tasks waited at most this, in seconds.
    pub p99_s: f64,
}

impl Waits {
    /// Of tasks, each as when it had its result since the first was handed out, and how long it had waited, in
    /// seconds, in any order.
    pub(in crate::scenario) fn of(tasks: &[(f64, f64)]) -> Self {
        Self {
            histogram: histogram(tasks.iter().map(|(_, wait_s)| *wait_s)),
            over_time: over_time(tasks),
        }
    }
}

fn histogram(waits_s: impl Iterator<Item = f64>) -> Vec<Bin> {
    let number = |wait_s: f64| {
        let ratio = wait_s.max(SHORTEST_S) / SHORTEST_S;
        (BINS_PER_DECADE * libm::log10(ratio)).ceil() as usize
    };
    let mut counts: Vec<u64> = Vec::new();
    for wait_s in waits_s {
        let number = number(wait_s);
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        counts[number] += 1;
    }
    let first = counts.iter().position(|n| *n > 0).unwrap_or(0);
    let bin = |(number, n): (usize, u64)| Bin {
        up_to_s: SHORTEST_S * libm::pow(10.0, number as f64 / BINS_PER_DECADE),
        n,
    };
    counts
        .into_iter()
        .enumerate()
        .skip(first)
        .map(bin)
        .collect()
}

fn over_time(tasks: &[(f64, f64)]) -> Vec<Part> {
    let end_s = tasks.iter().map(|(at_s, _)| *at_s).fold(0.0, f64::max);
    if end_s <= 0.0 {
        return Vec::new();
    }
    let mut parts: Vec<Vec<f64>> = vec![Vec::new(); PARTS];
    for (at_s, wait_s) in tasks {
        let part = (at_s / end_s * PARTS as f64) as usize;
        parts[part.min(PARTS - 1)].push(*wait_s);
    }
    let parts = parts
        .into_iter()
        .enumerate()
        .filter(|(_, waits)| !waits.is_empty());
    parts
        .map(|(number, waits)| {
            let waits = quantiles(waits);
            Part {
                until_s: (number + 1) as f64 * end_s / PARTS as f64,
                p50_s: waits.p50,
                p99_s: waits.p99,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_in_one_bin_and_no_bin_between_is_missing() {
        let tasks: Vec<(f64, f64)> = [0.0, 1e-3, 1.001e-3, 0.9, 1.0]
            .iter()
            .map(|wait_s| (1.0, *wait_s))
            .collect();
        let found = Waits::of(&tasks).histogram;
        assert_eq!(found.iter().map(|bin| bin.n).sum::<u64>(), 5);
        assert_eq!(found.len(), 31, "six decades of five, and the shortest");
        assert_eq!(
            (found[0].n, found[15].n, found[16].n, found[30].n),
            (1, 1, 1, 2)
        );
        assert!((found[30].up_to_s - 1.0).abs() < 1e-12);
        for pair in found.windows(2) {
            assert!((pair[1].up_to_s / pair[0].up_to_s - 10f64.powf(0.2)).abs() < 1e-9);
        }
        assert_eq!(Waits::of(&[]), Waits::default());
    }

    #[test]
    fn a_run_whose_tasks_wait_ever_longer_shows_that() {
        let tasks: Vec<(f64, f64)> = (1..=3000)
            .map(|i| (f64::from(i), 0.1 * f64::from(i)))
            .collect();
        let parts = Waits::of(&tasks).over_time;
        assert_eq!(parts.len(), PARTS);
        assert_eq!(parts[0].until_s, 100.0);
        assert!((parts[0].p50_s - 5.0).abs() < 0.11, "{:?}", parts[0]);
        assert!(parts.windows(2).all(|pair| pair[1].p99_s > pair[0].p99_s));
        assert_eq!(parts[29].until_s, 3000.0);
    }
}
