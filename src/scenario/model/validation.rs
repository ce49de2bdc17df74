//! Whether the model of virtual time says of a real fleet what that fleet does: a measured report
//! beside the predicted one, and beside one with a hub time that is wrong on purpose. A model that
//! agrees with the wrong one, too, says nothing.

use serde::{Deserialize, Serialize};

use crate::scenario::results::{Machine, Means, Point, Report};
use crate::scenario::statistics::Interval;

/// Name and version of this form.
pub const FORMAT: &str = "skyscan-validation-1";
/// How much slower the hubs of the control are.
pub const CONTROL_FACTOR: f64 = 1.25;
/// The model holds if at least this share of the points is predicted, and fewer are by the control.
pub const ENOUGH: f64 = 0.8;

/// Relative error that throughput, utilisation and makespan may have.
const TOLERANCE: f64 = 0.05;
/// The same for the 99th percentile, which hangs on few tasks.
const TAIL_TOLERANCE: f64 = 0.1;

/// What the prediction of a scenario is called.
pub fn predicted_name(scenario: &str) -> String {
    format!("{scenario}-predicted")
}

/// What the control of its prediction is called.
pub fn control_name(scenario: &str) -> String {
    format!("{scenario}-control")
}

/// What is compared.
struct Quantity {
    name: &'static str,
    of: fn(&Means) -> Option<Interval>,
    tolerance: f64,
}

const QUANTITIES: [Quantity; 4] = [
    Quantity {
        name: "throughput_per_s",
        of: |mean| mean.throughput_per_s,
        tolerance: TOLERANCE,
    },
    Quantity {
        name: "utilisation",
        of: |mean| mean.utilisation,
        tolerance: TOLERANCE,
    },
    Quantity {
        name: "makespan_s",
        of: |mean| mean.makespan_s,
        tolerance: TOLERANCE,
    },
    Quantity {
        name: "t99_s",
        of: |mean| mean.t99_s,
        tolerance: TAIL_TOLERANCE,
    },
];

/// A model beside measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// [`FORMAT`].
    pub format: String,
    /// The scenario that was measured and predicted.
    pub scenario: String,
    /// What it was measured on.
    pub machine: Option<Machine>,
    /// How much slower the hubs of the control were.
    pub control_factor: f64,
    /// Every point that both have.
    pub points: Vec<ComparedPoint>,
    /// Share of the points that count whose every quantity is within its tolerance.
    pub within: f64,
    /// Share of the points that count for which the control is within the tolerances.
    pub control_within: f64,
    /// Whether the model predicts enough, and the control does not.
    pub holds: bool,
}

/// One point, measured and predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedPoint {
    /// Name of its variant.
    pub variant: String,
    /// Number of worker slots.
    pub workers: usize,
    /// Why it does not count: no run of it was measured as it should be.
    pub void: Option<String>,
    /// What was compared.
    pub quantities: Vec<Compared>,
    /// Whether all of it is within its tolerance.
    pub within: bool,
    /// Whether every quantity of the control is within its tolerance.
    pub control_within: bool,
}

/// One quantity of a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Name of the quantity.
    pub name: String,
    /// Mean over the measured repeats.
    pub measured: Interval,
    /// Mean over the predicted ones.
    pub predicted: Interval,
    /// Relative error of the prediction.
    pub error: f64,
    /// Half the width of the 95 % interval of that error; absent without repeats.
    pub error_half_width_95: Option<f64>,
    /// Relative error of the control.
    pub control_error: f64,
    /// How large an error may be.
    pub tolerance: f64,
}

/// Puts three reports of the same points beside each other.
pub fn validate(measured: &Report, predicted: &Report, control: &Report) -> Validation {
    let triple = |point| {
        let predicted = same_point(predicted, point)?;
        let control = same_point(control, point)?;
        Some(ComparedPoint::of(point, predicted, control))
    };
    let points: Vec<ComparedPoint> = measured.points.iter().filter_map(triple).collect();
    let share = |is_within: fn(&ComparedPoint) -> bool| {
        let counting: Vec<&ComparedPoint> = points.iter().filter(|p| p.void.is_none()).collect();
        let n_within = counting.iter().filter(|point| is_within(point)).count();
        n_within as f64 / counting.len().max(1) as f64
    };
    let within = share(|point| point.within);
    let control_within = share(|point| point.control_within);
    Validation {
        format: FORMAT.to_owned(),
        scenario: measured.scenario.clone(),
        machine: measured.machine.clone(),
        control_factor: CONTROL_FACTOR,
        within,
        control_within,
        holds: within >= ENOUGH && control_within < ENOUGH,
        points,
    }
}

fn same_point<'a>(report: &'a Report, point: &Point) -> Option<&'a Point> {
    let mut points = report.points.iter();
    points.find(|other| other.variant == point.variant && other.workers == point.workers)
}

impl ComparedPoint {
    fn of(measured: &Point, predicted: &Point, control: &Point) -> Self {
        let compared = |quantity: &Quantity| {
            let of = |point: &Point| (quantity.of)(&point.mean);
            let (measured, predicted) = (of(measured)?, of(predicted)?);
            let control = of(control)?;
            Some(Compared::of(quantity, measured, predicted, control))
        };
        let quantities: Vec<Compared> = QUANTITIES.iter().filter_map(compared).collect();
        let all = |error: fn(&Compared) -> f64| {
            let is_near = |compared: &Compared| error(compared).abs() <= compared.tolerance;
            // What one of them lacks, a steady state for example, was not predicted.
            quantities.len() == QUANTITIES.len() && quantities.iter().all(is_near)
        };
        Self {
            variant: measured.variant.clone(),
            workers: measured.workers,
            void: measured.void().map(str::to_owned),
            within: all(|compared| compared.error),
            control_within: all(|compared| compared.control_error),
            quantities,
        }
    }
}

impl Compared {
    fn of(quantity: &Quantity, measured: Interval, predicted: Interval, control: Interval) -> Self {
        let error = |of: Interval| of.mean / measured.mean - 1.0;
        let relative = |of: Interval| Some(of.half_width_95? / measured.mean);
        let both = relative(measured).zip(relative(predicted));
        Self {
            name: quantity.name.to_owned(),
            error: error(predicted),
            error_half_width_95: both.map(|(measured, predicted)| measured.hypot(predicted)),
            control_error: error(control),
            measured,
            predicted,
            tolerance: quantity.tolerance,
        }
    }
}

#[cfg(test)]
mod tests;
