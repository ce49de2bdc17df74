//! Charts of how long tasks waited: how many how long, and as the run went on.

use super::charts::note;
use super::written::{count, question};
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Chart, Line, Series, Value};
use crate::scenario::results::waits::Waits;
use crate::scenario::results::{Point, Report};

/// More lines than there are colours say nothing.
const MOST_LINES: usize = 7;

/// The charts, by the names of their files; none without runs that tell.
pub(super) fn all(report: &Report) -> Vec<(&'static str, Figure)> {
    let shown = shown(report);
    if shown.is_empty() {
        return Vec::new();
    }
    vec![
        ("waiting-histogram", histogram(report, &shown)),
        ("waiting-over-time", over_time(report, &shown)),
    ]
}

/// The first repeat that counts of each point, the largest fleets first where there are too many points.
fn shown(report: &Report) -> Vec<(String, &Waits)> {
    let mut found: Vec<(&Point, &Waits)> = Vec::new();
    for point in &report.points {
        let counting = point.runs.iter().find(|run| run.void.is_none());
        if let Some(run) = counting.filter(|run| !run.waits.over_time.is_empty()) {
            found.push((point, &run.waits));
        }
    }
    found.sort_by_key(|(point, _)| std::cmp::Reverse(point.workers));
    found.truncate(MOST_LINES);
    let named = |(point, waits): (&Point, _)| {
        let size = format!("{} workers", count(point.workers));
        let name = match point.variant.as_str() {
            "" => size,
            variant => format!("{variant}, {size}"),
        };
        (name, waits)
    };
    found.into_iter().map(named).collect()
}

fn histogram(report: &Report, shown: &[(String, &Waits)]) -> Figure {
    let bins = shown.iter().flat_map(|(_, waits)| &waits.histogram);
    let (low_s, high_s) = bins.fold((f64::INFINITY, 0.0f64), |(low, high), bin| {
        (low.min(bin.up_to_s), high.max(bin.up_to_s))
    });
    let share = |waits: &Waits| {
        let n_all: u64 = waits.histogram.iter().map(|bin| bin.n).sum();
        let value = |x, n: u64| Value {
            x,
            y: n as f64 / n_all.max(1) as f64,
            error: 0.0,
        };
        waits
            .histogram
            .iter()
            .map(|bin| value(bin.up_to_s, bin.n))
            .collect()
    };
    let series: Vec<Series> = series(shown, share);
    let tallest = tallest(&series);
    chart(
        report,
        "How many tasks waited how long",
        match low_s < high_s {
            true => Axis::logarithmic(
                "seconds from the Scanner to the start of the work",
                (low_s, high_s),
            ),
            false => Axis::linear(
                "seconds from the Scanner to the start of the work",
                (0.0, 2.0 * high_s),
            ),
        },
        Axis::linear("share of the tasks", (0.0, 1.05 * tallest)),
        series,
    )
}

fn over_time(report: &Report, shown: &[(String, &Waits)]) -> Figure {
    let p99 = |waits: &Waits| {
        let value = |x, y| Value { x, y, error: 0.0 };
        let parts = waits.over_time.iter();
        parts.map(|part| value(part.until_s, part.p99_s)).collect()
    };
    let series: Vec<Series> = series(shown, p99);
    let ends = series.iter().flat_map(|series| series.values.last());
    let end_s = ends.map(|value| value.x).fold(0.0, f64::max);
    let tallest = tallest(&series);
    chart(
        report,
        "Waiting as the run goes on",
        Axis::linear("seconds since the first task", (0.0, end_s)),
        Axis::linear("99 % of tasks start within (s)", (0.0, 1.05 * tallest)),
        series,
    )
}

fn series(shown: &[(String, &Waits)], values: impl Fn(&Waits) -> Vec<Value>) -> Vec<Series> {
    let one = |(hue, (name, waits)): (usize, &(String, &Waits))| Series {
        name: name.clone(),
        line: Line::Measured,
        hue,
        values: values(waits),
    };
    shown.iter().enumerate().map(one).collect()
}

fn tallest(series: &[Series]) -> f64 {
    let values = series.iter().flat_map(|series| &series.values);
    values
        .map(|value| value.y)
        .fold(f64::MIN_POSITIVE, f64::max)
}

fn chart(report: &Report, heading: &str, x: Axis, y: Axis, series: Vec<Series>) -> Figure {
    Chart {
        title: format!("{heading}: {}", question(report)),
        subtitle: format!("scenario {}, the first repeat that counts", report.scenario),
        note: note(report),
        x,
        y,
        series,
    }
    .compose()
}
