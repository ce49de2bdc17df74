//! Whether each cloud should have a master of its own.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, CORE_HOURS, CROSSING, DOLLARS, HALF, HUB, NEARLY_ALL, REPEATS, TRANSFER, WORKERS,
};
use crate::scenario::answers::say::beside;
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "A master in each cloud, or one for all?",
    said: "Our own question: a master in each cloud crosses no border, but has to be told its part of the sky \
           beforehand. Rows of *one for each* are a single cloud of three.",
    scenarios: &["master-per-cloud"],
    charts: &[("master-per-cloud", Chart::Ends)],
    columns: &[
        WORKERS, HUB, HALF, NEARLY_ALL, ALL, CORE_HOURS, CROSSING, TRANSFER, DOLLARS, REPEATS,
    ],
    answer,
};

const ONE_FOR_ALL: &str = ", one for all";
const ONE_FOR_EACH: &str = ", one for each";
/// So many clouds share the sky where each has a master.
const N_CLOUDS: f64 = 3.0;

/// What a way of doing it comes to.
#[derive(Clone, Copy)]
struct Outcome {
    t99_s: f64,
    last_s: f64,
    dollars: f64,
}

impl Outcome {
    fn of(point: &Point) -> Option<Self> {
        Some(Self {
            t99_s: point.mean.t99_s?.mean,
            last_s: point.mean.makespan_s?.mean,
            dollars: point.mean.dollars?.mean,
        })
    }

    /// Of one cloud that is different and of all others, which are alike, each with a part of the sky.
    fn of_each(different: Self, alike: Self) -> Self {
        Self {
            t99_s: different.t99_s.max(alike.t99_s),
            last_s: different.last_s.max(alike.last_s),
            dollars: different.dollars + (N_CLOUDS - 1.0) * alike.dollars,
        }
    }
}

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("master-per-cloud");
    let find = |name: String| points.iter().find(|point| point.variant == name);
    let cases: Vec<(&str, Outcome, Outcome)> = points
        .iter()
        .filter_map(|point| {
            let case = point.variant.strip_suffix(ONE_FOR_ALL)?;
            let each = find(format!("{case}{ONE_FOR_EACH}"))?;
            Some((case, Outcome::of(point)?, Outcome::of(each)?))
        })
        .collect();
    let (_, _, alike) = *cases.first()?;
    let told: Vec<String> = cases
        .iter()
        .map(|(case, all, different)| {
            let each = Outcome::of_each(*different, alike);
            format!(
                "*{case}*, a master for each takes {} time until 99 % of the results, {} until the last, and {} \
                 money",
                beside(each.t99_s, all.t99_s),
                beside(each.last_s, all.last_s),
                beside(each.dollars, all.dollars)
            )
        })
        .collect();
    let worst = cases
        .iter()
        .map(|(_, all, different)| Outcome::of_each(*different, alike).t99_s / all.t99_s)
        .fold(0.0, f64::max);
    let calm = cases
        .first()
        .map_or(1.0, |(_, all, each)| each.t99_s / all.t99_s);
    let short = match worst > 1.0 {
        true => format!(
            "one for all: a master in each cloud takes {} time as promised, and {} where a cloud is not as promised",
            beside(calm, 1.0),
            beside(worst, 1.0)
        ),
        false => "one for each, as far as these figures go".to_owned(),
    };
    Some(Answer {
        short,
        told: format!(
            "With a third of the sky for each cloud beforehand, the slowest of them ends the scan; with one master \
             whoever is there takes what is left. Beside one for all: {}.",
            told.join("; ")
        ),
    })
}
