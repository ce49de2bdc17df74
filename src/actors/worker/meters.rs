//! What the Workers of this process tell those who watch from outside; `telemetry/catalogue.rs` has
//! the list. Several of them add up.

use std::fmt;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::reco::KernelError;
use crate::sky::map::PixelOutcome;

/// What one Worker has told; taken back when dropped.
pub(super) struct Meters {
    free: Share,
    busy: Share,
    waiting: Share,
    scans: Share,
    completed: Counter,
    released: Counter,
    yielded: Counter,
    rejected: Counter,
    fitted: Counter,
    failed: Counter,
    skipped_reco: Counter,
    skipped_protocol: Counter,
    skipped_welcome: Counter,
    task: Histogram,
    pub(super) preparation: Preparation,
}

/// Why a scan is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It asks for a reconstruction that is not offered.
    Reco,
    /// It is of another version.
    Protocol,
    /// What it says of itself is not understood.
    Welcome,
}

/// What is told while a scan is prepared.
#[derive(Clone)]
pub(super) struct Preparation {
    /// Time from the welcome until tasks can begin.
    pub(super) seconds: Histogram,
    /// Bytes of events that were fetched.
    pub(super) payload_bytes: Counter,
}

impl Meters {
    /// Registers them at the recorder that is installed.
    pub(super) fn new() -> Self {
        let slots = |state| Share::of(gauge!("skyscan_worker_slots", "state" => state));
        let task = |outcome| counter!("skyscan_worker_tasks_total", "outcome" => outcome);
        let skipped = |cause| counter!("skyscan_worker_skipped_scans_total", "cause" => cause);
        let pixel = |outcome| counter!("skyscan_worker_pixels_total", "outcome" => outcome);
        Self {
            free: slots("free"),
            busy: slots("busy"),
            waiting: Share::of(gauge!("skyscan_worker_waiting_tasks")),
            scans: Share::of(gauge!("skyscan_worker_scans")),
            completed: task("completed"),
            released: task("released"),
            yielded: task("yielded"),
            rejected: task("rejected"),
            fitted: pixel("fitted"),
            failed: pixel("failed"),
            skipped_reco: skipped("reco"),
            skipped_protocol: skipped("protocol"),
            skipped_welcome: skipped("welcome"),
            task: histogram!("skyscan_worker_task_seconds"),
            preparation: Preparation {
                seconds: histogram!("skyscan_worker_preparation_seconds"),
                payload_bytes: counter!("skyscan_worker_payload_bytes_total"),
            },
        }
    }

    /// What the Worker holds now.
    pub(super) fn tell(&mut self, n_slots: usize, n_busy: usize, n_waiting: usize, n_scans: usize) {
        self.free.set(n_slots.saturating_sub(n_busy));
        self.busy.set(n_busy);
        self.waiting.set(n_waiting);
        self.scans.set(n_scans);
    }

    /// A task ended.
    pub(super) fn ended(&self, outcomes: &Result<Vec<PixelOutcome>, KernelError>, busy: Duration) {
        match outcomes {
            Ok(outcomes) => {
                let is_fitted =
                    |outcome: &&PixelOutcome| matches!(outcome, PixelOutcome::Fitted(_));
                let n_fitted = outcomes.iter().filter(is_fitted).count();
                self.completed.increment(1);
                self.fitted.increment(n_fitted as u64);
                self.failed.increment((outcomes.len() - n_fitted) as u64);
                self.task.record(busy);
            }
            Err(KernelError::Stopped) => self.released.increment(1),
            Err(_) => self.rejected.increment(1),
        }
    }

    /// A scan was met that can never be served.
    pub(super) fn skipped(&self, cause: Cause) {
        match cause {
            Cause::Reco => self.skipped_reco.increment(1),
            Cause::Protocol => self.skipped_protocol.increment(1),
            Cause::Welcome => self.skipped_welcome.increment(1),
        }
    }

    /// Tasks were given back before they began, for a more urgent scan.
    pub(super) fn yielded(&self, n_tasks: usize) {
        self.yielded.increment(n_tasks as u64);
    }

    /// A task was given up before it began.
    pub(super) fn rejected(&self) {
        self.rejected.increment(1);
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

/// One Worker's part of a gauge to which the others of the process add theirs.
struct Share {
    gauge: Gauge,
    told: f64,
}

impl Share {
    fn of(gauge: Gauge) -> Self {
        // Shown from the beginning.
        gauge.increment(0.0);
        Self { gauge, told: 0.0 }
    }

    fn set(&mut self, level: usize) {
        let level = level as f64;
        self.gauge.increment(level - self.told);
        self.told = level;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}
