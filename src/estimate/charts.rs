//! The charts: when a scan is done on how many cores, and for how much.

use super::answer::Answer;
use super::fleet::Fleet;
use super::range::Range;
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Chart, Line, Series, Value};

/// A hue of no fleet.
const GREY: usize = 6;

/// Both charts, by the names of their files; none without fleets.
pub fn all(answer: &Answer) -> Vec<(&'static str, Figure)> {
    if answer.fleets.is_empty() {
        return Vec::new();
    }
    let mut charts = vec![("time", time(answer).compose())];
    if answer.fleets.iter().any(|fleet| fleet.dollars.is_some()) {
        charts.push(("dollars", dollars(answer).compose()));
    }
    charts
}

fn time(answer: &Answer) -> Chart {
    let limit = answer.limits.deadline_s;
    let up = "seconds until the last result";
    chart(answer, "When the scan is done", up, limit, |fleet| {
        Some(fleet.t100_s)
    })
}

fn dollars(answer: &Answer) -> Chart {
    let limit = answer.limits.budget;
    chart(answer, "What the scan costs", "dollars", limit, |fleet| {
        fleet.dollars
    })
}

fn chart(
    answer: &Answer,
    title: &str,
    up: &str,
    limit: Option<f64>,
    of: impl Fn(&Fleet) -> Option<Range>,
) -> Chart {
    let of = |fleet: &Fleet| Some((fleet.cores as f64, of(fleet)?));
    let mut profiles: Vec<&str> = answer.fleets.iter().map(|fleet| &*fleet.profile).collect();
    profiles.dedup();
    let mut series = Vec::new();
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (Vec::new(), limit.into_iter().collect());
    for (hue, profile) in profiles.iter().enumerate() {
        let mut values: Vec<Value> = Vec::new();
        for (x, range) in answer
            .fleets
            .iter()
            .filter(|f| f.profile == *profile)
            .filter_map(&of)
        {
            // A bar is as long to both sides.
            let error = 0.5 * (range.high - range.low);
            let y = range.expected;
            xs.push(x);
            ys.extend([range.low, range.high]);
            values.push(Value {
                x,
                y,
                error: error.min(0.9 * y),
            });
        }
        values.sort_by(|a, b| a.x.total_cmp(&b.x));
        if !values.is_empty() {
            series.push(Series {
                name: (*profile).to_owned(),
                line: Line::Measured,
                hue: hue % GREY,
                values,
            });
        }
    }
    let x_range = around(&xs);
    if let Some(limit) = limit {
        let at = |x| Value {
            x,
            y: limit,
            error: 0.0,
        };
        series.push(Series {
            name: "asked for".to_owned(),
            line: Line::Expected,
            hue: GREY,
            values: vec![at(x_range.0), at(x_range.1)],
        });
    }
    let event = &answer.event;
    Chart {
        title: format!("{title}: run {}, event {}", event.run_id, event.event_id),
        subtitle: format!(
            "{}, {:.0} pixels ({:.0} to {:.0}), bars as long as the 90 % intervals",
            answer.reco, answer.pixels.expected, answer.pixels.low, answer.pixels.high
        ),
        note:
            "in virtual time, over a modelled network; a core there taken to be as fast as one here"
                .to_owned(),
        x: Axis::logarithmic("cores", x_range),
        y: Axis::logarithmic(up, around(&ys)),
        series,
    }
}

/// A range with room to both sides of all values.
fn around(values: &[f64]) -> (f64, f64) {
    let positive = values.iter().copied().filter(|value| *value > 0.0);
    let low = positive.clone().fold(f64::INFINITY, f64::min);
    let high = positive.fold(0.0, f64::max);
    match low <= high {
        true => (low / 1.3, high * 1.3),
        false => (0.1, 1.0),
    }
}
