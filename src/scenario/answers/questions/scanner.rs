//! Whether one Scanner keeps 80,000 cores in three clouds busy while they come.

use super::{Answer, Chart, Question};
use crate::drawing::chart::short;
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, BUSY, BYTES, CORE_HOURS, DOLLARS, HALF, HUB, NEARLY_ALL, RATE, REPEATS, TRANSFER, WORKERS,
    transfer_dollars,
};
use crate::scenario::answers::say::{busy, count, dollars, percent, time, with_interval};
use crate::scenario::report::verdict::is_busy;

pub(in crate::scenario::answers) const QUESTION: Question = Question {
    asked: "80,000 cores in 28 zones of three clouds within 20 minutes: does one Scanner keep them busy?",
    said: "The talk, of the EAGER test: more than 80,000 cores, 28 zones, three clouds, in about 20 minutes.",
    scenarios: &["eager-80k"],
    charts: &[("eager-80k", Chart::Ends)],
    columns: &[
        WORKERS, BUSY, RATE, HUB, HALF, NEARLY_ALL, ALL, CORE_HOURS, BYTES, TRANSFER, DOLLARS,
        REPEATS,
    ],
    answer,
};

fn answer(known: &Known) -> Option<Answer> {
    let point = known.points("eager-80k").first()?;
    let zones: usize = point
        .setup
        .network
        .zones
        .iter()
        .map(|zone| zone.zones)
        .sum();
    let per_s = point.mean.throughput_per_s?.mean;
    let load = per_s * 1e-6 * point.mean.hub_cpu_us_per_task?.mean;
    let (word, keeps) = match is_busy(point)? {
        true => ("yes", "keeps"),
        false => ("no", "does not keep"),
    };
    let transfer = transfer_dollars(point).unwrap_or(0.0);
    Some(Answer {
        short: format!(
            "{word}: {} busy, its own processor for {} of the time",
            busy(point),
            percent(load)
        ),
        told: format!(
            "One Scanner {keeps} {} workers in {zones} zones busy: {} from when the last one was there, {} \
             after the first, and it needs {} of a processor for that, {} µs a task. All of its {} tasks \
             were done after {} (99 % after {}) for {}, of which ${} were for {} GB of transfer.",
            count(point.workers),
            busy(point),
            time(point, point.mean.connection_s),
            percent(load),
            with_interval(point.mean.hub_cpu_us_per_task?, 1.0),
            count(point.tally.tasks as usize),
            time(point, point.mean.makespan_s),
            time(point, point.mean.t99_s),
            dollars(point),
            short(transfer),
            with_interval(point.mean.gigabytes_moved?, 1.0),
        ),
    })
}
