use super::*;
use crate::scenario::setup::{Backend, Ramp};

const FILE: &str = r#"
name = "two"
question = "Does it work?"
seed = 3
repeats = 2
time_scale = 0.1
source = "assumed"

[workload]
cycles = 4
service = { law = "exponential", mean_s = 30, cap_s = 1800 }
source = "slide"

[messages]
event = "by_ref"
payload_bytes = 1000
source = "assumed"

[transport]
kind = "zeromq"
credit = 1
spare_tasks = 0
window = 2002
source = "code of 2019"

[hub]
service_s = 0.015
source = "calibrated"

[fleet]
workers = 10
ramp = { kind = "linear", workers_per_s = 67 }
source = "slide"

[sweep]
workers = [500, 4000]
source = "assumed"

[[variant]]
name = "as it was"

[[variant]]
name = "constant, in memory"
workload.service = { law = "constant", mean_s = 10 }
transport.kind = "memory"
source = "assumed"
"#;

fn refused(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    Scenario::parse(&FILE.replace(from, to))
        .unwrap_err()
        .to_string()
}

#[test]
fn variants_times_sweep_scaled_in_time() {
    let scenario = Scenario::parse(FILE).unwrap();
    assert_eq!(scenario.seed, 3);
    let shown: Vec<(&str, usize, Backend)> = scenario
        .points
        .iter()
        .map(|point| {
            let setup = &point.setup;
            (
                point.variant.as_str(),
                setup.n_slots(),
                setup.transport.kind,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("as it was", 500, Backend::Zeromq),
            ("as it was", 4000, Backend::Zeromq),
            ("constant, in memory", 500, Backend::Memory),
            ("constant, in memory", 4000, Backend::Memory),
        ]
    );
    let setup = &scenario.points[1].setup;
    assert!((setup.workload.service.mean_s - 3.0).abs() < 1e-12);
    assert!((setup.hub.service_s - 0.0015).abs() < 1e-12);
    assert_eq!(
        setup.fleet.ramp,
        Ramp::Linear {
            workers_per_s: 670.0
        }
    );
    assert_eq!(setup.n_tasks(3.0), 16_000);
    assert_eq!(scenario.sources["fleet.workers"], "slide");
}

/// A report lies in a folder of this name.
#[test]
fn a_name_leads_nowhere() {
    for name in ["../../x", "a/b", "", ".", "..", ".x", "a b", "x\u{0}"] {
        let mut scenario = FILE.parse::<toml::Table>().unwrap();
        scenario.insert("name".to_owned(), name.into());
        let told = Scenario::parse(&scenario.to_string())
            .unwrap_err()
            .to_string();
        assert!(told.contains("letters, digits"), "{name:?}: {told}");
    }
}

#[test]
fn each_variant_may_say_how_often_it_is_run() {
    let text = FILE.replace("transport.kind = \"memory\"", "repeats = 20");
    let scenario = Scenario::parse(&text).unwrap();
    let repeats: Vec<usize> = scenario.points.iter().map(|point| point.repeats).collect();
    assert_eq!(repeats, [2, 2, 20, 20]);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (from, to, told) in [
        ("cycles = 4", "cycles = 4\nboost = true", "boost"),
        (
            "cycles = 4",
            "",
            "pixels, cycles, duration_s, zoom and waves",
        ),
        ("cycles = 4", "waves = [3, 0]", "workload.waves = 0"),
        (
            "cycles = 4",
            "waves = [9223372036854775807, 9223372036854775807, 2]",
            "pixels, over",
        ),
        (
            "cycles = 4",
            "pixels = 9223372036854775807\nvariations = 3",
            "pixels, over",
        ),
        (
            "cycles = 4",
            "cycles = 4\nadaptive_tasks = true\npixels_per_task = 2",
            "adaptive_tasks",
        ),
        ("[500, 4000]", "[500, 0]", "fleet.workers = 0"),
        ("\"zeromq\"", "\"carrier_pigeon\"", "carrier_pigeon"),
        ("time_scale = 0.1", "time_scale = 2", "time_scale = 2"),
        (
            "law = \"exponential\"",
            "law = \"lognormal\", sigma = -1.0",
            "sigma = -1",
        ),
        ("window = 2002", "queue = \"quorum\"", "transport.queue"),
        (
            "payload_bytes = 1000",
            "payload_bytes = 2000000\ntask_bytes = 2000000",
            "1048576",
        ),
        (
            "source = \"calibrated\"",
            "",
            "hub.service_s = 0.015 has no source",
        ),
        ("name = \"as it was\"", "", "name"),
        (
            "[sweep]",
            "[faults]\noutages = [{ zone = \"x\", after_s = 1, for_s = 1 }]\nsource = \"assumed\"\n\n[sweep]",
            "no [[network.zone]] of the name \"x\"",
        ),
        (
            "ramp = {",
            "speed = [{ name = \"old\", share = 0, slower = 2 }]\nramp = {",
            "share of speed \"old\"",
        ),
    ] {
        let error = refused(from, to);
        assert!(error.contains(told), "{to}: {error}");
    }
}

#[test]
fn quick_forms_keep_the_knee() {
    let text = FILE.split("[[variant]]").next().unwrap();
    let scenario = Scenario::parse(text).unwrap();
    let full = scenario.points[1].setup.clone();
    let quick = scenario.quick();
    assert!(quick.is_quick && quick.points.iter().all(|point| point.repeats == 1));
    assert!(quick.remarks[0].contains("Quick form"));
    let small = &quick.points[1].setup;
    assert_eq!(small.n_slots(), 200);
    let relative_knee = |setup: &Setup| {
        let service_s = setup.workload.service.mean_s;
        service_s / setup.hub.service_s / setup.n_slots() as f64
    };
    assert!((relative_knee(small) / relative_knee(&full) - 1.0).abs() < 1e-9);
    assert!((small.workload.service.mean_s - 0.2).abs() < 1e-12);
    assert_eq!(small.n_tasks(0.2), 800, "four cycles");
}

#[test]
fn where_workers_are_taken_away_nobody_waits_for_all_of_them() {
    let storm = FILE
        .replace("ramp = { kind = \"linear\", workers_per_s = 67 }\n", "")
        .replace(
            "[sweep]",
            "[faults]\npreemption = { per_min = 0.05, back_after_s = 60 }\nsource = \"assumed\"\n\n[sweep]",
        );
    let calm = Scenario::parse(FILE).unwrap();
    let storm = Scenario::parse(&storm).unwrap();
    for (calm, storm) in calm.points.iter().zip(&storm.points) {
        let all = calm.setup.n_slots();
        assert_eq!(calm.setup.n_slots_connected(), all);
        // One in 21 is missing on average, whatever the scale of time.
        let there = storm.setup.n_slots_connected() as f64 / all as f64;
        assert!((0.92..0.95).contains(&there), "{there}");
    }
}
