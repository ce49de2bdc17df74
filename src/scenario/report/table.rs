//! A report as a table for people.

use std::fmt::Write;

use super::glossary::GLOSSARY;
use super::rows;
use super::verdict::verdicts;
use super::written::{count, question, scale, with_interval};
use crate::scenario::results::{Point, Report};
use crate::scenario::setup::Clock;
use crate::scenario::statistics::Interval;

/// Characters of a line where nobody knows how many there is room for.
pub const NARROW: usize = 80;

/// Columns: their heads, and what a point has there.
type Column = (&'static str, fn(&Point) -> String);

const COLUMNS: [Column; 19] = [
    ("N", |point| count(point.workers)),
    ("tasks/s", |point| of(point.mean.throughput_per_s)),
    ("utilisation", |point| of(point.mean.utilisation)),
    ("as drawn", |point| of(point.mean.utilisation_as_drawn)),
    ("MVA", |point| {
        point
            .theory
            .mva
            .map_or_else(dash, |mva| format!("{mva:.4}"))
    }),
    ("bound", |point| format!("{:.4}", point.theory.bound)),
    ("N*", |point| {
        let knee = point.theory.knee_workers;
        knee.map_or_else(dash, |knee| count(knee.round() as usize))
    }),
    ("makespan s", |point| of(point.mean.makespan_s)),
    ("T50 s", |point| of(point.mean.t50_s)),
    ("T99 s", |point| of(point.mean.t99_s)),
    ("wait p99 ms", |point| {
        let wait = point.mean.schedule_to_start_p99_s;
        wait.map_or_else(dash, |wait| with_interval(wait, 1e3))
    }),
    ("hub us", |point| of(point.mean.hub_cpu_us_per_task)),
    ("broker us", |point| of(point.mean.broker_cpu_us_per_task)),
    ("connected s", |point| of(point.mean.connection_s)),
    ("core h", |point| of(point.mean.core_hours_billed)),
    ("wasted h", |point| of(point.mean.core_hours_wasted)),
    ("moved GB", |point| of(point.mean.gigabytes_moved)),
    ("$", |point| of(point.mean.dollars)),
    ("lost", |point| match point.tally.lost_each() {
        0 => dash(),
        lost => count(lost),
    }),
];

fn dash() -> String {
    "-".to_owned()
}

fn of(interval: Option<Interval>) -> String {
    interval.map_or_else(dash, |interval| with_interval(interval, 1.0))
}

/// The report as text, its table folded into lines of at most `width` characters.
pub fn text(report: &Report, width: usize) -> String {
    let mut text = String::new();
    let mut paragraph = |words: &str| text += &folded(words, width);
    paragraph(&format!("{}: {}", report.scenario, question(report)));
    for remark in &report.remarks {
        paragraph(&format!("  {remark}"));
    }
    paragraph(&match (&report.machine, report.clock) {
        (Some(machine), Clock::Real) => format!(
            "  Measured on {} cores, load average {:.1} before and {:.1} after",
            machine.cores, machine.load_before, machine.load_after
        ),
        _ => "  Modelled: in virtual time, over a network that is not there".to_owned(),
    });
    if let Some(scale) = scale(report) {
        paragraph(&format!("  All {scale}"));
    }
    text.push('\n');
    let mut columns = String::new();
    let shown = table(report, width, &mut columns);
    // What a terminal of 24 lines shows at the end is the answer.
    for (word, meaning) in GLOSSARY {
        if word.split(", ").any(|word| shown.contains(&word)) {
            text += &folded(&format!("{word}: {meaning}"), width);
        }
    }
    text.push('\n');
    text += &columns;
    for verdict in verdicts(report) {
        let name = match verdict.variant.as_str() {
            "" => &report.scenario,
            variant => variant,
        };
        text += &folded(&format!("{name} {verdict}"), width);
    }
    for point in &report.points {
        for run in &point.runs {
            if let Some(reason) = &run.void {
                let name = [point.variant.as_str(), " "].concat();
                let name = name.trim_start();
                let n = count(point.workers);
                let repeat = run.repeat + 1;
                let void = format!("void: {name}N = {n}, repeat {repeat}: {reason}");
                text += &folded(&void, width);
            }
        }
    }
    text
}

/// Writes the columns that say anything, as many side by side as there is room for; returns their heads.
fn table(report: &Report, width: usize, text: &mut String) -> Vec<&'static str> {
    let mut names = vec!["variant".to_owned()];
    names.extend(report.points.iter().map(|point| match point.void() {
        Some(_) => format!("{} (void)", point.variant).trim_start().to_owned(),
        None => point.variant.clone(),
    }));
    let mut columns: Vec<(&str, Vec<String>)> = Vec::new();
    for (head, cell) in COLUMNS {
        let cells: Vec<String> = report.points.iter().map(cell).collect();
        if cells.iter().any(|cell| *cell != dash()) {
            columns.push((head, cells));
        }
    }
    let widest = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max();
    let first = widest(&names).unwrap_or(0);
    let mut rest = columns.as_slice();
    // The number of workers stands in every block.
    let mut key: Option<&(&str, Vec<String>)> = None;
    while !rest.is_empty() {
        let mut taken: Vec<&(&str, Vec<String>)> = key.into_iter().collect();
        let size = |(head, cells): &(&str, Vec<String>)| {
            2 + head.chars().count().max(widest(cells).unwrap_or(0))
        };
        let mut used = first + taken.iter().map(|column| size(column)).sum::<usize>();
        let n_keys = taken.len();
        while let Some((column, others)) = rest.split_first() {
            if taken.len() > n_keys && used + size(column) > width {
                break;
            }
            used += size(column);
            taken.push(column);
            rest = others;
        }
        key = columns.first();
        let lines: Vec<Vec<String>> = (0..names.len())
            .map(|row| {
                let cells = taken.iter().map(|(head, cells)| match row {
                    0 => (*head).to_owned(),
                    row => cells[row - 1].clone(),
                });
                std::iter::once(names[row].clone()).chain(cells).collect()
            })
            .collect();
        let _ = writeln!(text, "{}", rows(&lines));
    }
    columns.iter().map(|(head, _)| *head).collect()
}

/// The words in lines of at most `width` characters, those after the first indented.
fn folded(words: &str, width: usize) -> String {
    let indent = words.len() - words.trim_start().len();
    let mut lines = vec![" ".repeat(indent)];
    for word in words.split_whitespace() {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        let is_first = lines.last().is_none_or(|line| line.trim().is_empty());
        if !is_first && line + 1 + word.chars().count() > width {
            lines.push(" ".repeat(indent + 2));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}
