//! Tasks on the wire.
//!
//! Fields have names, so that a minor version may add one; the numbers of all pixels stand in columns,
//! little-endian, so that no name repeats and a pixel costs tens of bytes.

use serde::{Deserialize, Serialize};

use super::columns::{finite_column, pack, rows};
use super::{Message, ProtocolError};
use skyscan_event::DetectorDirection;
use skyscan_reco::{PixelRequest, VertexSeed};

/// More requests than this are never put into a task.
pub const MOST_REQUESTS: usize = 1024;
/// More starts than this are never given with a direction.
const MOST_SEEDS: usize = 64;

/// What a task asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskBody {
    /// Number of the systematic to evaluate them under, in the set of the problem, from 1; 0: none.
    pub systematic: u32,
    /// Directions to evaluate, in this order.
    pub requests: Vec<PixelRequest>,
    /// Whoever leases it after it was lost so often gives it back unbegun: it may take its workers with
    /// it. Without a number, nobody does.
    pub most_attempts: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct WireTask {
    #[serde(default, skip_serializing_if = "is_zero")]
    systematic: u32,
    /// Zenith and azimuth of each direction, in rad.
    #[serde(with = "serde_bytes")]
    directions: Vec<u8>,
    /// How many starts each direction has; empty if none has any.
    #[serde(default)]
    n_seeds: Vec<u8>,
    /// x, y, z in m and time in ns of each start, those of the first direction first.
    #[serde(with = "serde_bytes", default)]
    seeds: Vec<u8>,
    #[serde(default)]
    most_attempts: Option<u32>,
}

fn is_zero(systematic: &u32) -> bool {
    *systematic == 0
}

impl Message for WireTask {
    const NAME: &'static str = "task";
}

impl TaskBody {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let direction = |request: &PixelRequest| {
            let DetectorDirection {
                zenith_rad,
                azimuth_rad,
            } = request.direction;
            [zenith_rad, azimuth_rad]
        };
        let seed = |seed: &VertexSeed| {
            let [x, y, z] = seed.position_m;
            [x, y, z, seed.time_ns]
        };
        let n_seeds = |request: &PixelRequest| request.seeds.len().min(MOST_SEEDS);
        let all_seeds = |request| {
            let PixelRequest { seeds, .. }: &PixelRequest = request;
            seeds.iter().take(MOST_SEEDS).flat_map(seed)
        };
        let has_seeds = self.requests.iter().any(|request| n_seeds(request) > 0);
        WireTask {
            systematic: self.systematic,
            directions: pack(self.requests.iter().flat_map(direction)),
            n_seeds: match has_seeds {
                true => self.requests.iter().map(|r| n_seeds(r) as u8).collect(),
                false => Vec::new(),
            },
            seeds: pack(self.requests.iter().flat_map(all_seeds)),
            most_attempts: self.most_attempts,
        }
        .encode()
    }

    /// Reads it from a peer's bytes.
    ///
    /// # Errors
    /// If they are not a task, its columns do not fit together, or a number in it is not finite.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let wire = WireTask::decode(bytes)?;
        let senseless = |reason: String| ProtocolError::Senseless {
            message: WireTask::NAME,
            reason,
        };
        let directions = finite_column::<2>(&wire.directions).map_err(senseless)?;
        if directions.len() > MOST_REQUESTS {
            return Err(senseless(format!("{} requests", directions.len())));
        }
        if let Some(most) = wire.n_seeds.iter().find(|n| usize::from(**n) > MOST_SEEDS) {
            return Err(senseless(format!("{most} seeds")));
        }
        let n_seeds: Vec<usize> = match wire.n_seeds.is_empty() {
            true => vec![0; directions.len()],
            false => wire.n_seeds.iter().map(|n| usize::from(*n)).collect(),
        };
        let n_all: usize = n_seeds.iter().sum();
        if n_seeds.len() != directions.len() || rows::<4>(&wire.seeds) != Some(n_all) {
            return Err(senseless("its columns differ in length".to_owned()));
        }
        let mut seeds = finite_column::<4>(&wire.seeds)
            .map_err(senseless)?
            .into_iter();
        let seed = |[x, y, z, time_ns]: [f64; 4]| VertexSeed {
            position_m: [x, y, z],
            time_ns,
        };
        let request = |([zenith_rad, azimuth_rad], n): ([f64; 2], usize)| PixelRequest {
            direction: DetectorDirection {
                zenith_rad,
                azimuth_rad,
            },
            seeds: seeds.by_ref().take(n).map(seed).collect(),
        };
        Ok(Self {
            systematic: wire.systematic,
            requests: directions.into_iter().zip(n_seeds).map(request).collect(),
            most_attempts: wire.most_attempts,
        })
    }
}
