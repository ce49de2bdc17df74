//! Whether fleets stay busy that are measured here, and whether the model agrees with them.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    BROKER, BUSY, FORMULA, HUB, LIMIT, RATE, REPEATS, WORKERS,
};

use crate::scenario::answers::say::{busy, count, named, percent};
use crate::scenario::model::validation::{self, validate};
use crate::scenario::report::verdict::is_busy;
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "Do 10,000 workers over ZeroMQ and 5,000 over RabbitMQ stay busy, and does the model agree with \
            what is measured?",
    said: "Our own question: what is said of 80,000 cores is worth as much as this.",
    scenarios: &["mva-check", "validation", "zmq-10000", "rabbit-5000"],
    charts: &[("mva-check", Chart::Busy), ("validation", Chart::Busy)],
    columns: &[WORKERS, BUSY, FORMULA, RATE, HUB, BROKER, LIMIT, REPEATS],
    answer,
};

/// How busy a fleet of real processes is kept.
fn fleet(known: &Known, scenario: &str, transport: &str) -> Option<(String, String)> {
    let point = known.points(scenario).first()?;
    let word = match is_busy(point)? {
        true => "yes",
        false => "no",
    };
    let told = format!(
        "{} workers over {transport} are busy for {} of the time",
        count(point.workers),
        busy(point)
    );
    Some((format!("{transport} {word} ({})", busy(point)), told))
}

/// How far measured utilisation is from mean value analysis, at worst.
fn agreement(known: &Known) -> Option<(String, String)> {
    let distance = |point: &Point| {
        let measured = point.mean.utilisation?.mean;
        Some((measured - point.theory.mva?).abs())
    };
    let points = known.points("mva-check");
    let compared: Vec<(f64, &Point)> = points
        .iter()
        .filter_map(|point| Some((distance(point)?, point)))
        .collect();
    let (largest, worst) = compared.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let mean = compared.iter().map(|(distance, _)| distance).sum::<f64>() / compared.len() as f64;
    Some((
        format!(
            "mean value analysis is off by {:.1} points at most",
            100.0 * largest
        ),
        format!(
            "Mean value analysis is {:.2} points of utilisation off on average over {} fleets, and {:.2} at \
             worst (with {} work at {} workers: {} measured).",
            100.0 * mean,
            compared.len(),
            100.0 * largest,
            named(worst),
            count(worst.workers),
            busy(worst)
        ),
    ))
}

/// How often virtual time says what real fleets do, that it was never shown.
fn prediction(known: &Known) -> Option<(String, String)> {
    let [measured, predicted, control] = [
        "validation".to_owned(),
        validation::predicted_name("validation"),
        validation::control_name("validation"),
    ]
    .map(|name| known.whole(&name));
    let validation = validate(measured?, predicted?, control?);
    let counting = validation
        .points
        .iter()
        .filter(|point| point.void.is_none());
    let word = match validation.holds {
        true => "virtual time predicts real fleets",
        false => "virtual time does not predict real fleets well enough",
    };
    Some((
        word.to_owned(),
        format!(
            "Calibrated with 500 workers at most, virtual time predicts throughput, busy share and end to 5 % and \
             the 99th percentile to 10 % for {} of {} real fleets of 1,000 to 10,000 workers; with hubs that take \
             {} times as long, which has to fail, for {}.",
            percent(validation.within),
            counting.count(),
            validation.control_factor,
            percent(validation.control_within)
        ),
    ))
}

fn answer(known: &Known) -> Option<Answer> {
    let fleets: Vec<(String, String)> = [("zmq-10000", "ZeroMQ"), ("rabbit-5000", "RabbitMQ")]
        .into_iter()
        .filter_map(|(scenario, transport)| fleet(known, scenario, transport))
        .collect();
    let (mut short, told): (Vec<String>, Vec<String>) = fleets.into_iter().unzip();
    let mut sentences = Vec::new();
    if !told.is_empty() {
        sentences.push(told.join(", and ") + ".");
    }
    for (word, sentence) in [agreement(known), prediction(known)].into_iter().flatten() {
        short.push(word);
        sentences.push(sentence);
    }
    (!short.is_empty()).then(|| Answer {
        short: short.join("; "),
        told: sentences.join(" "),
    })
}
