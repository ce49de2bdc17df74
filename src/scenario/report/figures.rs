//! The figures of a point that are compared and asked for, by their names.

use crate::scenario::results::Means;
use crate::scenario::statistics::Interval;

/// A figure of a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// What a threshold calls it.
    pub(super) name: &'static str,
    /// What a table calls it, with its unit.
    pub(super) head: &'static str,
    /// Where it stands.
    pub(super) of: fn(&Means) -> Option<Interval>,
}

/// All of them.
pub(super) const FIGURES: [Figure; 9] = [
    figure("utilisation", "utilisation", |mean| mean.utilisation),
    figure("throughput", "tasks/s", |mean| mean.throughput_per_s),
    figure("makespan", "makespan s", |mean| mean.makespan_s),
    figure("t50", "T50 s", |mean| mean.t50_s),
    figure("t99", "T99 s", |mean| mean.t99_s),
    figure("wait_p99", "wait p99 s", |mean| {
        mean.schedule_to_start_p99_s
    }),
    figure("hub_us", "hub us", |mean| mean.hub_cpu_us_per_task),
    figure("broker_us", "broker us", |mean| mean.broker_cpu_us_per_task),
    figure("dollars", "$", |mean| mean.dollars),
];

const fn figure(
    name: &'static str,
    head: &'static str,
    of: fn(&Means) -> Option<Interval>,
) -> Figure {
    Figure { name, head, of }
}
