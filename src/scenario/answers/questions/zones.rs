//! Whether more zones or more cores in an instance help.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, ALL_P95, CORE_HOURS, DOLLARS, HALF, NEARLY_ALL, REPEATS, TRANSFER, WORKERS,
};
use crate::scenario::answers::say::{beside, count, dollars, named, time};
use crate::scenario::results::Point;

pub(in crate::scenario::answers) const QUESTION: Question = Question {
    asked: "More zones, or more cores in an instance?",
    said: "The talk asks: multi-zone or multi-core? Its spot limit was 5,000 instances in a region.",
    scenarios: &["zones-vs-cores"],
    charts: &[
        ("zones-vs-cores", Chart::Ends),
        ("zones-vs-cores", Chart::Dollars),
    ],
    columns: &[
        WORKERS, HALF, NEARLY_ALL, ALL, ALL_P95, CORE_HOURS, TRANSFER, DOLLARS, REPEATS,
    ],
    answer,
};

/// Two times this near are the same.
const ALIKE: f64 = 0.05;
/// Two fleets this near in cores are the same.
const AS_LARGE: f64 = 0.02;

fn n_zones(point: &Point) -> usize {
    point
        .setup
        .network
        .zones
        .iter()
        .map(|zone| zone.zones)
        .sum()
}

fn told(point: &Point) -> String {
    format!(
        "{} ({}, {})",
        named(point),
        time(point, point.mean.t99_s),
        dollars(point)
    )
}

fn answer(known: &Known) -> Option<Answer> {
    let points = known.points("zones-vs-cores");
    let base = points.first()?;
    let slots = |point: &Point| point.setup.fleet.slots;
    let size = |point: &Point| (n_zones(point), point.workers);
    let same_zones = points
        .iter()
        .filter(|point| n_zones(point) == n_zones(base));
    let cores = same_zones.max_by_key(|point| (point.workers, slots(point)))?;
    let same_slots = points.iter().filter(|point| slots(point) == slots(base));
    let zones = same_slots.max_by_key(|point| size(point))?;
    let end_s = |point: &Point| point.mean.t99_s.map_or(f64::INFINITY, |end| end.mean);
    let paid = |point: &Point| point.mean.dollars.map_or(f64::INFINITY, |paid| paid.mean);
    let are_alike = (end_s(cores) / end_s(zones) - 1.0).abs() < ALIKE;
    let is_cores = match are_alike {
        true => paid(cores) <= paid(zones),
        false => end_s(cores) < end_s(zones),
    };
    let word = match (are_alike, is_cores) {
        (true, true) => "more cores in an instance: as soon, and not dearer",
        (true, false) => "more zones: as soon, and cheaper",
        (false, true) => "more cores in an instance",
        (false, false) => "more zones",
    };
    let is_as_large = |point: &&Point| {
        (point.workers as f64 / base.workers as f64 - 1.0).abs() < AS_LARGE && *point != base
    };
    let as_large: Vec<String> = points
        .iter()
        .filter(is_as_large)
        .map(|point| {
            format!(
                "{} takes {} time and costs {}",
                named(point),
                beside(end_s(point), end_s(base)),
                beside(paid(point), paid(base))
            )
        })
        .collect();
    let second = match as_large.is_empty() {
        true => String::new(),
        false => format!(
            " With the same {} cores, beside {}: {}.",
            count(base.workers),
            named(base),
            as_large.join("; ")
        ),
    };
    Some(Answer {
        short: word.to_owned(),
        told: format!(
            "Where instances are limited, 99 % of the results are in soonest with more of either: {} with \
             more cores, {} with more zones, beside {}.{second}",
            told(cores),
            told(zones),
            told(base)
        ),
    })
}
