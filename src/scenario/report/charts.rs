//! Charts of a report: over the number of workers where it was swept, else variant by variant.

use super::WIDE;
use super::verdict::variants;
use super::written;
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Bar, Bars, Chart, Line, Series, Value};
use crate::scenario::results::{Means, Point, Report};
use crate::scenario::setup::Clock;
use crate::scenario::statistics::Interval;

/// A figure of a point that is worth a chart.
struct Quantity {
    name: &'static str,
    /// What the chart shows, before the question.
    heading: &'static str,
    title: &'static str,
    of: fn(&Means) -> Option<Interval>,
    expected: fn(&Point) -> Option<f64>,
    /// Largest value of the axis, if it has a natural one.
    most: Option<f64>,
}

const QUANTITIES: [Quantity; 4] = [
    Quantity {
        name: "utilisation",
        heading: "Busy share",
        title: "busy share of the workers",
        of: |mean| mean.utilisation,
        expected: |point| Some(point.theory.mva.unwrap_or(point.theory.bound)),
        most: Some(1.0),
    },
    Quantity {
        name: "throughput",
        heading: "Throughput",
        title: "tasks per second",
        of: |mean| mean.throughput_per_s,
        expected: |point| {
            let theory = &point.theory;
            let utilisation = theory.mva.unwrap_or(theory.bound);
            (theory.service_s > 0.0).then(|| utilisation * point.workers as f64 / theory.service_s)
        },
        most: None,
    },
    Quantity {
        name: "waiting",
        heading: "Waiting",
        title: "99 % of tasks start within (s), those held ahead by workers, too",
        of: |mean| mean.schedule_to_start_p99_s,
        expected: |_| None,
        most: None,
    },
    Quantity {
        name: "tail",
        heading: "The end",
        title: "last result after (s)",
        of: |mean| mean.makespan_s,
        expected: |_| None,
        most: None,
    },
];

/// Every chart that the report has values for, by the name of its file.
pub(super) fn all(report: &Report) -> Vec<(&'static str, Figure)> {
    QUANTITIES
        .iter()
        .filter(|quantity| {
            report
                .points
                .iter()
                .any(|point| (quantity.of)(&point.mean).is_some())
        })
        .map(|quantity| (quantity.name, draw(report, quantity)))
        .collect()
}

/// Utilisation alone.
pub(in crate::scenario) fn utilisation(report: &Report) -> Figure {
    draw(report, &QUANTITIES[0])
}

fn draw(report: &Report, quantity: &Quantity) -> Figure {
    let is_swept = variants(report).iter().any(|(_, points)| points.len() > 1);
    if is_swept {
        swept(report, quantity).compose()
    } else {
        side_by_side(report, quantity).compose()
    }
}

fn swept(report: &Report, quantity: &Quantity) -> Chart {
    let mut series = Vec::new();
    for (hue, (variant, points)) in variants(report).into_iter().enumerate() {
        let name = match (variant, report.clock) {
            ("", Clock::Real) => "measured",
            ("", Clock::Virtual) => "modelled",
            (variant, _) => variant,
        };
        let expected = values(&points, |point| Some(((quantity.expected)(point)?, 0.0)));
        if !expected.is_empty() {
            let form = if points.iter().all(|point| point.theory.mva.is_some()) {
                "closed form"
            } else {
                "bound"
            };
            series.push(Series {
                name: format!("{name}: {form}"),
                line: Line::Expected,
                hue,
                values: expected,
            });
        }
        let (void, counting): (Vec<&Point>, Vec<&Point>) =
            points.iter().partition(|point| point.void().is_some());
        let found = |point: &Point| {
            let interval = (quantity.of)(&point.mean)?;
            Some((interval.mean, interval.half_width_95.unwrap_or(0.0)))
        };
        for (points, line, name) in [
            (counting, Line::Measured, name.to_owned()),
            (void, Line::Void, format!("{name}: void, does not count")),
        ] {
            let values = values(&points, found);
            if !values.is_empty() {
                series.push(Series {
                    name,
                    line,
                    hue,
                    values,
                });
            }
        }
    }
    let workers = report.points.iter().map(|point| point.workers as f64);
    let (low, high) = workers.fold((f64::INFINITY, 0.0f64), |(low, high), n| {
        (low.min(n), high.max(n))
    });
    let x = if high > WIDE * low {
        Axis::logarithmic("workers", (low, high))
    } else {
        Axis::linear("workers", (low, high))
    };
    let values = series.iter().flat_map(|series| &series.values);
    let tallest = values
        .map(|value| value.y + value.error)
        .fold(0.0, f64::max);
    Chart {
        title: title(report, quantity),
        subtitle: subtitle(report),
        note: note(report),
        x,
        y: Axis::linear(quantity.title, (0.0, top(quantity, tallest))),
        series,
    }
}

