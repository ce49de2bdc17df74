use super::questions::QUESTIONS;
use super::*;
use crate::scenario::results::fixture::report;
use crate::scenario::results::{Means, Point, Tally, Theory};
use crate::scenario::setup::file::{PlannedPoint, Scenario};
use crate::scenario::statistics::Interval;

const ZEROMQ: &str = include_str!("../../../scenarios/chep19-zmq-2000.toml");
const RABBITMQ: &str = include_str!("../../../scenarios/chep19-rabbit-5000.toml");

/// A digest of a shipped scenario in which each point is as busy as said.
fn digest(file: &str, busy: fn(&PlannedPoint) -> f64) -> Report {
    let scenario = Scenario::parse(file).unwrap();
    let point = |planned: &PlannedPoint| Point {
        variant: planned.variant.clone(),
        workers: planned.setup.n_slots(),
        setup: planned.setup.clone(),
        runs: Vec::new(),
        tally: Tally {
            seeds: vec![1],
            tasks: 10,
            counting: 1,
            ..Tally::default()
        },
        mean: Means {
            utilisation: Interval::of(&[busy(planned)]),
            connection_s: Interval::of(&[1.0]),
            ..Means::default()
        },
        theory: Theory::default(),
    };
    Report {
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        sources: scenario.sources.clone(),
        ..report(scenario.points.iter().map(point).collect())
    }
}

fn page(digests: Vec<Report>) -> String {
    let named = digests
        .into_iter()
        .map(|digest| (digest.scenario.clone(), digest));
    page::markdown(&Known::new(named.collect()))
}

/// As window and master let it be.
fn braked(planned: &PlannedPoint) -> f64 {
    let setup = &planned.setup;
    let n = setup.n_slots() as f64;
    let window = setup
        .transport
        .window
        .map_or(f64::INFINITY, |window| window as f64);
    let master = match setup.hub.service_s > 0.0 {
        true => setup.workload.service.mean_s / setup.hub.service_s,
        false => f64::INFINITY,
    };
    (window.min(master) / n).min(1.0)
}

#[test]
fn the_answer_follows_the_numbers() {
    let told = page(vec![digest(ZEROMQ, braked), digest(RABBITMQ, braked)]);
    assert!(
        told.contains("a window of 2,002 tasks and a master of 30 ms a task, not ZeroMQ"),
        "{told}"
    );
    assert!(told.contains("no: behind the master of the ZeroMQ scan it stops, too"));
    assert!(told.contains("stays busy up to 2,000 (100.0 %), not at 3,000 (66.7 %"));

    // If nothing but the transport made a difference, the page would say so.
    let transport = |planned: &PlannedPoint| (2000.0 / planned.setup.n_slots() as f64).min(1.0);
    let told = page(vec![digest(ZEROMQ, transport), digest(RABBITMQ, |_| 1.0)]);
    assert!(told.contains("| not told by these figures |"), "{told}");
    assert!(told.contains("| yes, as far as these figures go |"));
}

#[test]
fn a_void_point_neither_holds_nor_fails() {
    let mut digest = digest(ZEROMQ, braked);
    for point in &mut digest.points {
        if point.workers == 5000 {
            point.tally.voids = vec!["the fleet was late".to_owned()];
        }
    }
    let told = page(vec![digest]);
    assert!(told.contains("with neither, over the same ZeroMQ, it stays busy up to 3,000"));
    assert!(told.contains("with 5,000 workers do not count: the fleet was late"));
}

#[test]
fn what_is_missing_is_had_by_a_command() {
    let told = page(vec![]);
    assert!(told.contains("skyscan replay scenarios/rabbit-80k.toml"));
    assert_eq!(
        told.matches("| not replayed yet |").count(),
        QUESTIONS.len()
    );
    assert!(!told.contains("In short"));
}
