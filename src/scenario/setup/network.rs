//! The network of a virtual run: the hub's machine, a broker, the zones of the workers.
//!
//! Decision: What vanishes at a given time is told, what is taken away is drawn (`docs/decisions.md`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::messages::EventForm;
use super::range::{LONGEST_WAY_S, at_least_one, bandwidth, positive, up_to};
use super::relay::{RegionSetup, RelayNetwork};
use super::station::{StationSetup, bits};
use super::{Clock, Outage, Setup};
use crate::transport::modelled::{Boundary, Model, Path, Sizes};

/// Hub, broker and zones. Everything that is absent takes no time and has no end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSetup {
    /// Headers of all layers around a message, in bytes.
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

/// Zones that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSetup {
    /// Name of these zones in reports and errors.
    pub name: String,
    /// Number of zones that are alike.
    #[serde(default = "one")]
    pub zones: usize,
    /// Part of the workers in these zones together; what counts is its ratio to the parts of the others.
    pub share: f64,
    /// Widest boundary between them and the hub.
    pub boundary: Boundary,
    /// Round trip between a machine there and the hub, in seconds.
    pub rtt_s: f64,
    /// Bandwidth of one connection to the hub, in 1e9 bit/s; without a limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
    /// Their relays stand below relays of their regions, if the event is to come through relays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionSetup>,
}

/// When a zone is not there, in seconds since the fleet began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absence {
    /// Number of the zone.
    pub zone: usize,
    /// When it vanishes.
    pub from_s: f64,
    /// When it comes back.
    pub until_s: f64,
}

fn one() -> usize {
    1
}

impl ZoneSetup {
    pub(in crate::scenario) fn path(&self) -> Path {
        Path {
            one_way: Duration::from_secs_f64(0.5 * self.rtt_s),
            bits_per_s: bits(self.gbps),
            boundary: self.boundary,
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

    /// Each single zone that vanishes, by its number among those of [`paths`](Self::paths).
    pub(in crate::scenario) fn absences(&self, outages: &[Outage]) -> Vec<Absence> {
        let mut absences = Vec::new();
        for outage in outages {
            let mut first = 0;
            for group in &self.zones {
                if group.name == outage.zone {
                    let n = outage.zones.unwrap_or(group.zones).min(group.zones);
                    absences.extend((first..first + n).map(|zone| Absence {
                        zone,
                        from_s: outage.after_s,
                        until_s: outage.after_s + outage.for_s,
                    }));
                }
                first += group.zones;
            }
        }
        absences.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
        absences
    }

    /// Mean of something over the workers, by the zones that they are in.
    fn mean_of(&self, of: impl Fn(&ZoneSetup) -> f64) -> f64 {
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
            at_least_one(&format!("zones of zone {name:?}"), Some(zone.zones))?;
            positive(&format!("share of zone {name:?}"), Some(zone.share))?;
            up_to(
                LONGEST_WAY_S,
                &format!("rtt_s of zone {name:?}"),
                zone.rtt_s,
            )?;
            bandwidth(&format!("gbps of zone {name:?}"), zone.gbps)?;
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

    /// The relays of a virtual run, if it has some.
    pub(in crate::scenario) fn relays(&self) -> Option<RelayNetwork> {
        let relayed = self.clock == Clock::Virtual && self.messages.event == EventForm::Relay;
        self.network.relay.filter(|_| relayed)
    }

    /// Number of relays of a virtual run, those of regions included.
    pub(in crate::scenario) fn n_relays(&self) -> usize {
        let zones = self.network.zones.iter();
        let in_zones = zones.map(|zone| {
            let regions = zone.region.map(|region| zone.zones.div_ceil(region.zones));
            zone.zones + regions.unwrap_or(0)
        });
        self.relays().map_or(0, |_| in_zones.sum())
    }

    /// Mean way from the hub to a worker and back, in seconds.
    pub fn mean_rtt_s(&self) -> f64 {
        let direct_s = self.network.mean_of(|zone| zone.rtt_s);
        let Some(relay) = self.relays() else {
            return direct_s;
        };
        let within_regions_s = |zone: &ZoneSetup| zone.region.map_or(0.0, |r| r.rtt_s);
        direct_s + self.network.mean_of(within_regions_s) + relay.rtt_s
    }

    /// The network below one of the relays, as the decorator takes it.
    pub(in crate::scenario) fn model_below(&self, relay: &RelayNetwork) -> Model {
        Model {
            hub: relay.machine.model(),
            broker: None,
            sizes: self.sizes(),
            liveness: self.liveness(),
        }
    }

    fn sizes(&self) -> Sizes {
        let ballast = self.messages.ballast().unwrap_or_default();
        Sizes {
            frame: self.network.frame_bytes,
            task: ballast.task_bytes as u64,
            result: ballast.result_bytes as u64,
        }
    }

    fn liveness(&self) -> Duration {
        Duration::from_secs_f64(self.transport.liveness_s)
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::setup::file::Scenario;

    #[test]
    fn every_zone_and_every_region_has_a_relay() {
        let text = include_str!("../../../scenarios/million-workers.toml");
        let scenario = Scenario::parse(text).unwrap();
        let mut setup = scenario.points[0].setup.clone();
        let zones: usize = setup.network.zones.iter().map(|zone| zone.zones).sum();
        for zone in &mut setup.network.zones {
            zone.region = None;
        }
        assert_eq!(setup.n_relays(), zones);
        let below_regions_s = setup.mean_rtt_s();
        setup.network.zones[0].region = Some(super::RegionSetup {
            zones: 3,
            rtt_s: 0.5,
            gbps: None,
        });
        let regions = setup.network.zones[0].zones.div_ceil(3);
        assert_eq!(setup.n_relays(), zones + regions);
        assert!(setup.mean_rtt_s() > below_regions_s);
        setup.messages.event = super::EventForm::ByRef;
        assert_eq!(setup.n_relays(), 0);
    }
}
