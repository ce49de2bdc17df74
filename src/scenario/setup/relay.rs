//! Relays of a virtual run: one in each zone, perhaps one above those of a region.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::range::{LONGEST_WAY_S, at_least_one, bandwidth, up_to};
use super::station::{StationSetup, bits};
use crate::transport::modelled::{Boundary, Path};

/// What the relays of a cloud are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayNetwork {
    /// The machine of each. What it takes stands for both of its sides.
    pub machine: StationSetup,
    /// Round trip between a worker and the relay of its zone, in seconds.
    pub rtt_s: f64,
    /// Bandwidth of a worker's connection to its relay, in 1e9 bit/s; without a limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
}

/// Regions of zones that are alike. The relay of a region reaches the hub as the zones would,
/// theirs reach it between zones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSetup {
    /// Number of zones of a region; the last region may have fewer.
    pub zones: usize,
    /// Round trip between the relay of a zone and that of its region, in seconds.
    pub rtt_s: f64,
    /// Bandwidth of the connection between the two, in 1e9 bit/s; without a limit if absent.
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
        up_to(LONGEST_WAY_S, "network.relay.rtt_s", self.rtt_s)?;
        bandwidth("network.relay.gbps", self.gbps)
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
        at_least_one(&key("zones"), Some(self.zones))?;
        up_to(LONGEST_WAY_S, &key("rtt_s"), self.rtt_s)?;
        bandwidth(&key("gbps"), self.gbps)
    }
}
