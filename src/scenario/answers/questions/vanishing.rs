//! What it costs when zones vanish.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, CORE_HOURS, DOLLARS, HALF, LOST, NEARLY_ALL, REPEATS, WASTED, WORKERS,
};
use crate::scenario::answers::say::{beside, count, list, named};
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "What if a zone, or a whole cloud, vanishes in the middle of a scan?",
    said: "Our own question: machines go one by one when others pay more, and all at once when a network fails.",
    scenarios: &["zones-vanish"],
    charts: &[("zones-vanish", Chart::Ends)],
    columns: &[
        WORKERS, HALF, NEARLY_ALL, ALL, LOST, CORE_HOURS, WASTED, DOLLARS, REPEATS,
    ],
    answer,
};

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("zones-vanish");
    let is_calm = |point: &&Point| !point.setup.faults.takes_workers();
    let calm = points.iter().find(is_calm)?;
    let nearly_s = |point: &Point| point.mean.t99_s.map_or(0.0, |end| end.mean);
    let last_s = |point: &Point| point.mean.makespan_s.map_or(0.0, |end| end.mean);
    let paid = |point: &Point| point.mean.dollars.map_or(0.0, |paid| paid.mean);
    let vanish: Vec<&Point> = points.iter().filter(|point| !is_calm(point)).collect();
    let short: Vec<String> = vanish
        .iter()
        .map(|point| {
            let takes = beside(nearly_s(point), nearly_s(calm));
            format!("{} takes {takes} time", named(point))
        })
        .collect();
    let told: Vec<String> = vanish
        .iter()
        .map(|point| {
            format!(
                "{} loses {} leases and takes {} time until 99 % of the results, {} until the last, and {} money",
                named(point),
                count(point.tally.lost_each()),
                beside(nearly_s(point), nearly_s(calm)),
                beside(last_s(point), last_s(calm)),
                beside(paid(point), paid(calm))
            )
        })
        .collect();
    (!vanish.is_empty()).then(|| Answer {
        short: format!("no result is missing; {}", list(&short)),
        told: format!(
            "Every lease that was lost was given again, and no result is missing. Beside a calm scan, {}.",
            told.join("; ")
        ),
    })
}
