//! What workers of very different speed do to a scan.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{ALL, BUSY, HALF, NEARLY_ALL, REPEATS, WASTED, WORKERS};
use crate::scenario::answers::say::{beside, count, named, percent};
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "Workers of very different speed: who waits for whom?",
    said: "Our own question: the burst of 51,000 GPUs had eight models of them, from the K520 to the V100, which is \
           six times as fast.",
    scenarios: &["mixed-speeds", "stragglers"],
    charts: &[("mixed-speeds", Chart::Ends)],
    columns: &[WORKERS, BUSY, HALF, NEARLY_ALL, ALL, WASTED, REPEATS],
    answer,
};

/// From so many tasks in hand on, a worker has its share of all before it begins.
const SHARED_OUT_FROM: u16 = 8;

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("mixed-speeds");
    let alike = points
        .iter()
        .find(|point| point.setup.fleet.speeds.is_empty())?;
    let mixed = |point: &&Point| !point.setup.fleet.speeds.is_empty();
    let in_hand = |point: &Point| point.setup.transport.credit.get();
    let asked = points
        .iter()
        .filter(mixed)
        .find(|point| in_hand(point) == 1)?;
    let nearly_s = |point: &Point| point.mean.t99_s.map_or(0.0, |end| end.mean);
    let last_s = |point: &Point| point.mean.makespan_s.map_or(0.0, |end| end.mean);
    let shared = points
        .iter()
        .filter(mixed)
        .find(|point| in_hand(point) >= SHARED_OUT_FROM);
    let told: Vec<String> = points
        .iter()
        .filter(mixed)
        .map(|point| {
            let hours = point
                .tally
                .used
                .core_hours
                .filter(|hours| hours.wasted > 1e-3);
            let wasted = hours.map_or_else(String::new, |hours| {
                let share = hours.wasted / (hours.used + hours.wasted);
                format!(", {} of the work in copies that lost", percent(share))
            });
            format!(
                "{}: {} time until 99 % of the results, {} until the last{wasted}",
                named(point),
                beside(nearly_s(point), nearly_s(alike)),
                beside(last_s(point), last_s(alike))
            )
        })
        .collect();
    let beforehand = shared.map_or_else(String::new, |point| {
        let time = beside(nearly_s(point), nearly_s(alike));
        format!("; with a fixed share for each it takes {time}")
    });
    let takes = beside(nearly_s(asked), nearly_s(alike));
    Some(Answer {
        short: format!(
            "nobody, while a worker gets a task when it asks: eight models take {takes} time for 99 % of the \
             results{beforehand}"
        ),
        told: format!(
            "Beside {} slots that are all alike and do as much in a second: {}.",
            count(alike.workers),
            told.join("; ")
        ),
    })
}
