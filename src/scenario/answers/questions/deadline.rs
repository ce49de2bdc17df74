//! What it takes to do 3,000 core hours in ten minutes.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, ALL_P95, DOLLARS, HALF, IN_TIME, IN_TIME_99, NEARLY_ALL, REPEATS, WORKERS, single,
};
use crate::scenario::answers::say::{count, dollars, list, named, time};
use crate::scenario::results::Point;

pub(in crate::scenario::answers) const QUESTION: Question = Question {
    asked: "3,000 core hours in about ten minutes: what does it take?",
    said: "The talk: a scan takes 3,000 core hours, and is wanted in O(10 min).",
    scenarios: &["ten-minutes", "scan-3000-core-hours"],
    charts: &[
        ("ten-minutes", Chart::Ends),
        ("ten-minutes", Chart::Dollars),
        ("scan-3000-core-hours", Chart::Ends),
    ],
    columns: &[
        WORKERS, HALF, NEARLY_ALL, ALL, ALL_P95, IN_TIME, IN_TIME_99, DOLLARS, REPEATS,
    ],
    answer,
};

/// How one did: its name, when it ended, how sure that is.
fn told(point: &Point) -> String {
    let tally = &point.tally;
    let repeats = match tally.counting {
        0 | 1 => "a single run".to_owned(),
        n => format!(
            "{} of {n} repeats, 95 % of them by {}",
            tally.within_ten_minutes,
            time(point, single(point.mean.makespan_p95_s))
        ),
    };
    format!(
        "{} (last result after {}, {repeats}, {})",
        named(point),
        time(point, point.mean.makespan_s),
        dollars(point)
    )
}

/// Whether 95 % of the repeats were done within ten minutes.
fn is_in_time(within: usize, counting: usize) -> bool {
    20 * within >= 19 * counting
}

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("ten-minutes");
    let first = points.first()?;
    let (in_time, late): (Vec<&Point>, Vec<&Point>) = points
        .iter()
        .partition(|point| is_in_time(point.tally.within_ten_minutes, point.tally.counting));
    let nearly: Vec<String> = late
        .iter()
        .filter(|point| is_in_time(point.tally.within_ten_minutes_99, point.tally.counting))
        .map(|point| format!("{} ({})", named(point), time(point, point.mean.t99_s)))
        .collect();
    let names: Vec<String> = in_time.iter().map(|point| named(point)).collect();
    let all: Vec<String> = in_time.iter().map(|point| told(point)).collect();
    let done = match all.is_empty() {
        true => format!(
            "None of {} ways was done within ten minutes in 95 % of the repeats",
            count(points.len())
        ),
        false => format!(
            "Done within ten minutes in 95 % of the repeats: {}",
            list(&all)
        ),
    };
    let rest = match nearly.is_empty() {
        true => "no other had 99 % of the results by then".to_owned(),
        false => format!(
            "99 % of the results by then, but not the last ones, had {}",
            list(&nearly)
        ),
    };
    Some(Answer {
        short: match names.is_empty() {
            true => "more than was tried".to_owned(),
            false => list(&names),
        },
        told: format!(
            "{done}; {rest}. With the machines as they came in the EAGER test, {}.",
            told(first)
        ),
    })
}
