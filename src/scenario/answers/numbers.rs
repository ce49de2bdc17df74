//! The numbers behind an answer, as tables.

use super::say::{busy, count, percent, time, with_interval};
use crate::scenario::report::verdict::{is_busy, limit};
use crate::scenario::results::Point;
use crate::scenario::statistics::Interval;

/// A column: its head, and what a point has there.
pub(super) type Column = (&'static str, fn(&Point) -> String);

const GIGABYTE: f64 = 1e9;

pub(super) const WORKERS: Column = ("workers", |point| count(point.workers));
pub(super) const BUSY: Column = ("busy", busy);
pub(super) const FORMULA: Column = ("by formula", |point| {
    percent(point.theory.mva.unwrap_or(point.theory.bound))
});
pub(super) const RATE: Column = ("tasks/s", |point| {
    cell(point.mean.throughput_per_s, point.setup.time_scale)
});
pub(super) const HUB: Column = ("hub µs/task", |point| {
    cell(point.mean.hub_cpu_us_per_task, 1.0)
});
pub(super) const BROKER: Column = ("broker µs/task", |point| {
    cell(point.mean.broker_cpu_us_per_task, 1.0)
});
pub(super) const LIMIT: Column = ("limited by", |point| {
    match is_busy(point).is_some() || point.tally.is_void() {
        true => limit(point).to_string(),
        false => String::new(),
    }
});
pub(super) const HALF: Column = ("half of the results after", |point| {
    time(point, point.mean.t50_s)
});
pub(super) const NEARLY_ALL: Column = ("99 % after", |point| time(point, point.mean.t99_s));
pub(super) const ALL: Column = ("the last after", |point| time(point, point.mean.makespan_s));
pub(super) const ALL_P95: Column = ("the last, 95 % of the repeats", |point| {
    match point.tally.counting > 1 {
        true => time(point, single(point.mean.makespan_p95_s)),
        false => String::new(),
    }
});
pub(super) const IN_TIME: Column = ("repeats within 10 min", |point| {
    in_time(point.tally.within_ten_minutes, point)
});
pub(super) const IN_TIME_99: Column = ("99 % within 10 min", |point| {
    in_time(point.tally.within_ten_minutes_99, point)
});
pub(super) const CORE_HOURS: Column = ("core hours billed", |point| {
    cell(point.mean.core_hours_billed, 1.0)
});
pub(super) const WASTED: Column = ("wasted", |point| {
    let wasted = point.mean.core_hours_wasted;
    match wasted {
        // Sums of the same times in different orders.
        Some(wasted) if wasted.mean < 1e-6 => "0".to_owned(),
        _ => cell(wasted, 1.0),
    }
});
pub(super) const LOST: Column = ("leases lost", |point| count(point.tally.lost_each()));
pub(super) const BYTES: Column = ("GB in all", |point| cell(point.mean.gigabytes_moved, 1.0));
pub(super) const CROSSING: Column = ("GB between zones", |point| {
    crate::drawing::chart::short(crossing_gb(point))
});
pub(super) const TRANSFER: Column = ("$ for transfer", |point| {
    transfer_dollars(point).map_or_else(String::new, crate::drawing::chart::short)
});
pub(super) const DOLLARS: Column = ("$", |point| cell(point.mean.dollars, 1.0));
pub(super) const REPEATS: Column = ("repeats", |point| {
    match (point.tally.repeats(), point.tally.voids.len()) {
        (1, 0) => "1".to_owned(),
        (n, 0) => n.to_string(),
        (n, void) => format!("{n}, {void} void"),
    }
});

fn cell(interval: Option<Interval>, factor: f64) -> String {
    interval.map_or_else(String::new, |interval| with_interval(interval, factor))
}

fn in_time(n: usize, point: &Point) -> String {
    format!("{n} of {}", point.tally.counting)
}

/// A value that has no interval.
pub(super) fn single(value: Option<f64>) -> Option<Interval> {
    value.map(|mean| Interval {
        mean,
        half_width_95: None,
        n: 1,
    })
}

/// Gigabytes that left a zone.
pub(super) fn crossing_gb(point: &Point) -> f64 {
    let moved = point.tally.used.moved.named();
    let beyond = moved.iter().filter(|(boundary, _)| *boundary != "host");
    beyond.map(|(_, moved)| moved.bytes as f64).sum::<f64>() / GIGABYTE
}

/// What transfer cost, if there are prices.
pub(super) fn transfer_dollars(point: &Point) -> Option<f64> {
    let transfer = point.tally.used.dollars?.transfer.named();
    Some(transfer.iter().map(|(_, dollars)| dollars).sum())
}
