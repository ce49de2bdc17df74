//! Relays of a virtual run: one in each zone, perhaps one above those of a region.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::network::{StationSetup, bits};
use super::{Clock, EventForm, Setup};
use crate::transport::modelled::{Boundary, Model, Path};

/// What the relays of a cloud are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayNetwork {
    /// The machine of each. What it takes stands for both of its sides.
    pub machine: StationSetup,
    /// From a worker to the relay of its zone and back.
    pub rtt_s: f64,
    /// Of a worker's connection to it, in 1e9 bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
}

/// Regions of zones that are alike. The relay of a region reaches the hub as the zones would,
/// theirs reach it between zones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSetup {
    /// Zones of each; the last region may have fewer.
    pub zones: usize,
    /// From the relay of a zone to that of the region and back.
    pub rtt_s: f64,
    /// Of the connection between the two, in 1e9 bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
}

impl RelayNetwork {
    /// Between a worker and the relay of its zone.
    pub(in crate::scenario) fn path(&self) -> Path {
        Path {
            one_way: Duration::from_secs_f64(0.5 * self.rtt_s),
            bits_per_s: bits(self.gbps),
            boundary: Boundary::Host,
        }
    }

    /// The machine is scaled with all others.
    pub(super) fn scaled(&mut self, factor: f64) {
        self.rtt_s *= factor;
        self.gbps = self.gbps.map(|gbps| gbps / factor);
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.machine.check("relay.machine")?;
        super::check::not_negative("network.relay.rtt_s", self.rtt_s)?;
        super::check::positive("network.relay.gbps", self.gbps)
    }
}

impl RegionSetup {
    /// Between the relay of a zone and that of its region.
    pub(in crate::scenario) fn path(&self) -> Path {
        Path {
            one_way: Duration::from_secs_f64(0.5 * self.rtt_s),
            bits_per_s: bits(self.gbps),
            boundary: Boundary::Zone,
        }
    }

    pub(super) fn scaled(&mut self, factor: f64) {
        self.rtt_s *= factor;
        self.gbps = self.gbps.map(|gbps| gbps / factor);
    }

    pub(super) fn check(&self, zone: &str) -> Result<(), String> {
        let key = |key| format!("region.{key} of zone {zone:?}");
        super::check::at_least_one(&key("zones"), Some(self.zones))?;
        super::check::not_negative(&key("rtt_s"), self.rtt_s)?;
        super::check::positive(&key("gbps"), self.gbps)
    }
}

impl Setup {
    /// The relays of a virtual run, if it has some.
    pub(in crate::scenario) fn relays(&self) -> Option<RelayNetwork> {
        let relayed = self.clock == Clock::Virtual && self.messages.event == EventForm::Relay;
        self.network.relay.filter(|_| relayed)
    }

    /// How many machines these are.
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
        let within_regions_s = |zone: &super::ZoneSetup| zone.region.map_or(0.0, |r| r.rtt_s);
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
}

#[cfg(test)]
mod tests {
    use crate::scenario::file::Scenario;

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
