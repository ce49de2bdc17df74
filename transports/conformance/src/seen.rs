//! Reads what a backend tells of itself.

use std::{collections::HashMap, fmt, time::Duration};

use anyhow::{Result, bail, ensure};
use metrics::{Key, LocalRecorderGuard};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

/// Longest time until a level is told.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a recorder was told.
pub struct Seen {
    since_last: Snapshotter,
    sums: Mutex<HashMap<Key, f64>>,
}

impl Seen {
    /// Records what is told by transports that are made, and ends that are opened, on this thread
    /// as long as the guard lives.
    pub fn record() -> (Self, LocalRecorderGuard<'static>) {
        // Handles outlive whoever looks at them.
        let recorder: &'static _ = Box::leak(Box::new(DebuggingRecorder::new()));
        let guard = metrics::set_default_local_recorder(recorder);
        let seen = Self {
            since_last: recorder.snapshotter(),
            sums: Mutex::default(),
        };
        (seen, guard)
    }

    /// Sum of a metric over its labels, of one side or (with an empty name) all.
    pub fn sum(&self, name: &str, side: &str) -> Result<u64> {
        match side.is_empty() {
            true => self.sum_where(name, "any side", |_| true),
            false => self.sum_with(name, ("side", side)),
        }
    }

    /// Sum of a metric over its other labels.
    pub fn sum_with(&self, name: &str, (label, value): (&str, &str)) -> Result<u64> {
        let what = format!("{label} {value:?}");
        self.sum_where(name, &what, |key| {
            let mut labels = key.labels();
            labels.any(|found| found.key() == label && found.value() == value)
        })
    }

    fn sum_where(&self, name: &str, what: &str, is_wanted: impl Fn(&Key) -> bool) -> Result<u64> {
        let mut sums = self.sums.lock();
        // A snapshot takes what it shows out of the recorder: what was told since the last one.
        for (key, _, _, value) in self.since_last.snapshot().into_vec() {
            let told = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(change) => change.into_inner(),
                DebugValue::Histogram(_) => continue,
            };
            *sums.entry(key.key().clone()).or_default() += told;
        }
        let found: Vec<f64> = sums
            .iter()
            .filter(|(key, _)| key.name() == name && is_wanted(key))
            .map(|(_, sum)| *sum)
            .collect();
        let sum: f64 = found.iter().sum();
        ensure!(!found.is_empty(), "nothing is told of {name} of {what}");
        ensure!(sum >= 0.0, "{name} of {what} is {sum}");
        Ok(sum as u64)
    }

    /// Fails unless the sum is this.
    pub fn is(&self, name: &str, side: &str, expected: u64) -> Result<()> {
        match self.sum(name, side)? {
            told if told == expected => Ok(()),
            told => bail!("{name} of side {side:?} is {told}, not {expected}"),
        }
    }

    /// Waits until the sum is this.
    pub async fn wait(&self, name: &str, side: &str, expected: u64) -> Result<()> {
        self.wait_until(name, side, &format!("{expected}"), |told| told == expected)
            .await
    }

    /// Waits until the sum is above a bound.
    pub async fn wait_above(&self, name: &str, side: &str, bound: u64) -> Result<()> {
        self.wait_until(name, side, &format!("above {bound}"), |told| told > bound)
            .await
    }

    async fn wait_until(
        &self,
        name: &str,
        side: &str,
        what: &str,
        is_met: impl Fn(u64) -> bool,
    ) -> Result<()> {
        let since = Instant::now();
        loop {
            let told = self.sum(name, side)?;
            if is_met(told) {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                bail!("{name} of side {side:?} stays {told}, not {what}");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}
