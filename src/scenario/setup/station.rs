//! A machine of a modelled network that messages pass: the hub's, a broker's, a relay's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::divided;
use super::range::{LONGEST_WAY_S, at_least_one, bandwidth, up_to};
use crate::transport::modelled::StationModel;

/// A machine that every message passes. An answer to a message is part of its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StationSetup {
    /// Processor time for each message that is sent or received, in seconds.
    pub message_s: f64,
    /// Processor time for each task that is handed out and each result that is taken in, in seconds.
    pub task_s: f64,
    /// Processor time for each connection that is opened, in seconds.
    pub connect_s: f64,
    /// Rate at which its network interface sends, in 1e9 bit/s; without a limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gbps: Option<f64>,
    /// Most connections at a time; who comes later waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
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

    /// The same machine for a fleet that is smaller by this divisor.
    pub(super) fn shrunk(&mut self, divisor: f64) {
        self.slowed(divisor);
        let connections = self.connections;
        self.connections = connections.map(|n| divided(n, divisor));
    }

    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        for (key, seconds) in [
            ("message_s", self.message_s),
            ("task_s", self.task_s),
            ("connect_s", self.connect_s),
        ] {
            up_to(LONGEST_WAY_S, &format!("network.{name}.{key}"), seconds)?;
        }
        bandwidth(&format!("network.{name}.gbps"), self.gbps)?;
        let most = self.connections;
        at_least_one(&format!("network.{name}.connections"), most)
    }
}

/// Converts a rate from 1e9 bit/s to bit/s.
pub(super) fn bits(gbps: Option<f64>) -> Option<f64> {
    gbps.map(|gbps| 1e9 * gbps)
}
