//! What a Scanner tells those who watch from outside; `telemetry/catalogue.rs` has the list.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;

use crate::scan::{Acceptance, CopyReason};
use crate::sky::Nside;

/// What a Scanner has told, and what it needs to tell more.
pub(super) struct Meters {
    submitted: Counter,
    accepted: Counter,
    duplicate: Counter,
    ahead: Counter,
    went_ahead: Counter,
    asked_for: Counter,
    unplanned: Counter,
    invalid: Counter,
    rejected: Counter,
    task_failed: Counter,
    not_begun: Counter,
    not_served: Counter,
    stalls: Counter,
    stalled_held: Counter,
    stalled_waiting: Counter,
    put_aside: Counter,
    lost: Counter,
    overdue: Counter,
    late: Counter,
    wide: Counter,
    stalled: Counter,
    out: Share,
    workers: Gauge,
    slots: Gauge,
    wanted: Share,
    last_result: Gauge,
    round_trip: Histogram,
    hand_out: Histogram,
    collect: Histogram,
    refine: Histogram,
    rounds: BTreeMap<Nside, RoundMeters>,
}

/// The metrics of one resolution.
struct RoundMeters {
    planned: Counter,
    fitted: Counter,
    failed: Counter,
    service: Histogram,
}

impl Meters {
    /// Registers them at the recorder that is installed.
    pub(super) fn new() -> Self {
        let result = |outcome| counter!("skyscan_task_results_total", "outcome" => outcome);
        let ahead = |step| counter!("skyscan_tasks_ahead_total", "step" => step);
        let copy = |reason| counter!("skyscan_task_copies_total", "reason" => reason);
        let stalled = |at| counter!("skyscan_scan_stalled_tasks_total", "at" => at);
        let operation = |op| histogram!("skyscan_hub_operation_seconds", "op" => op);
        let meters = Self {
            submitted: counter!("skyscan_tasks_submitted_total"),
            accepted: result("accepted"),
            duplicate: result("duplicate"),
            ahead: result("ahead"),
            went_ahead: ahead("handed_out"),
            asked_for: ahead("asked_for"),
            unplanned: result("unplanned"),
            invalid: result("invalid"),
            rejected: result("rejected"),
            task_failed: result("failed"),
            not_begun: result("not_begun"),
            not_served: result("not_served"),
            stalls: counter!("skyscan_scan_stalls_total"),
            stalled_held: stalled("link"),
            stalled_waiting: stalled("hub"),
            put_aside: counter!("skyscan_workers_put_aside_total"),
            lost: counter!("skyscan_tasks_lost_total"),
            overdue: copy("overdue"),
            late: copy("late"),
            wide: copy("wide"),
            stalled: copy("stalled"),
            out: Share::of(gauge!("skyscan_tasks_out")),
            workers: gauge!("skyscan_scan_workers"),
            slots: gauge!("skyscan_scan_slots"),
            wanted: Share::of(gauge!("skyscan_scan_slots_wanted")),
            last_result: gauge!("skyscan_scan_last_result_timestamp_seconds"),
            round_trip: histogram!("skyscan_task_round_trip_seconds"),
            hand_out: operation("hand_out"),
            collect: operation("collect"),
            refine: histogram!("skyscan_refine_seconds"),
            rounds: BTreeMap::new(),
        };
        // Told by journals, where there are any.
        counter!("skyscan_task_results_total", "outcome" => "refused").increment(0);
        let _ = histogram!("skyscan_journal_commit_seconds");
        meters.tell_links(0, 0);
        meters.wanted.set(0.0);
        meters.out.set(0.0);
        meters.last_result.set(now_s());
        meters
    }

    /// The Refiner took so long, and asks for so many pixels of this resolution.
    pub(super) fn refined(&mut self, begun: Instant, nside: Option<Nside>, n_pixels: usize) {
        self.refine.record(begun.elapsed());
        if let Some(nside) = nside {
            self.round(nside).planned.increment(n_pixels as u64);
        }
    }

    /// A task goes to the hub.
    pub(super) fn task_sent(&self) {
        self.submitted.increment(1);
    }

    /// A task came back that was out for so long; of those that lost against copies nobody needs to know.
    pub(super) fn task_back(&self, was_out: Option<Duration>) {
        if let Some(was_out) = was_out {
            self.round_trip.record(was_out);
        }
    }

