//! CPU times of hub, fleet and broker over the time of a run.

use std::time::Duration;

use crate::scenario::around::log::Log;
use crate::scenario::stage::machine;
use crate::scenario::stage::stages::Stage;

/// One look at the clocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Time of the look, in seconds since the log began.
    pub(super) at_s: f64,
    /// CPU time of the hub's process, in seconds, as all that follow.
    pub(super) hub_s: f64,
    /// Time that threads of the hub's process waited for a core, all together.
    pub(super) hub_waited_s: f64,
    /// Time that the hub's network interface was busy, in virtual time.
    pub(super) hub_wire_s: f64,
    /// CPU time of the broker.
    pub(super) broker_s: f64,
    /// Time that the broker's network interface was busy, in virtual time.
    pub(super) broker_wire_s: f64,
    /// CPU time of each process of the fleet.
    pub(super) fleet_s: Vec<f64>,
    /// CPU time of all cores, for anything.
    pub(super) all_s: f64,
}

impl Sample {
    /// The hub, by whichever of processor and network interface is busier: that is what limits.
    pub(super) fn hub_busy_s(&self) -> f64 {
        self.hub_s.max(self.hub_wire_s)
    }

    /// The broker, by whichever of processor and network interface is busier.
    pub(super) fn broker_busy_s(&self) -> f64 {
        self.broker_s.max(self.broker_wire_s)
    }
}

/// Looks at the clocks now. In virtual time those are the model's.
pub(super) fn sample(log: &Log, stage: &Stage, fleet_s: Vec<f64>) -> Sample {
    let broker = stage.broker;
    if let Some(network) = &stage.network {
        let seconds = |busy: [Duration; 2]| busy.map(|busy| busy.as_secs_f64());
        let [hub_s, hub_wire_s] = seconds(network.hub_busy());
        let [broker_s, broker_wire_s] = seconds(network.broker_busy().unwrap_or_default());
        return Sample {
            at_s: log.now_s(),
            hub_s,
            hub_wire_s,
            broker_s,
            broker_wire_s,
            ..Sample::default()
        };
    }
    Sample {
        at_s: log.now_s(),
        hub_s: machine::cpu_s(std::process::id()).unwrap_or(0.0),
        hub_waited_s: machine::waited_s(std::process::id()).unwrap_or(0.0),
        broker_s: broker.and_then(machine::cpu_s).unwrap_or(0.0),
        fleet_s,
        all_s: machine::all_cpu_s().unwrap_or(0.0),
        ..Sample::default()
    }
}

/// What the clocks went on from one moment to another, both within the samples; `None` without any.
pub(super) fn between(samples: &[Sample], from_s: f64, to_s: f64) -> Option<Sample> {
    let (from, to) = (at(samples, from_s)?, at(samples, to_s)?);
    let fleet = from.fleet_s.iter().zip(&to.fleet_s);
    Some(Sample {
        at_s: to.at_s - from.at_s,
        hub_s: to.hub_s - from.hub_s,
        hub_waited_s: to.hub_waited_s - from.hub_waited_s,
        hub_wire_s: to.hub_wire_s - from.hub_wire_s,
        broker_s: to.broker_s - from.broker_s,
        broker_wire_s: to.broker_wire_s - from.broker_wire_s,
        fleet_s: fleet.map(|(from, to)| to - from).collect(),
        all_s: to.all_s - from.all_s,
    })
}

/// The clocks at a moment, between the samples before and after.
fn at(samples: &[Sample], at_s: f64) -> Option<Sample> {
    let after = samples.partition_point(|sample| sample.at_s < at_s);
    let (Some(after), Some(before)) = (samples.get(after), samples.get(after.saturating_sub(1)))
    else {
        return samples.last().cloned();
    };
    let span_s = after.at_s - before.at_s;
    let share = match span_s > 0.0 {
        true => (at_s - before.at_s) / span_s,
        false => 0.0,
    };
    let mix = |before: f64, after: f64| before + share * (after - before);
    let fleet = before.fleet_s.iter().zip(&after.fleet_s);
    Some(Sample {
        at_s,
        hub_s: mix(before.hub_s, after.hub_s),
        hub_waited_s: mix(before.hub_waited_s, after.hub_waited_s),
        hub_wire_s: mix(before.hub_wire_s, after.hub_wire_s),
        broker_s: mix(before.broker_s, after.broker_s),
        broker_wire_s: mix(before.broker_wire_s, after.broker_wire_s),
        fleet_s: fleet.map(|(before, after)| mix(*before, *after)).collect(),
        all_s: mix(before.all_s, after.all_s),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_run_evenly_between_two_looks() {
        let sample = |at_s: f64| Sample {
            at_s,
            hub_s: 2.0 * at_s,
            fleet_s: vec![0.5 * at_s],
            all_s: 3.0 * at_s,
            ..Sample::default()
        };
        let samples = [sample(0.0), sample(1.0), sample(3.0)];
        let spent = between(&samples, 0.5, 2.5).unwrap();
        assert!((spent.hub_s - 4.0).abs() < 1e-12);
        assert!((spent.fleet_s[0] - 1.0).abs() < 1e-12);
        assert_eq!(between(&[], 0.0, 1.0), None);
    }
}
