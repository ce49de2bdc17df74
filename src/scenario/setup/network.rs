//! The network of a virtual run: the hub's machine, a broker, the zones of the workers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Setup;
use crate::transport::modelled::{Boundary, Model, Path, Sizes, StationModel};

/// Hub, broker and zones. Everything that is absent takes no time and has no end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSetup {
    /// Headers of all layers around a message.
    pub frame_bytes: u64,
    /// The hub's machine.
    pub hub: StationSetup,
    /// A broker in the hub's zone; goes with `transport.kind = "rabbitmq"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<StationSetup>,
    /// Where the workers are; beside the hub if empty.
    #[serde(rename = "zone", skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneSetup>,
}

/// A machine that every message passes. An answer to a message is part of its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StationSetup {
    /// Processor time per message, either way.
    pub message_s: f64,
    /// Processor time per task handed out, and per result taken in.
    pub task_s: f64,
    /// Processor time per connection that is opened.
    pub connect_s: f64,
    /// What its network interface sends, in 1e9 bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
    /// Most connections at a time; who comes later waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
}

/// Zones that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSetup {
    /// Where that is.
    pub name: String,
    /// How many there are of them.
    #[serde(default = "one")]
    pub zones: usize,
    /// Of all workers, so many parts are in these zones together.
    pub share: f64,
    /// Widest boundary between them and the hub.
    pub boundary: BoundaryName,
    /// To the hub and back.
    pub rtt_s: f64,
    /// Of one connection, in 1e9 bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
}

/// What lies between hub and workers; the widest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundaryName {
    /// Other machines of the hub's zone.
    Host,
    /// Other zones of its region.
    Zone,
    /// Other regions of its cloud.
    Region,
    /// Other clouds.
    Cloud,
    /// Somewhere outside of any cloud.
    Internet,
}

fn one() -> usize {
    1
}

fn bits(gbps: Option<f64>) -> Option<f64> {
    gbps.map(|gbps| 1e9 * gbps)
}

impl StationSetup {
    fn model(&self) -> StationModel {
        StationModel {
            message: Duration::from_secs_f64(self.message_s),
            task: Duration::from_secs_f64(self.task_s),
            connect: Duration::from_secs_f64(self.connect_s),
            bits_per_s: bits(self.gbps),
            connections: self.connections,
        }
    }

    /// Takes the times of another station; what its network interface and its door are like stays.
    pub(in crate::scenario) fn take_times(&mut self, other: Self) {
        *self = Self {
            gbps: self.gbps,
            connections: self.connections,
            ..other
        };
    }

    fn slowed(&mut self, factor: f64) {
        self.message_s *= factor;
        self.task_s *= factor;
        self.connect_s *= factor;
        self.gbps = self.gbps.map(|gbps| gbps / factor);
    }
}

impl ZoneSetup {
    fn path(&self) -> Path {
        Path {
            one_way: Duration::from_secs_f64(0.5 * self.rtt_s),
            bits_per_s: bits(self.gbps),
            boundary: match self.boundary {
                BoundaryName::Host => Boundary::Host,
                BoundaryName::Zone => Boundary::Zone,
                BoundaryName::Region => Boundary::Region,
                BoundaryName::Cloud => Boundary::Cloud,
                BoundaryName::Internet => Boundary::Internet,
            },
        }
    }
}

impl NetworkSetup {
    /// Each single zone: its share of the workers and its path to the hub.
    pub(in crate::scenario) fn paths(&self) -> Vec<(f64, Path)> {
        let beside = Path {
            one_way: Duration::ZERO,
            bits_per_s: None,
            boundary: Boundary::Host,
        };
        if self.zones.is_empty() {
            return vec![(1.0, beside)];
        }
        let each = |group: &ZoneSetup| {
            let share = group.share / group.zones as f64;
            std::iter::repeat_n((share, group.path()), group.zones)
        };
        self.zones.iter().flat_map(each).collect()
    }

    /// Mean way to a worker and back, in seconds.
    pub fn mean_rtt_s(&self) -> f64 {
        let shares: f64 = self.zones.iter().map(|zone| zone.share).sum();
        let weighted: f64 = self.zones.iter().map(|zone| zone.share * zone.rtt_s).sum();
        match shares > 0.0 {
            true => weighted / shares,
            false => 0.0,
        }
    }

    pub(super) fn scaled(&mut self, factor: f64) {
        for station in std::iter::once(&mut self.hub).chain(&mut self.broker) {
            station.slowed(factor);
        }
        for zone in &mut self.zones {
            zone.rtt_s *= factor;
            zone.gbps = zone.gbps.map(|gbps| gbps / factor);
        }
    }

    pub(super) fn shrunk(&mut self, divisor: f64) {
        for station in std::iter::once(&mut self.hub).chain(&mut self.broker) {
            station.slowed(divisor);
            let connections = station.connections;
            station.connections = connections.map(|n| super::divided(n, divisor));
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let broker = self.broker.as_ref().map(|broker| ("broker", broker));
        for (name, station) in std::iter::once(("hub", &self.hub)).chain(broker) {
            for (key, seconds) in [
                ("message_s", station.message_s),
                ("task_s", station.task_s),
                ("connect_s", station.connect_s),
            ] {
                super::check::not_negative(&format!("network.{name}.{key}"), seconds)?;
            }
            super::check::positive(&format!("network.{name}.gbps"), station.gbps)?;
            let most = station.connections;
            super::check::at_least_one(&format!("network.{name}.connections"), most)?;
        }
        for zone in &self.zones {
            let name = &zone.name;
            super::check::at_least_one(&format!("zones of zone {name:?}"), Some(zone.zones))?;
            super::check::positive(&format!("share of zone {name:?}"), Some(zone.share))?;
            super::check::not_negative(&format!("rtt_s of zone {name:?}"), zone.rtt_s)?;
            super::check::positive(&format!("gbps of zone {name:?}"), zone.gbps)?;
        }
        Ok(())
    }
}

impl Setup {
    /// The network as the decorator takes it.
    pub(in crate::scenario) fn model(&self) -> Model {
        let ballast = self.messages.ballast().unwrap_or_default();
        Model {
            hub: self.network.hub.model(),
            broker: self.network.broker.as_ref().map(StationSetup::model),
            sizes: Sizes {
                frame: self.network.frame_bytes,
                task: ballast.task_bytes as u64,
                result: ballast.result_bytes as u64,
            },
            liveness: Duration::from_secs_f64(self.transport.liveness_s),
        }
    }
}
