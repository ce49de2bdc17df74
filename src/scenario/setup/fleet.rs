//! The workers: how many, and how they come.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// The workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Number of workers.
    pub workers: usize,
    /// Tasks that a worker evaluates at once.
    #[serde(default = "one_slot")]
    pub slots: NonZeroU16,
    /// Number of processes that the workers are spread over.
    #[serde(default = "one")]
    pub processes: usize,
    /// How they come.
    #[serde(default)]
    pub ramp: Ramp,
    /// Time between when a worker's machine is there (and paid for) and when it connects, in seconds.
    #[serde(default)]
    pub boot_s: f64,
    /// Kinds of machines, each with its speed; all are alike if there are none.
    #[serde(default, rename = "speed", skip_serializing_if = "Vec::is_empty")]
    pub speeds: Vec<Speed>,
}

/// Machines of one speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speed {
    /// Name of these machines.
    pub name: String,
    /// Part of the workers that are such; what counts is its ratio to the parts of the others.
    pub share: f64,
    /// Factor by which they take longer than `workload.service` says.
    pub slower: f64,
}

/// How the workers come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ramp {
    /// All at once; the first task waits for the last worker.
    #[default]
    Step,
    /// One after the other; tasks are handed out from the first one on, as with all that follow.
    Linear {
        /// Rate at which workers come, per second.
        workers_per_s: f64,
    },
    /// Fast at first, then ever slower: `1 - exp(-t / time_constant)`, stretched so that the last one
    /// comes at `all_after`.
    Saturating {
        /// Time constant of the exponential, in seconds.
        time_constant_s: f64,
        /// When the last worker comes, in seconds since the fleet began.
        all_after_s: f64,
    },
    /// As `linear`, until there are so many; the others never come.
    Capped {
        /// Rate at which workers come, per second.
        workers_per_s: f64,
        /// Number of workers that come at all.
        most: usize,
    },
    /// Every zone begins on its own, then comes evenly; all zones together at this rate.
    Zonal {
        /// How many come in a second once every zone has begun.
        workers_per_s: f64,
        /// Each zone begins at a random time before this.
        begins_within_s: f64,
    },
}

impl Ramp {
    /// The same with every time multiplied.
    pub(super) fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Step => Self::Step,
            Self::Linear { workers_per_s } => Self::Linear {
                workers_per_s: workers_per_s / factor,
            },
            Self::Saturating {
                time_constant_s,
                all_after_s,
            } => Self::Saturating {
                time_constant_s: time_constant_s * factor,
                all_after_s: all_after_s * factor,
            },
            Self::Capped {
                workers_per_s,
                most,
            } => Self::Capped {
                workers_per_s: workers_per_s / factor,
                most,
            },
            Self::Zonal {
                workers_per_s,
                begins_within_s,
            } => Self::Zonal {
                workers_per_s: workers_per_s / factor,
                begins_within_s: begins_within_s * factor,
            },
        }
    }

    /// The same ramp for a fleet that is smaller by this divisor.
    pub(super) fn shrunk(self, divisor: f64) -> Self {
        match self {
            Self::Step | Self::Saturating { .. } => self,
            Self::Linear { workers_per_s } => Self::Linear {
                workers_per_s: workers_per_s / divisor,
            },
            Self::Capped {
                workers_per_s,
                most,
            } => Self::Capped {
                workers_per_s: workers_per_s / divisor,
                most: super::divided(most, divisor),
            },
            Self::Zonal {
                workers_per_s,
                begins_within_s,
            } => Self::Zonal {
                workers_per_s: workers_per_s / divisor,
                begins_within_s,
            },
        }
    }
}

impl Fleet {
    /// How many workers come at all.
    pub fn n_coming(&self) -> usize {
        match self.ramp {
            Ramp::Capped { most, .. } => most.min(self.workers),
            _ => self.workers,
        }
    }
}

fn one() -> usize {
    1
}

fn one_slot() -> NonZeroU16 {
    NonZeroU16::MIN
}
