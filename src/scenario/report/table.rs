//! A report as a table for people.

use std::fmt::Write;

use super::rows;
use super::verdict::verdicts;
use crate::scenario::results::{Point, Report};
use crate::scenario::statistics::Interval;

/// Columns: their heads, and what a point has there.
type Column = (&'static str, fn(&Point) -> String);

const COLUMNS: [Column; 19] = [
    ("N", |point| point.workers.to_string()),
    ("tasks/s", |point| rounded(point.mean.throughput_per_s, 1)),
    ("utilisation", |point| rounded(point.mean.utilisation, 4)),
    ("as drawn", |point| {
        rounded(point.mean.utilisation_as_drawn, 4)
    }),
    ("MVA", |point| {
        point
            .theory
            .mva
            .map_or_else(dash, |mva| format!("{mva:.4}"))
    }),
    ("bound", |point| format!("{:.4}", point.theory.bound)),
    ("N*", |point| {
        let knee = point.theory.knee_workers;
        knee.map_or_else(dash, |knee| format!("{knee:.0}"))
    }),
    ("makespan s", |point| rounded(point.mean.makespan_s, 2)),
    ("T50 s", |point| rounded(point.mean.t50_s, 2)),
    ("T99 s", |point| rounded(point.mean.t99_s, 2)),
    ("wait p99 ms", |point| {
        let wait = point.mean.schedule_to_start_p99_s;
        wait.map_or_else(dash, |wait| format!("{:.1}", 1e3 * wait.mean))
    }),
    ("hub us", |point| rounded(point.mean.hub_cpu_us_per_task, 0)),
    ("broker us", |point| {
        rounded(point.mean.broker_cpu_us_per_task, 0)
    }),
    ("connected s", |point| rounded(point.mean.connection_s, 2)),
    ("core h", |point| rounded(point.mean.core_hours_billed, 1)),
    ("wasted h", |point| rounded(point.mean.core_hours_wasted, 1)),
    ("moved GB", |point| rounded(point.mean.gigabytes_moved, 3)),
    ("$", |point| rounded(point.mean.dollars, 2)),
    ("lost", |point| point.tally.lost.to_string()),
];

fn dash() -> String {
    "-".to_owned()
}

fn rounded(interval: Option<Interval>, digits: usize) -> String {
    let Some(Interval {
        mean,
        half_width_95,
        ..
    }) = interval
    else {
        return dash();
    };
    match half_width_95 {
        Some(half) => format!("{mean:.digits$} +- {half:.digits$}"),
        None => format!("{mean:.digits$}"),
    }
}

/// The report as text.
pub fn text(report: &Report) -> String {
    let mut text = format!("{}: {}\n", report.scenario, report.question);
    for remark in &report.remarks {
        text += &format!("  {remark}\n");
    }
    text += &match &report.machine {
        Some(machine) => format!(
            "  {} cores, load average {:.1} before and {:.1} after\n\n",
            machine.cores, machine.load_before, machine.load_after
        ),
        None => "  in virtual time, over a modelled network\n\n".to_owned(),
    };
    let heads = std::iter::once("variant").chain(COLUMNS.iter().map(|(head, _)| *head));
    let mut lines: Vec<Vec<String>> = vec![heads.map(str::to_owned).collect()];
    for point in &report.points {
        let cells = COLUMNS.iter().map(|(_, cell)| cell(point));
        lines.push(
            std::iter::once(point.variant.clone())
                .chain(cells)
                .collect(),
        );
    }
    text += &rows(&lines);
    text.push('\n');
    for verdict in verdicts(report) {
        let name = match verdict.variant.as_str() {
            "" => &report.scenario,
            variant => variant,
        };
        let _ = writeln!(text, "{name} {verdict}");
    }
    for point in &report.points {
        for run in &point.runs {
            if let Some(reason) = &run.void {
                text += &format!(
                    "void: {} N = {} repeat {}: {reason}\n",
                    point.variant, point.workers, run.repeat
                );
            }
        }
    }
    text
}
