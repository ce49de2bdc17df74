//! Whether RabbitMQ carried more because it is RabbitMQ.

use super::master::{Brakes, braked};
use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    BROKER, BUSY, FORMULA, HUB, LIMIT, RATE, REPEATS, WORKERS,
};
use crate::scenario::answers::reach::{Reach, reaches};

pub(super) const QUESTION: Question = Question {
    asked: "Did RabbitMQ carry more than 5,000 workers because it is RabbitMQ?",
    said: "The talk, of its prototype with RabbitMQ: \"> 5000\".",
    scenarios: &["chep19-rabbit-5000"],
    charts: &[("chep19-rabbit-5000", Chart::Busy)],
    columns: &[WORKERS, BUSY, FORMULA, RATE, HUB, BROKER, LIMIT, REPEATS],
    answer,
};

fn answer(known: &Known) -> Option<Answer> {
    let over_rabbitmq = reaches(known.counting("chep19-rabbit-5000")?);
    let first = |reaches: &[Reach<'_>], is_braked: bool| {
        let all = braked(reaches);
        let found = all
            .iter()
            .find(|(brakes, _)| (*brakes != Brakes::default()) == is_braked);
        found.map(|(_, at)| *at)
    };
    let free = over_rabbitmq.get(first(&over_rabbitmq, false)?)?;
    let held_back = over_rabbitmq.get(first(&over_rabbitmq, true)?)?;
    let is_stopped = held_back.workers() < free.workers();
    let over_zeromq = known
        .counting("chep19-zmq-2000")
        .map(reaches)
        .unwrap_or_default();
    let zeromq_free = first(&over_zeromq, false).and_then(|at| over_zeromq.get(at));
    let beside = match zeromq_free {
        Some(reach) => format!("over ZeroMQ without them it {}", reach.told()),
        None => "ZeroMQ without them was not replayed yet".to_owned(),
    };
    let goes_as_far = zeromq_free.is_some_and(|reach| reach.workers() >= free.workers());
    let conclusion = match (is_stopped, goes_as_far) {
        (true, true) => "So the difference was the master in front of the transport.",
        (true, false) => "So a master like that stops RabbitMQ as well.",
        (false, _) => "So here the transport does make a difference.",
    };
    Some(Answer {
        short: match is_stopped {
            true => "no: behind the master of the ZeroMQ scan it stops, too".to_owned(),
            false => "yes, as far as these figures go".to_owned(),
        },
        told: format!(
            "RabbitMQ as in the prototype, without window or master, {}; with those of the ZeroMQ scan in \
             front of the same broker it {}, and {beside}. {conclusion}",
            free.told(),
            held_back.told()
        ),
    })
}
