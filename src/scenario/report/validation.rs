//! A validation for people: a table, and a chart of measured beside predicted.

use std::fmt::Write;

use super::{WIDE, rows};
use crate::drawing::Figure;
use crate::drawing::chart::{Axis, Chart, Line, Series, Value};
use crate::scenario::model::validation::{Compared, ComparedPoint, ENOUGH, Validation};

/// What the chart shows.
const SHOWN: &str = "utilisation";

/// The validation as text.
pub fn text(validation: &Validation) -> String {
    let mut text = format!(
        "{}: measured beside predicted, and beside a control whose hubs take {} times as long\n\n",
        validation.scenario, validation.control_factor
    );
    let head = [
        "variant",
        "N",
        "quantity",
        "measured",
        "predicted",
        "error %",
        "allowed %",
        "control %",
        "",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for point in &validation.points {
        table.extend(point.quantities.iter().map(|compared| row(point, compared)));
    }
    text += &rows(&table);
    text.push('\n');
    for point in &validation.points {
        if let Some(reason) = &point.void {
            let _ = writeln!(
                text,
                "does not count: {} N = {}: {reason}",
                point.variant, point.workers
            );
        }
    }
    let n_void = validation
        .points
        .iter()
        .filter(|p| p.void.is_some())
        .count();
    let _ = writeln!(
        text,
        "{:.0} % of {} points within what is allowed (control {:.0} %, {:.0} % needed): the model {}",
        100.0 * validation.within,
        validation.points.len() - n_void,
        100.0 * validation.control_within,
        100.0 * ENOUGH,
        if validation.holds {
            "holds"
        } else {
            "does not hold"
        }
    );
    text
}

fn row(point: &ComparedPoint, compared: &Compared) -> Vec<String> {
    let percent = |share: f64| format!("{:+.1}", 100.0 * share);
    let error = match compared.error_half_width_95 {
        Some(half) => format!("{} +- {:.1}", percent(compared.error), 100.0 * half),
        None => percent(compared.error),
    };
    let is_within = compared.error.abs() <= compared.tolerance;
    vec![
        point.variant.clone(),
        point.workers.to_string(),
        compared.name.clone(),
        format!("{:.4}", compared.measured.mean),
        format!("{:.4}", compared.predicted.mean),
        error,
        format!("{:.0}", 100.0 * compared.tolerance),
        percent(compared.control_error),
        if is_within { "" } else { "off" }.to_owned(),
    ]
}

/// Busy shares over the number of workers.
pub(super) fn figure(validation: &Validation) -> Figure {
    let mut variants: Vec<&str> = Vec::new();
    for point in &validation.points {
        if !variants.contains(&point.variant.as_str()) {
            variants.push(&point.variant);
        }
    }
    let series = variants.into_iter().enumerate().flat_map(|(hue, variant)| {
        let of = |value: fn(&Compared) -> (f64, f64)| -> Vec<Value> {
            let points = validation.points.iter().filter(|p| p.variant == variant);
            points
                .filter_map(|point| {
                    let mut quantities = point.quantities.iter();
                    let (y, error) = value(quantities.find(|compared| compared.name == SHOWN)?);
                    let x = point.workers as f64;
                    Some(Value { x, y, error })
                })
                .collect()
        };
        [
            Series {
                name: format!("{variant}: predicted"),
                line: Line::Expected,
                hue,
                values: of(|compared| (compared.predicted.mean, 0.0)),
            },
            Series {
                name: variant.to_owned(),
                line: Line::Measured,
                hue,
                values: of(|compared| {
                    let half = compared.measured.half_width_95;
                    (compared.measured.mean, half.unwrap_or(0.0))
                }),
            },
        ]
    });
    let workers = validation.points.iter().map(|point| point.workers as f64);
    let (low, high) = workers.fold((f64::INFINITY, 0.0f64), |(low, high), n| {
        (low.min(n), high.max(n))
    });
    Chart {
        title: "Measured beside predicted: busy share of the workers".to_owned(),
        subtitle: format!(
            "scenario {}, 95 % intervals; dashes: predicted in virtual time",
            validation.scenario
        ),
        note: match &validation.machine {
            Some(machine) => format!("measured on {} cores", machine.cores),
            None => String::new(),
        },
        x: match high > WIDE * low {
            true => Axis::logarithmic("workers", (low, high)),
            false => Axis::linear("workers", (low, high)),
        },
        y: Axis::linear("busy share of the workers", (0.0, 1.05)),
        series: series.collect(),
    }
    .compose()
}
