//! Whether one Scanner keeps a quarter of a million workers busy.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    BUSY, BYTES, CROSSING, DOLLARS, FORMULA, HUB, LIMIT, RATE, REPEATS, WORKERS,
};
use crate::scenario::answers::say::{busy, count, list, named, percent};
use crate::scenario::report::verdict::{is_busy, limit};
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "250,000 workers, each with a connection of its own: does one Scanner hold them?",
    said: "Our own question: three times the EAGER test, and four times what one broker has connections for.",
    scenarios: &["quarter-million"],
    charts: &[("quarter-million", Chart::Busy)],
    columns: &[
        WORKERS, BUSY, FORMULA, RATE, HUB, BYTES, CROSSING, DOLLARS, LIMIT, REPEATS,
    ],
    answer,
};

/// Share of a processor that the hub needs.
fn load(point: &Point) -> Option<f64> {
    let per_s = point.mean.throughput_per_s?.mean;
    Some(per_s * 1e-6 * point.mean.hub_cpu_us_per_task?.mean)
}

fn told(point: &Point) -> String {
    let hub = load(point).map_or_else(String::new, |load| {
        format!(", its processor for {} of the time", percent(load))
    });
    let limited = match is_busy(point) {
        Some(false) => format!(" ({})", limit(point)),
        _ => String::new(),
    };
    format!("{}: {}{hub}{limited}", named(point), busy(point))
}

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("quarter-million");
    let first = points.first()?;
    let word = match is_busy(first)? {
        true => "yes",
        false => "no",
    };
    // Every variant has a largest fleet of its own, by the same formula.
    let knees: Vec<String> = points
        .iter()
        .filter_map(|point| {
            let knee = point.theory.knee_workers?.round() as usize;
            Some(format!("{} with {}", count(knee), named(point)))
        })
        .collect();
    let all: Vec<String> = points.iter().map(told).collect();
    let hub = load(first).map_or_else(String::new, |load| {
        format!(", its own processor for {} of the time", percent(load))
    });
    Some(Answer {
        short: format!("{word}: {} busy{hub}", busy(first)),
        told: format!(
            "Of {} workers, busy shares are: {}. By the hub's time for a task it would hold up to {}.",
            count(first.workers),
            all.join("; "),
            list(&knees)
        ),
    })
}
