//! The charts of the answers.

use super::known::Known;
use super::numbers::transfer_dollars;
use super::questions::{Chart, QUESTIONS};
use super::say::count;
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Bar, Bars};
use crate::scenario::report::charts::{note, utilisation};
use crate::scenario::results::{Point, Report};
use crate::scenario::statistics::Interval;

const MINUTE_S: f64 = 60.0;

/// Every chart that there are numbers for, by the name of its file.
pub(super) fn all(known: &Known) -> Vec<(String, Figure)> {
    let wanted = QUESTIONS.iter().flat_map(|question| question.charts);
    let mut drawn: Vec<(String, Figure)> = Vec::new();
    for (scenario, chart) in wanted {
        let name = file_name(scenario, *chart);
        let is_new = drawn.iter().all(|(other, _)| *other != name);
        if let (true, Some(figure)) = (is_new, draw(known, scenario, *chart)) {
            drawn.push((name, figure));
        }
    }
    drawn
}

/// Name of the file of a chart.
pub(super) fn file_name(scenario: &str, chart: Chart) -> String {
    let what = match chart {
        Chart::Busy => "busy",
        Chart::Ends => "ends",
        Chart::Dollars => "dollars",
        Chart::Gigabytes => "gigabytes",
    };
    format!("{scenario}-{what}.svg")
}

fn draw(known: &Known, scenario: &str, chart: Chart) -> Option<Figure> {
    let report = known.counting(scenario)?;
    let figure = match chart {
        Chart::Busy => utilisation(report),
        Chart::Ends => ends(report).compose(),
        Chart::Dollars => dollars(report)?.compose(),
        Chart::Gigabytes => gigabytes(report).compose(),
    };
    Some(figure)
}

fn ends(report: &Report) -> Bars {
    let bar = |point: &Point| {
        let minutes = |interval: Option<Interval>, of: fn(Interval) -> f64| {
            let unscaled_s = interval.map_or(f64::NAN, of) / point.setup.time_scale;
            unscaled_s / MINUTE_S
        };
        let mean = &point.mean;
        Bar {
            name: name(report, point),
            length: minutes(mean.makespan_s, |end| end.mean),
            parts: vec![
                minutes(mean.t50_s, |end| end.mean),
                minutes(mean.t99_s, |end| end.mean),
            ],
            error: minutes(mean.makespan_s, |end| end.half_width_95.unwrap_or(0.0)),
            expected: None,
            is_void: false,
        }
    };
    bars(
        report,
        "minutes until so many results were in",
        &["half of them", "99 %", "all"],
        report.points.iter().map(bar).collect(),
    )
}

/// Absent without prices.
fn dollars(report: &Report) -> Option<Bars> {
    let bar = |point: &Point| {
        let paid = point.tally.used.dollars?;
        let total = point.mean.dollars?;
        Some(Bar {
            name: name(report, point),
            length: total.mean,
            parts: vec![paid.compute, paid.compute + transfer_dollars(point)?],
            error: total.half_width_95.unwrap_or(0.0),
            expected: None,
            is_void: false,
        })
    };
    let drawn: Vec<Bar> = report.points.iter().filter_map(bar).collect();
    let parts = ["core hours", "transfer", "hub and broker"];
    (!drawn.is_empty()).then(|| bars(report, "dollars", &parts, drawn))
}

fn gigabytes(report: &Report) -> Bars {
    let bar = |point: &Point| {
        let moved = point.mean.gigabytes_moved;
        Bar {
            name: name(report, point),
            length: moved.map_or(f64::NAN, |moved| moved.mean),
            parts: Vec::new(),
            error: moved.and_then(|moved| moved.half_width_95).unwrap_or(0.0),
            expected: None,
            is_void: false,
        }
    };
    let drawn = report.points.iter().map(bar).collect();
    bars(report, "gigabytes moved", &[], drawn)
}

/// A variant of several sizes is told apart by its size.
fn name(report: &Report, point: &Point) -> String {
    let alike = report.points.iter();
    let n = alike.filter(|other| other.variant == point.variant).count();
    match (point.variant.as_str(), n) {
        ("", _) => format!("{} workers", count(point.workers)),
        (name, 1) => name.to_owned(),
        (name, _) => format!("{name}, {} workers", count(point.workers)),
    }
}

fn bars(report: &Report, axis: &str, parts: &[&str], bars: Vec<Bar>) -> Bars {
    let lengths = bars.iter().map(|bar| bar.length + bar.error);
    let longest = lengths
        .filter(|length| length.is_finite())
        .fold(f64::MIN_POSITIVE, f64::max);
    let repeats = report
        .points
        .iter()
        .map(|point| point.tally.repeats())
        .max();
    let subtitle = match repeats {
        None | Some(0 | 1) => format!("scenario {}, a single run", report.scenario),
        Some(n) => format!(
            "scenario {}, means of up to {n} repeats with 95 % intervals",
            report.scenario
        ),
    };
    Bars {
        title: report.question.clone(),
        subtitle,
        note: note(report),
        axis: Axis::linear(axis, (0.0, 1.05 * longest)),
        parts: parts.iter().map(|&part| part.to_owned()).collect(),
        bars,
    }
}
