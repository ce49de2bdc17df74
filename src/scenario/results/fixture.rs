//! A report as a replay might make it, for tests.

use crate::scan::TaskCounts;
use crate::scenario::results::account::Account;
use crate::scenario::results::waits::Waits;
use crate::scenario::results::{
    BrokerUse, FORMAT, Generator, Machine, Means, Point, Report, Run, Steady, Tally, Theory,
};
use crate::scenario::setup::file::Scenario;
use crate::scenario::setup::{Clock, Setup};
use crate::scenario::statistics::{Interval, Quantiles};

const FILE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/closed-loop.toml"
));

/// What is set in every point.
pub(in crate::scenario) fn setup() -> Setup {
    let changes = [
        ("cycles = 20", "cycles = 4"),
        (
            r#"law = "exponential", mean_s = 0.2"#,
            r#"law = "constant", mean_s = 30"#,
        ),
        ("service_s = 0.01", "service_s = 0.015"),
        ("workers = 40", "workers = 1000"),
    ];
    let text = changes.iter().fold(FILE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    Scenario::parse(&text).unwrap().points.remove(0).setup
}

/// A mean of two repeats.
pub(in crate::scenario) fn interval(mean: f64) -> Option<Interval> {
    Some(Interval {
        mean,
        half_width_95: Some(0.01 * mean),
        n: 2,
    })
}

/// A point whose workers were busy for this share of a long run of 30 s tasks.
pub(in crate::scenario) fn point(variant: &str, workers: usize, utilisation: f64) -> Point {
    let mut setup = setup();
    setup.fleet.workers = workers;
    let throughput_per_s = utilisation * workers as f64 / 30.0;
    let load = setup.load(30.0, 0.015);
    let run = Run {
        repeat: 0,
        seed: 1,
        void: None,
        complete: true,
        tasks: TaskCounts {
            lost: 3,
            ..TaskCounts::default()
        },
        map_sha256: "abc".to_owned(),
        connection_s: Some(1.0),
        steady: Some(Steady {
            from_s: 10.0,
            window_s: 100.0,
            throughput_per_s,
            utilisation,
            utilisation_as_drawn: utilisation,
        }),
        makespan_s: 120.0,
        t50_s: 60.0,
        t90_s: 100.0,
        t99_s: 110.0,
        schedule_to_start_s: Quantiles::default(),
        waits: Waits::of(&[(60.0, 0.01), (120.0, 0.5)]),
        round_trip_s: Quantiles::default(),
        service_s: Quantiles::default(),
        emulated_hub_s: 0.015,
        emulated_hub_late_s: 0.0,
        hub_cpu_us_per_task: 30.0,
        hub_memory_mb: 20.0,
        broker: Some(BrokerUse {
            cpu_us_per_task: 100.0,
            memory_mb: 130.0,
        }),
        hub_bytes_sent: 1,
        hub_bytes_received: 2,
        account: Account::default(),
        fleet_kills: 0,
        generator: Generator::default(),
    };
    Point {
        variant: variant.to_owned(),
        workers,
        setup,
        runs: vec![run],
        tally: Tally {
            seeds: vec![1],
            tasks: 1000,
            lost: 3,
            counting: 1,
            ..Tally::default()
        },
        mean: Means {
            throughput_per_s: interval(throughput_per_s),
            utilisation: interval(utilisation),
            makespan_s: interval(120.0),
            hub_cpu_us_per_task: interval(30.0),
            broker_cpu_us_per_task: interval(100.0),
            ..Means::default()
        },
        theory: Theory {
            knee_workers: load.knee_workers(),
            bound: load.utilisation_bound(),
            mva: None,
            emulated_hub_s: 0.015,
            own_hub_s: 3e-5,
            service_s: 30.0,
            round_trip_s: 0.0,
        },
    }
}

/// A report of these points.
pub(in crate::scenario) fn report(points: Vec<Point>) -> Report {
    Report {
        format: FORMAT.to_owned(),
        scenario: "two-thousand".to_owned(),
        question: "Who is <busy> at 2,000 & more?".to_owned(),
        remarks: vec![],
        sources: [("hub.service_s".to_owned(), "calibrated".to_owned())].into(),
        clock: Clock::Real,
        machine: Some(Machine {
            skyscan: "0.1.0".to_owned(),
            cores: 2,
            kernel: "6.1".to_owned(),
            load_before: 0.1,
            load_after: 2.0,
        }),
        complete: true,
        is_quick: false,
        is_changed: false,
        points,
    }
}
