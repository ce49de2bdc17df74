use super::verdict::{Limit, limit, verdicts};
use super::*;
use crate::scan::TaskCounts;
use crate::scenario::Account;
use crate::scenario::file::Scenario;
use crate::scenario::results::{
    BrokerUse, FORMAT, Generator, Machine, Means, Point, Quantiles, Run, Steady, Theory,
};
use crate::scenario::setup::{Clock, EventForm, Preemption, Setup};
use crate::scenario::statistics::Interval;

const FILE: &str = r#"
name = "two-thousand"
question = "Who is <busy> at 2,000 & more?"
seed = 1
source = "assumed"
[workload]
cycles = 4
service = { law = "constant", mean_s = 30 }
source = "assumed"
[messages]
event = "by_ref"
payload_bytes = 1000
source = "assumed"
[transport]
kind = "zeromq"
credit = 1
spare_tasks = 0
source = "assumed"
[hub]
service_s = 0.015
source = "calibrated"
[fleet]
workers = 1000
source = "assumed"
"#;

fn setup() -> Setup {
    Scenario::parse(FILE).unwrap().points.remove(0).setup
}

fn interval(mean: f64) -> Option<Interval> {
    Some(Interval {
        mean,
        half_width_95: Some(0.01 * mean),
        n: 2,
    })
}

/// A point whose workers were busy for this share of a long run of 30 s tasks.
fn point(variant: &str, workers: usize, utilisation: f64) -> Point {
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

fn report(points: Vec<Point>) -> Report {
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
        points,
    }
}

#[test]
fn the_limit_is_named() {
    assert_eq!(limit(&point("", 1000, 0.99)), Limit::Workers);
    assert_eq!(limit(&point("", 4000, 0.49)), Limit::EmulatedHub);

    let mut windowed = point("", 4000, 0.5);
    windowed.setup.transport.window = Some(2002);
    assert_eq!(limit(&windowed), Limit::Window);
    windowed.setup.transport.window = Some(3900);
    assert_eq!(
        limit(&windowed),
        Limit::EmulatedHub,
        "a wide window is not it"
    );

    let mut own = point("", 4000, 0.5);
    own.theory.emulated_hub_s = 0.0;
    own.mean.hub_cpu_us_per_task = interval(14_000.0);
    assert_eq!(limit(&own), Limit::Hub);
    own.setup.messages.event = EventForm::Inline;
    assert_eq!(limit(&own), Limit::Payload);
    own.mean.broker_cpu_us_per_task = interval(20_000.0);
    assert_eq!(limit(&own), Limit::Broker);

    let mut idle = point("", 4000, 0.5);
    idle.theory.emulated_hub_s = 0.0;
    assert_eq!(limit(&idle), Limit::Credit);
    let mut taken = idle.clone();
    taken.setup.faults.preemption = Some(Preemption {
        per_min: 0.05,
        back_after_s: 60.0,
        notice_s: None,
        notice_share: None,
        pool: None,
    });
    assert_eq!(limit(&taken), Limit::Losses);
    idle.setup.transport.credit = 2.try_into().unwrap();
    assert_eq!(limit(&idle), Limit::Unknown);
    idle.mean.utilisation = None;
    assert_eq!(limit(&idle), Limit::Connections);
    idle.runs[0].void = Some("the fleet was late".to_owned());
    assert_eq!(limit(&idle), Limit::Generator);
}

#[test]
fn a_variant_holds_up_to_its_first_failure() {
    let report = report(vec![
        point("b", 4000, 0.5),
        point("b", 1000, 0.99),
        point("b", 2000, 0.96),
        point("b", 8000, 0.97),
        point("a", 1000, 0.98),
    ]);
    let verdicts = verdicts(&report);
    assert_eq!(verdicts[0].variant, "b");
    assert_eq!(verdicts[0].holds, Some((2000, 0.96)));
    assert_eq!(verdicts[0].fails, Some((4000, 0.5)));
    let text = verdicts[0].to_string();
    assert!(text.contains("up to 2000, not at 4000 (0.500)"), "{text}");
    assert!(text.contains("N* = 2001"), "{text}");
    assert_eq!(verdicts[1].fails, None);
    assert!(verdicts[1].to_string().contains("every size tried"));
}

#[test]
fn a_report_is_a_page_charts_and_tables() {
    let dir = std::env::temp_dir().join(format!("skyscan-report-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let report = report(vec![point("slow", 1000, 0.99), point("slow", 4000, 0.5)]);
    let files = write_all(&dir, &report).unwrap();
    let names: Vec<&str> = files
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(names.last(), Some(&"report.html"));
    for name in [
        "utilisation.png",
        "utilisation.svg",
        "tail.png",
        "points.csv",
        "table.txt",
        "runs.csv",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(page.contains("Who is &lt;busy&gt; at 2,000 &amp; more?"));
    assert!(page.contains("not at 4000") && page.contains("calibrated"));
    let again: Report =
        serde_json::from_slice(&std::fs::read(dir.join("report.json")).unwrap()).unwrap();
    assert_eq!(again, report);
    for (name, n_rows) in [("points.csv", 2), ("runs.csv", 2)] {
        // The reader refuses rows of different lengths.
        let rows: Vec<csv::StringRecord> = csv::Reader::from_path(dir.join(name))
            .unwrap()
            .into_records()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows.len(), n_rows);
        assert_eq!(&rows[0][1], "slow");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
