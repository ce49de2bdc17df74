//! The figures for a spreadsheet: a row for each point, a row for each run.

use std::io::{self, Write};

use super::verdict::limit;
use crate::scenario::results::{Point, Report, Run};
use crate::scenario::setup::PerBoundary;
use crate::scenario::statistics::Interval;

/// A row for each point: means over its repeats with half widths of their 95 % intervals.
pub(super) fn points(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let mut head = vec!["scenario", "variant", "workers", "repeats", "void", "limit"];
    let means: Vec<String> = MEANS
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("{name}_half_width_95")])
        .collect();
    head.extend(means.iter().map(String::as_str));
    head.extend([
        "makespan_p95_s",
        "t99_p95_s",
        "repeats_within_ten_minutes",
        "repeats_within_ten_minutes_99",
        "utilisation_mva",
        "utilisation_bound",
        "knee_workers",
        "emulated_hub_s",
        "own_hub_s",
        "service_s",
        "time_scale",
    ]);
    table.write_record(head)?;
    for point in &report.points {
        let mut row = vec![
            report.scenario.clone(),
            point.variant.clone(),
            point.workers.to_string(),
            point.tally.repeats().to_string(),
            point.tally.voids.len().to_string(),
            limit(point).to_string(),
        ];
        let mean = &point.mean;
        for interval in [
            mean.throughput_per_s,
            mean.utilisation,
            mean.makespan_s,
            mean.t50_s,
            mean.t90_s,
            mean.t99_s,
            mean.schedule_to_start_p99_s,
            mean.hub_cpu_us_per_task,
            mean.broker_cpu_us_per_task,
            mean.connection_s,
            mean.gigabytes_moved,
            mean.core_hours_billed,
            mean.core_hours_wasted,
            mean.dollars,
        ] {
            row.push(number(interval.map(|i: Interval| i.mean)));
            row.push(number(interval.and_then(|i| i.half_width_95)));
        }
        row.push(number(mean.makespan_p95_s));
        row.push(number(mean.t99_p95_s));
        row.push(point.tally.within_ten_minutes.to_string());
        row.push(point.tally.within_ten_minutes_99.to_string());
        let theory = &point.theory;
        row.push(number(theory.mva));
        row.push(number(Some(theory.bound)));
        row.push(number(theory.knee_workers));
        row.push(number(Some(theory.emulated_hub_s)));
        row.push(number(Some(theory.own_hub_s)));
        row.push(number(Some(theory.service_s)));
        row.push(number(Some(point.setup.time_scale)));
        table.write_record(row)?;
    }
    table.flush()
}

const MEANS: [&str; 14] = [
    "throughput_per_s",
    "utilisation",
    "makespan_s",
    "t50_s",
    "t90_s",
    "t99_s",
    "schedule_to_start_p99_s",
    "hub_cpu_us_per_task",
    "broker_cpu_us_per_task",
    "connection_s",
    "gigabytes_moved",
    "core_hours_billed",
    "core_hours_wasted",
    "dollars",
];

/// A row for each run.
pub(super) fn runs(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let mut head: Vec<String> = RUN_HEAD.map(str::to_owned).to_vec();
    let boundaries = PerBoundary::<f64>::default().named();
    for column in ["messages", "bytes", "dollars"] {
        head.extend(boundaries.map(|(boundary, _)| format!("{column}_{boundary}")));
    }
    table.write_record(head)?;
    for point in &report.points {
        for run in &point.runs {
            let row = run_row(&report.scenario, point, run);
            table.write_record(row)?;
        }
    }
    table.flush()
}

/// Followed by three columns for each boundary.
const RUN_HEAD: [&str; 44] = [
    "scenario",
    "variant",
    "workers",
    "repeat",
    "seed",
    "void",
    "complete",
    "accepted",
    "speculated",
    "duplicate",
    "lost",
    "failed",
    "utilisation",
    "throughput_per_s",
    "window_s",
    "makespan_s",
    "t50_s",
    "t90_s",
    "t99_s",
    "schedule_to_start_p50_s",
    "schedule_to_start_p99_s",
    "round_trip_p50_s",
    "round_trip_p99_s",
    "service_mean_s",
    "hub_cpu_us_per_task",
    "hub_memory_mb",
    "broker_cpu_us_per_task",
    "broker_memory_mb",
    "hub_bytes_sent",
    "hub_bytes_received",
    "connection_s",
    "fleet_kills",
    "fleet_cpu_share",
    "fleet_lateness_p99_s",
    "foreign_load",
    "hub_wait_share",
    "map_sha256",
    "core_hours_used",
    "core_hours_wasted",
    "core_hours_idle",
    "core_hours_billed",
    "dollars_compute",
    "dollars_hub",
    "dollars_total",
];

fn run_row(scenario: &str, point: &Point, run: &Run) -> Vec<String> {
    let hours = run.account.core_hours;
    let dollars = run.account.dollars;
    let mut row = vec![
        scenario.to_owned(),
        point.variant.clone(),
        point.workers.to_string(),
        run.repeat.to_string(),
        run.seed.to_string(),
        run.void.clone().unwrap_or_default(),
        run.complete.to_string(),
        run.tasks.accepted.to_string(),
        run.tasks.speculated.to_string(),
        run.tasks.duplicate.to_string(),
        run.tasks.lost.to_string(),
        run.tasks.failed.to_string(),
        number(run.steady.map(|steady| steady.utilisation)),
        number(run.steady.map(|steady| steady.throughput_per_s)),
        number(run.steady.map(|steady| steady.window_s)),
        number(Some(run.makespan_s)),
        number(Some(run.t50_s)),
        number(Some(run.t90_s)),
        number(Some(run.t99_s)),
        number(Some(run.schedule_to_start_s.p50)),
        number(Some(run.schedule_to_start_s.p99)),
        number(Some(run.round_trip_s.p50)),
        number(Some(run.round_trip_s.p99)),
        number(Some(run.service_s.mean)),
        number(Some(run.hub_cpu_us_per_task)),
        number(Some(run.hub_memory_mb)),
        number(run.broker.map(|broker| broker.cpu_us_per_task)),
        number(run.broker.map(|broker| broker.memory_mb)),
        run.hub_bytes_sent.to_string(),
        run.hub_bytes_received.to_string(),
        number(run.connection_s),
        run.fleet_kills.to_string(),
        number(Some(run.generator.cpu_share)),
        number(Some(run.generator.lateness_p99_s)),
        number(Some(run.generator.foreign_load)),
        number(Some(run.generator.hub_wait_share)),
        run.map_sha256.clone(),
        number(hours.map(|hours| hours.used)),
        number(hours.map(|hours| hours.wasted)),
        number(hours.map(|hours| hours.idle)),
        number(hours.map(|hours| hours.billed)),
        number(dollars.map(|dollars| dollars.compute)),
        number(dollars.map(|dollars| dollars.hub)),
        number(dollars.map(|dollars| dollars.total)),
    ];
    let moved = run.account.moved.named();
    row.extend(moved.map(|(_, moved)| moved.messages.to_string()));
    row.extend(moved.map(|(_, moved)| moved.bytes.to_string()));
    let transfer = dollars.map(|dollars| dollars.transfer.named());
    let paid = |at: usize| number(transfer.map(|transfer| transfer[at].1));
    row.extend((0..moved.len()).map(paid));
    row
}

/// Six digits are more than any of these is known to; empty where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.6}"))
}
