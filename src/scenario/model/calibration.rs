//! What hub, broker and links of this machine cost, measured with few workers.
//!
//! Decision: A calibration takes a hub's cost where that limits (`docs/decisions.md`).

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::scenario::results::{Machine, Point, Report, Run};
use crate::scenario::setup::file::Scenario;
use crate::scenario::setup::{Backend, Connections, Setup, StationSetup};

/// Name and version of this form.
pub const FORMAT: &str = "skyscan-calibration-1";
/// The scenario that is replayed for it.
const SCENARIO: &str = include_str!("../../../scenarios/calibration.toml");
/// A task passes every station on its way to the worker, and its result on the way back.
const PASSAGES: f64 = 2.0;

/// The costs of every kind of link of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`FORMAT`].
    pub format: String,
    /// Machine on which they were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Largest fleet that was looked at.
    pub most_workers: usize,
    /// Why some of it may be worth little: points whose generator was the bottleneck.
    pub doubts: Vec<String>,
    /// One for each kind of link.
    pub costs: Vec<Costs>,
}

/// What one kind of link costs. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The backend.
    pub kind: Backend,
    /// Whether the workers of a process share a connection.
    pub connections: Connections,
    /// CPU time of the hub's process for a task and its result, at a high rate.
    pub hub_task_s: f64,
    /// The same of the broker, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_task_s: Option<f64>,
    /// From the start of the fleet until all are known to the hub, for each worker.
    pub connect_s: f64,
    /// To a worker and back, without the hub's time.
    pub round_trip_s: f64,
    /// Headers of all layers around a message.
    pub frame_bytes: u64,
}

/// Why there is no calibration, or none that fits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// A replay told too little.
    #[error("the calibration is incomplete: {0}")]
    Incomplete(String),
    /// The file is not one.
    #[error("not a calibration; `skyscan replay --calibrate FILE` writes one")]
    NotOne(#[source] Option<serde_json::Error>),
    /// The calibration has no costs of such links.
    #[error("the calibration knows nothing of {connections:?} connections over {kind:?}")]
    Unknown {
        /// The backend.
        kind: Backend,
        /// Whether a process shares one.
        connections: Connections,
    },
    /// Nothing of a real replay is modelled, or what is asked for cannot be.
    #[error("{0}")]
    Unfit(&'static str),
    /// The file cannot be read.
    #[error("failed to read the calibration")]
    Read(#[from] std::io::Error),
}

/// The scenario whose report a calibration is read off.
pub fn scenario() -> Scenario {
    Scenario::parse(SCENARIO).expect("a test parses it")
}

impl Calibration {
    /// Reads the costs off a report of [`scenario`]: the busiest point of each kind of link tells
    /// what a task costs, the calmest how long it is on its way.
    ///
    /// # Errors
    /// If a kind of link lacks what has to be known.
    pub fn of(report: &Report) -> Result<Self, CalibrationError> {
        let mut kinds: Vec<(Backend, Connections)> = Vec::new();
        for point in &report.points {
            let links = (
                point.setup.transport.kind,
                point.setup.transport.connections,
            );
            if !kinds.contains(&links) {
                kinds.push(links);
            }
        }
        let void = |point: &Point, run: &Run| {
            let reason = run.void.as_deref()?;
            Some(format!("{}: {reason}", point.variant))
        };
        let points = report.points.iter();
        Ok(Self {
            format: FORMAT.to_owned(),
            machine: report.machine.clone(),
            most_workers: points.clone().map(|p| p.workers).max().unwrap_or(0),
            doubts: points
                .flat_map(|point| point.runs.iter().filter_map(move |run| void(point, run)))
                .collect(),
            costs: kinds
                .into_iter()
                .map(|(kind, connections)| Costs::of(report, kind, connections))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Reads a file of it.
    ///
    /// # Errors
    /// If it cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        let text = std::fs::read(path)?;
        let calibration: Self =
            serde_json::from_slice(&text).map_err(|error| CalibrationError::NotOne(Some(error)))?;
        match calibration.format == FORMAT {
            true => Ok(calibration),
            false => Err(CalibrationError::NotOne(None)),
        }
    }

    /// The costs of a kind of link.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn costs(
        &self,
        kind: Backend,
        connections: Connections,
    ) -> Result<&Costs, CalibrationError> {
        let mut costs = self.costs.iter();
        costs
            .find(|costs| costs.kind == kind && costs.connections == connections)
            .ok_or(CalibrationError::Unknown { kind, connections })
    }
}

impl Costs {
    fn of(
        report: &Report,
        kind: Backend,
        connections: Connections,
    ) -> Result<Self, CalibrationError> {
        let incomplete = |what: &str| {
            CalibrationError::Incomplete(format!("no {what} for {connections:?} {kind:?}"))
        };
        let mut points: Vec<&Point> = report
            .points
            .iter()
            .filter(|point| {
                let transport = &point.setup.transport;
                transport.kind == kind && transport.connections == connections
            })
            .collect();
        let work_s = |point: &&Point| point.setup.workload.service.mean_s;
        points.sort_by(|a, b| work_s(a).total_cmp(&work_s(b)));
        let (Some(busy), Some(calm)) = (points.first(), points.last()) else {
            return Err(incomplete("point"));
        };
        let hub_task_s = mean(busy, |run| Some(1e-6 * run.hub_cpu_us_per_task));
        let hub_task_s = hub_task_s.ok_or_else(|| incomplete("hub time"))?;
        let waited_s = mean(calm, |run| Some(run.schedule_to_start_s.mean));
        let waited_s = waited_s.ok_or_else(|| incomplete("waiting time"))?;
        let connected_s = mean(busy, |run| run.connection_s);
        let connected_s = connected_s.ok_or_else(|| incomplete("time to connect"))?;
        Ok(Self {
            kind,
            connections,
            hub_task_s,
            broker_task_s: mean(busy, |run| Some(1e-6 * run.broker?.cpu_us_per_task)),
            connect_s: connected_s / busy.workers as f64,
            round_trip_s: (waited_s - hub_task_s).max(0.0),
            frame_bytes: mean(calm, |run| Some(frame_bytes(&calm.setup, run))).unwrap_or(0.0)
                as u64,
        })
    }

    /// The hub's machine, slower by a factor.
    pub(super) fn hub(&self, factor: f64) -> StationSetup {
        StationSetup {
            task_s: factor * self.hub_task_s / PASSAGES,
            connect_s: match self.broker_task_s {
                Some(_) => 0.0,
                None => factor * self.connect_s,
            },
            ..StationSetup::default()
        }
    }

    /// The broker's machine, slower by a factor, if there is a broker.
    pub(super) fn broker(&self, factor: f64) -> Option<StationSetup> {
        Some(StationSetup {
            task_s: factor * self.broker_task_s? / PASSAGES,
            connect_s: factor * self.connect_s,
            ..StationSetup::default()
        })
    }
}

/// Mean of a figure over the runs of a point that have it.
fn mean(point: &Point, of: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = point.runs.iter().filter_map(of).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What is around a task or a result, on average: all bytes less the bodies and the event.
fn frame_bytes(setup: &Setup, run: &Run) -> f64 {
    let messages = &setup.messages;
    let bodies = messages.task_bytes.unwrap_or(0) + messages.result_bytes.unwrap_or(0);
    let events = setup.fleet.processes * messages.payload_bytes;
    let moved = (run.hub_bytes_sent + run.hub_bytes_received) as f64 - events as f64;
    let n_tasks = run.tasks.accepted.max(1) as f64;
    ((moved / n_tasks - bodies as f64) / PASSAGES).max(0.0)
}

#[cfg(test)]
mod tests;