    /// What the ledger made of a result.
    pub(super) fn result(&self, acceptance: Acceptance, attempt: u32) {
        match acceptance {
            Acceptance::Accepted { .. } => self.accepted.increment(1),
            Acceptance::Failed { .. } => self.task_failed.increment(1),
            Acceptance::NotBegun { .. } => self.not_begun.increment(1),
            Acceptance::NotServed { .. } => self.not_served.increment(1),
            Acceptance::Ahead => self.ahead.increment(1),
            Acceptance::Duplicate => return self.duplicate.increment(1),
            Acceptance::Unplanned => return self.unplanned.increment(1),
        }
        self.lost.increment(u64::from(attempt.saturating_sub(1)));
    }

    /// What an accepted result holds, and how long it took a worker.
    pub(super) fn pixels(&mut self, nside: Nside, n_fitted: u64, n_failed: u64, seconds: f64) {
        let round = self.round(nside);
        round.fitted.increment(n_fitted);
        round.failed.increment(n_failed);
        if n_fitted > 0 && seconds.is_finite() && seconds >= 0.0 {
            round.service.record(seconds);
        }
    }

    /// A task gets a copy.
    pub(super) fn copied(&self, reason: CopyReason) {
        match reason {
            CopyReason::Overdue => self.overdue.increment(1),
            CopyReason::Late => self.late.increment(1),
            CopyReason::Wide => self.wide.increment(1),
            CopyReason::Stalled => self.stalled.increment(1),
        }
    }

    /// A task was handed out ahead of its round.
    pub(super) fn went_ahead(&self) {
        self.went_ahead.increment(1);
    }

    /// So many tasks that went ahead are asked for.
    pub(super) fn asked_for(&self, n_tasks: u64) {
        self.asked_for.increment(n_tasks);
    }

    /// A result could not be read.
    pub(super) fn invalid(&self) {
        self.invalid.increment(1);
    }

    /// A worker gave a task up for good.
    pub(super) fn rejected(&self) {
        self.rejected.increment(1);
    }

    /// Nothing came for far too long.
    pub(super) fn stalled(&self) {
        self.stalls.increment(1);
    }

    /// So many tasks were out then: with links, and waiting for one.
    pub(super) fn stalled_at(&self, n_held: usize, n_waiting: usize) {
        self.stalled_held.increment(n_held as u64);
        self.stalled_waiting.increment(n_waiting as u64);
    }

    /// A worker was put aside.
    pub(super) fn put_aside(&self) {
        self.put_aside.increment(1);
    }

    /// Results were entered.
    pub(super) fn collected(&self, begun: Instant) {
        self.collect.record(begun.elapsed());
        self.last_result.set(now_s());
    }

    /// Tasks were cut; so many are out now.
    pub(super) fn handed_out(&self, begun: Instant, n_out: usize) {
        self.hand_out.record(begun.elapsed());
        self.out.set(n_out as f64);
    }

    /// So many slots would have work now.
    pub(super) fn tell_wanted(&self, n_slots: usize) {
        self.wanted.set(n_slots as f64);
    }

    /// Who is there.
    pub(super) fn tell_links(&self, n_links: usize, n_slots: usize) {
        self.workers.set(n_links as f64);
        self.slots.set(n_slots as f64);
    }

    fn round(&mut self, nside: Nside) -> &mut RoundMeters {
        self.rounds.entry(nside).or_insert_with(|| {
            let nside = nside.to_string();
            let done = |outcome| counter!("skyscan_pixels_done_total", "nside" => nside.clone(), "outcome" => outcome);
            RoundMeters {
                planned: counter!("skyscan_pixels_planned_total", "nside" => nside.clone()),
                fitted: done("fitted"),
                failed: done("failed"),
                service: histogram!("skyscan_task_service_seconds", "nside" => nside.clone()),
            }
        })
    }
}

/// What one of several Scanners of a process has in a gauge that tells their sum.
struct Share {
    gauge: Gauge,
    mine: Cell<f64>,
}

impl Share {
    fn of(gauge: Gauge) -> Self {
        Self {
            gauge,
            mine: Cell::new(0.0),
        }
    }

    fn set(&self, value: f64) {
        self.gauge.increment(value - self.mine.replace(value));
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0.0);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "for those who watch; it enters no result"
)]
fn now_s() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