/// Values with their errors over the number of workers, in rising order.
fn values(points: &[&Point], of: impl Fn(&Point) -> Option<(f64, f64)>) -> Vec<Value> {
    let value = |point: &&Point| {
        let (y, error) = of(point)?;
        let x = point.workers as f64;
        Some(Value { x, y, error })
    };
    let mut values: Vec<Value> = points.iter().filter_map(value).collect();
    values.sort_by(|a, b| a.x.total_cmp(&b.x));
    values
}

fn side_by_side(report: &Report, quantity: &Quantity) -> Bars {
    let bars: Vec<Bar> = report
        .points
        .iter()
        .map(|point| {
            let interval = (quantity.of)(&point.mean);
            let name = match point.variant.as_str() {
                "" => format!("{} workers", written::count(point.workers)),
                variant => variant.to_owned(),
            };
            let is_void = point.void().is_some();
            Bar {
                name: if is_void {
                    format!("{name} (void)")
                } else {
                    name
                },
                parts: Vec::new(),
                length: interval.map_or(f64::NAN, |interval| interval.mean),
                error: interval.and_then(|i| i.half_width_95).unwrap_or(0.0),
                expected: (quantity.expected)(point),
                is_void,
            }
        })
        .collect();
    let longest = bars
        .iter()
        .flat_map(|bar| [bar.length + bar.error, bar.expected.unwrap_or(0.0)])
        .filter(|length| length.is_finite())
        .fold(0.0, f64::max);
    Bars {
        title: title(report, quantity),
        subtitle: subtitle(report),
        note: note(report),
        axis: Axis::linear(quantity.title, (0.0, top(quantity, longest))),
        parts: Vec::new(),
        bars,
    }
}

fn top(quantity: &Quantity, tallest: f64) -> f64 {
    let least = quantity.most.unwrap_or(0.0);
    let top = 1.05 * tallest.max(least);
    if top > 0.0 { top } else { 1.0 }
}

/// What a chart shows, and to which question.
fn title(report: &Report, quantity: &Quantity) -> String {
    format!("{}: {}", quantity.heading, written::question(report))
}

fn subtitle(report: &Report) -> String {
    let repeats = report.points.iter().map(|point| point.tally.repeats());
    let repeats = match repeats.max() {
        None | Some(0 | 1) => "one repeat each, so without intervals".to_owned(),
        Some(n) => format!("up to {n} repeats, 95 % intervals"),
    };
    let scaled = written::scale(report).map_or(String::new(), |scale| format!(", {scale}"));
    format!(
        "scenario {}, {repeats}{scaled}; dashes or marks across: formula",
        report.scenario
    )
}

/// Where the figures of a report come from.
pub(in crate::scenario) fn note(report: &Report) -> String {
    let incomplete = if report.complete { "" } else { "; INCOMPLETE" };
    match &report.machine {
        Some(machine) => format!(
            "skyscan {} on {} cores, load average {:.1} before and {:.1} after{incomplete}",
            machine.skyscan, machine.cores, machine.load_before, machine.load_after,
        ),
        None => format!("in virtual time, over a modelled network{incomplete}"),
    }
}
