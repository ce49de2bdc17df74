//! How much an orchestration layer saves of what crosses zones.

use super::{Answer, Chart, Question};
use crate::drawing::chart::short;
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    BUSY, BYTES, CROSSING, DOLLARS, LIMIT, REPEATS, TRANSFER, WORKERS, crossing_gb,
    transfer_dollars,
};
use crate::scenario::answers::say::{count, list};
use crate::scenario::results::Point;
use crate::scenario::setup::EventForm;

pub(in crate::scenario::answers) const QUESTION: Question = Question {
    asked: "Transfer between zones costs money: how much does an orchestration layer save?",
    said: "The talk asks for an orchestration layer that keeps transfer between zones low. Here that is the \
           event by reference, and a relay for each zone.",
    scenarios: &["relay-saves", "zmq-80k", "payload-ablation"],
    charts: &[
        ("relay-saves", Chart::Gigabytes),
        ("relay-saves", Chart::Dollars),
        ("zmq-80k", Chart::Gigabytes),
        ("payload-ablation", Chart::Gigabytes),
    ],
    columns: &[
        WORKERS, BUSY, BYTES, CROSSING, TRANSFER, DOLLARS, LIMIT, REPEATS,
    ],
    answer,
};

const FORMS: [(EventForm, &str); 3] = [
    (EventForm::Inline, "with the event in every task"),
    (EventForm::ByRef, "by reference"),
    (EventForm::Relay, "through a relay for each zone"),
];

/// Bytes between zones, or all where a replay has no zones.
fn gigabytes(point: &Point) -> f64 {
    match point.setup.network.zones.is_empty() {
        true => point.mean.gigabytes_moved.map_or(0.0, |moved| moved.mean),
        false => crossing_gb(point),
    }
}

/// For each form of the event that a scenario has: what its first variant moves.
fn forms(known: &Known, scenario: &str) -> Vec<(&'static str, Point)> {
    let points = known.points(scenario);
    let first = |form: EventForm| {
        let mut points = points.iter();
        points.find(|point| point.setup.messages.event == form)
    };
    let found = FORMS
        .iter()
        .filter_map(|(form, name)| Some((*name, first(*form)?.clone())));
    found.collect()
}

fn sentence(known: &Known, scenario: &str) -> Option<(String, String)> {
    let forms = forms(known, scenario);
    let [(_, most), .., (least_name, least)] = forms.as_slice() else {
        return None;
    };
    let each: Vec<String> = forms
        .iter()
        .map(|(name, point)| {
            let paid = transfer_dollars(point);
            let paid = paid.map_or_else(String::new, |paid| format!(" (${})", short(paid)));
            format!("{} GB{paid} {name}", short(gigabytes(point)))
        })
        .collect();
    let factor = short(gigabytes(most) / gigabytes(least).max(f64::MIN_POSITIVE));
    let between = match most.setup.network.zones.is_empty() {
        true => "between processes",
        false => "between zones",
    };
    Some((
        format!("{factor} times fewer bytes {least_name}"),
        format!(
            "In {scenario} {} tasks move {} {between}.",
            count(most.tally.tasks as usize),
            list(&each)
        ),
    ))
}

fn answer(known: &Known) -> Option<Answer> {
    let scenarios = QUESTION.scenarios.iter();
    let (short, told): (Vec<String>, Vec<String>) = scenarios
        .filter_map(|scenario| sentence(known, scenario))
        .take(2)
        .unzip();
    Some(Answer {
        short: short.first()?.clone(),
        told: told.join(" "),
    })
}
