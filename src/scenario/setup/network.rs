//! The network of a virtual run: the hub's machine, a broker, the zones of the workers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Setup;
use super::relay::{RegionSetup, RelayNetwork};
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
    /// In each zone, if the event is to come through relays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<RelayNetwork>,
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
    /// Their relays stand below relays of their regions, if the event is to come through relays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionSetup>,
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

pub(super) fn bits(gbps: Option<f64>) -> Option<f64> {
    gbps.map(|gbps| 1e9 * gbps)
}

impl StationSetup {
    pub(super) fn model(&self) -> StationModel {
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

    pub(super) fn slowed(&mut self, factor: f64) {
        self.message_s *= factor;
        self.task_s *= factor;
        self.connect_s *= factor;
        self.gbps = self.gbps.map(|gbps| gbps / factor);
    }

    /// For so many times fewer workers.
    pub(super) fn shrunk(&mut self, divisor: f64) {
        self.slowed(divisor);
        let connections = self.connections;
        self.connections = connections.map(|n| super::divided(n, divisor));
    }

    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        for (key, seconds) in [
            ("message_s", self.message_s),
            ("task_s", self.task_s),
            ("connect_s", self.connect_s),
        ] {
            super::check::not_negative(&format!("network.{name}.{key}"), seconds)?;
        }
        super::check::positive(&format!("network.{name}.gbps"), self.gbps)?;
        let most = self.connections;
        super::check::at_least_one(&format!("network.{name}.connections"), most)
    }
}

impl ZoneSetup {
    pub(in crate::scenario) fn path(&self) -> Path {
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

    /// Mean of something over the workers, by the zones that they are in.
    pub(super) fn mean_of(&self, of: impl Fn(&ZoneSetup) -> f64) -> f64 {
        let shares: f64 = self.zones.iter().map(|zone| zone.share).sum();
        let weighted: f64 = self.zones.iter().map(|zone| zone.share * of(zone)).sum();
        match shares > 0.0 {
            true => weighted / shares,
            false => 0.0,
        }
    }

    /// Every machine that messages pass.
    fn stations(&mut self) -> impl Iterator<Item = &mut StationSetup> {
        let relay = self.relay.as_mut().map(|relay| &mut relay.machine);
        std::iter::once(&mut self.hub)
            .chain(&mut self.broker)
            .chain(relay)
    }

    pub(super) fn scaled(&mut self, factor: f64) {
        for station in self.stations() {
            station.slowed(factor);
        }
        if let Some(relay) = &mut self.relay {
            relay.scaled(factor);
        }
        for zone in &mut self.zones {
            zone.rtt_s *= factor;
            zone.gbps = zone.gbps.map(|gbps| gbps / factor);
            if let Some(region) = &mut zone.region {
                region.scaled(factor);
            }
        }
    }

    pub(super) fn shrunk(&mut self, divisor: f64) {
        for station in self.stations() {
            station.shrunk(divisor);
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.hub.check("hub")?;
        if let Some(broker) = &self.broker {
            broker.check("broker")?;
        }
        if let Some(relay) = &self.relay {
            relay.check()?;
        }
        for zone in &self.zones {
            let name = &zone.name;
            super::check::at_least_one(&format!("zones of zone {name:?}"), Some(zone.zones))?;
            super::check::positive(&format!("share of zone {name:?}"), Some(zone.share))?;
            super::check::not_negative(&format!("rtt_s of zone {name:?}"), zone.rtt_s)?;
            super::check::positive(&format!("gbps of zone {name:?}"), zone.gbps)?;
            if let Some(region) = &zone.region {
                region.check(name)?;
            }
        }
        Ok(())
    }
}

impl Setup {
    /// The hub's network as the decorator takes it.
    pub(in crate::scenario) fn model(&self) -> Model {
        Model {
            hub: self.network.hub.model(),
            broker: self.network.broker.as_ref().map(StationSetup::model),
            sizes: self.sizes(),
            liveness: self.liveness(),
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        let ballast = self.messages.ballast().unwrap_or_default();
        Sizes {
            frame: self.network.frame_bytes,
            task: ballast.task_bytes as u64,
            result: ballast.result_bytes as u64,
        }
    }

    pub(super) fn liveness(&self) -> Duration {
        Duration::from_secs_f64(self.transport.liveness_s)
    }
}
