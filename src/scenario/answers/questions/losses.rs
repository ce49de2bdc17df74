//! What losing machines costs.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, CORE_HOURS, DOLLARS, HALF, LOST, NEARLY_ALL, REPEATS, WASTED, WORKERS,
};
use crate::scenario::answers::say::{beside, count, named, percent};
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "What does losing machines cost?",
    said: "Spot instances are taken away when others pay more; what that costs a scan was left open.",
    scenarios: &["preempt-storm-80k", "preempt-storm", "fleet-restart"],
    charts: &[
        ("preempt-storm-80k", Chart::Ends),
        ("preempt-storm-80k", Chart::Dollars),
    ],
    columns: &[
        WORKERS, HALF, NEARLY_ALL, ALL, LOST, CORE_HOURS, WASTED, DOLLARS, REPEATS,
    ],
    answer,
};

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("preempt-storm-80k");
    let is_calm = |point: &&Point| point.setup.faults.preemption.is_none();
    let calm = points.iter().find(is_calm)?;
    let stormy: Vec<&Point> = points.iter().filter(|point| !is_calm(point)).collect();
    let first = stormy.first()?;
    let nearly_s = |point: &Point| point.mean.t99_s.map_or(0.0, |end| end.mean);
    let last_s = |point: &Point| point.mean.makespan_s.map_or(0.0, |end| end.mean);
    let paid = |point: &Point| point.mean.dollars.map_or(0.0, |paid| paid.mean);
    let cost = |point: &Point| {
        format!(
            "{} time until 99 % of the results, {} until the last, and {} money",
            beside(nearly_s(point), nearly_s(calm)),
            beside(last_s(point), last_s(calm)),
            beside(paid(point), paid(calm))
        )
    };
    let wasted = first.tally.used.core_hours?;
    let per_min = first.setup.faults.preemption?.per_min * first.setup.time_scale;
    let others: Vec<String> = stormy
        .iter()
        .skip(1)
        .map(|point| format!("{}: {}", named(point), cost(point)))
        .collect();
    Some(Answer {
        short: format!(
            "{} of the machines a minute: {}",
            percent(per_min),
            cost(first)
        ),
        told: format!(
            "Beside a calm sky, {} costs {}: {} leases are lost and given again, no result is missing, and \
             {} of the core hours that are billed are wasted. {}.",
            named(first),
            cost(first),
            count(first.tally.lost_each()),
            percent(wasted.wasted / wasted.billed),
            others.join("; ")
        ),
    })
}
