//! Whether a master-worker holds at 80,000 cores, and on what conditions.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    BROKER, BUSY, FORMULA, HUB, LIMIT, RATE, REPEATS, WORKERS,
};

use crate::scenario::answers::say::{busy, count, list, named};
use crate::scenario::report::verdict::{is_busy, limit};
use crate::scenario::results::Point;
use crate::scenario::setup::EventForm;

pub(super) const QUESTION: Question = Question {
    asked: "Would a master-worker with RabbitMQ hold at 80,000 cores, and on what conditions? And ZeroMQ?",
    said: "The EAGER test of the talk had 80,000 cores; whether a master-worker holds there was left open.",
    scenarios: &["rabbit-80k", "zmq-80k"],
    charts: &[("rabbit-80k", Chart::Busy), ("zmq-80k", Chart::Busy)],
    columns: &[WORKERS, BUSY, FORMULA, RATE, HUB, BROKER, LIMIT, REPEATS],
    answer,
};

/// In what a variant differs from the first one, said as a condition that it breaks.
fn conditions(base: &Point, point: &Point) -> Vec<String> {
    let (before, after) = (&base.setup, &point.setup);
    let mut broken = Vec::new();
    if before.messages.event != EventForm::Inline && after.messages.event == EventForm::Inline {
        broken.push("the event goes by reference".to_owned());
    }
    if after.fleet.workers > before.fleet.workers {
        let slots = before.fleet.slots;
        broken.push(format!("{slots} cores share a connection"));
    }
    let service_s = after.workload.service.mean_s;
    if service_s < before.workload.service.mean_s {
        broken.push(format!("tasks take longer than {service_s} s"));
    }
    let slower = |what: &str, before_s: f64, after_s: f64, per: &str| {
        let milliseconds = 1e3 * after_s;
        (after_s > before_s)
            .then(|| format!("the {what} takes less than {milliseconds} ms a {per}"))
    };
    let broker_s = |point: &Point| {
        let broker = point.setup.network.broker;
        broker.map_or(0.0, |broker| broker.message_s)
    };
    broken.extend(slower("broker", broker_s(base), broker_s(point), "message"));
    let hub_s = |point: &Point| point.setup.network.hub.message_s;
    broken.extend(slower("hub", hub_s(base), hub_s(point), "message"));
    let master_s = (before.hub.service_s, after.hub.service_s);
    broken.extend(slower("master", master_s.0, master_s.1, "task"));
    broken
}

/// What a scenario says of its transport: a few words and a sentence.
fn outcome(known: &Known, scenario: &str, transport: &str) -> Option<(String, String)> {
    let points = known.points(scenario);
    let base = points.first()?;
    let judged = |is: bool| {
        points
            .iter()
            .filter(move |point| is_busy(point) == Some(is))
    };
    let unknown: Vec<String> = points
        .iter()
        .filter(|point| is_busy(point).is_none())
        .map(named)
        .collect();
    let unknown = match unknown.is_empty() {
        true => String::new(),
        false => format!(
            "; nobody knows of {}, whose tasks ran out before all workers were there",
            list(&unknown)
        ),
    };
    let holds: Vec<String> = judged(true)
        .map(|point| format!("{} ({})", named(point), busy(point)))
        .collect();
    let fails: Vec<String> = judged(false)
        .map(|point| format!("{} ({}: {})", named(point), busy(point), limit(point)))
        .collect();
    let mut needed: Vec<String> = Vec::new();
    for point in judged(false) {
        let broken = conditions(base, point);
        let is_known = broken.iter().any(|condition| needed.contains(condition));
        if !is_known && !broken.is_empty() {
            needed.push(match broken.as_slice() {
                [only] => only.clone(),
                several => format!("either {}", several.join(" or ")),
            });
        }
    }
    let short = match (is_busy(base), needed.is_empty()) {
        (Some(true), true) => format!("{transport}: yes"),
        (Some(true), false) => format!("{transport}: yes, if {}", list(&needed)),
        _ => format!("{transport}: no"),
    };
    let told = match fails.is_empty() {
        true => format!(
            "{transport} keeps {} cores busy with {}{unknown}.",
            count(base.workers),
            list(&holds)
        ),
        false => format!(
            "{transport} keeps {} cores busy with {}, but not with {}{unknown}.",
            count(base.workers),
            list(&holds),
            list(&fails)
        ),
    };
    Some((short, told))
}

fn answer(known: &Known) -> Option<Answer> {
    let outcomes: Vec<(String, String)> = [("rabbit-80k", "RabbitMQ"), ("zmq-80k", "ZeroMQ")]
        .into_iter()
        .filter_map(|(scenario, transport)| outcome(known, scenario, transport))
        .collect();
    let (short, told): (Vec<String>, Vec<String>) = outcomes.into_iter().unzip();
    (!short.is_empty()).then(|| Answer {
        short: short.join("; "),
        told: told.join(" "),
    })
}
