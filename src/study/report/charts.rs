//! The charts: what regions claim and hold, and how far off answers are.

use super::{Report, quantile};
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Chart, Line, Series, Value};

/// A P-P plot: claimed containment, and the share of truths inside.
pub(super) fn probabilities(report: &Report) -> Figure {
    let exact = [0.0, 1.0].map(|share| Value {
        x: share,
        y: share,
        error: 0.0,
    });
    let mut series = vec![Series {
        name: "holds what it says".to_owned(),
        line: Line::Expected,
        hue: GREY,
        values: exact.to_vec(),
    }];
    for (hue, reco) in report.recos.iter().enumerate() {
        let value = |&(claimed, share): &(f64, super::Share)| Value {
            x: claimed,
            y: share.share.unwrap_or(f64::NAN),
            error: 0.5 * (share.high - share.low),
        };
        series.push(Series {
            name: format!("{}, regions by {}", reco.reco, reco.made.name),
            line: Line::Measured,
            hue,
            values: reco.probabilities.iter().map(value).collect(),
        });
    }
    Chart {
        title: "How often regions hold the source".to_owned(),
        subtitle: subtitle(report),
        note: "bars: as wide as 95 % intervals of Clopper and Pearson; values share their events"
            .to_owned(),
        x: Axis::linear("containment that a region claims", (0.0, 1.0)),
        y: Axis::linear("share of events with the truth inside", (0.0, 1.0)),
        series,
    }
    .compose()
}

/// A hue of no reconstruction.
const GREY: usize = 6;
/// Events to a point of the chart of angles.
const POINTS: usize = 8;

/// Median angle against hit DOMs.
pub(super) fn resolution(report: &Report) -> Figure {
    let mut series = Vec::new();
    let mut low = (f64::MAX, f64::MAX);
    let mut high = (0.0_f64, 0.0_f64);
    for (hue, reco) in report.recos.iter().enumerate() {
        let mut seen: Vec<(f64, f64)> = (report.answers.iter())
            .filter(|one| one.answer.maker() == reco.reco)
            .filter_map(|one| Some((one.answer.hit_doms as f64, one.found.as_ref()?.angle_deg)))
            .collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let size = seen.len().div_ceil(POINTS).max(1);
        let values: Vec<Value> = seen
            .chunks(size)
            .map(|chunk| {
                let mut angles: Vec<f64> = chunk.iter().map(|(_, angle)| *angle).collect();
                angles.sort_unstable_by(f64::total_cmp);
                Value {
                    x: chunk[chunk.len() / 2].0.max(1.0),
                    y: quantile(&angles, 0.5).max(1e-3),
                    error: 0.0,
                }
            })
            .collect();
        for value in &values {
            low = (low.0.min(value.x), low.1.min(value.y));
            high = (high.0.max(value.x), high.1.max(value.y));
        }
        series.push(Series {
            name: reco.reco.clone(),
            line: Line::Measured,
            hue,
            values,
        });
    }
    Chart {
        title: "How far answers are off".to_owned(),
        subtitle: subtitle(report),
        note: "medians of events in order of hit DOMs, in eighths".to_owned(),
        x: Axis::logarithmic("hit DOMs", (0.8 * low.0, 1.25 * high.0.max(1.0))),
        y: Axis::logarithmic(
            "angle to the truth, degrees",
            (0.7 * low.1, 1.4 * high.1.max(1e-3)),
        ),
        series,
    }
    .compose()
}

fn subtitle(report: &Report) -> String {
    let design = &report.design;
    let n_events = report
        .recos
        .iter()
        .map(|reco| reco.groups.first().map_or(0, |all| all.n))
        .max();
    format!(
        "{} events of simulated light ({}), {} to {} GeV, {} ices",
        n_events.unwrap_or(0),
        design.light.name(),
        design.energies_gev[0],
        design.energies_gev[1],
        design.ices.len()
    )
}
