//! Tasks on the wire.
//!
//! Fields have names, so that a minor version may add one; the numbers of all pixels stand in columns,
//! little-endian, so that no name repeats and a pixel costs tens of bytes.

use serde::{Deserialize, Serialize};

use super::columns::{Column, finite_column, packed, rows};
use super::{ProtocolError, pack, unpack};
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

/// Its name, for errors.
const NAME: &str = "task";

#[derive(Serialize, Deserialize)]
struct WireTask<'a> {
    #[serde(default, skip_serializing_if = "is_zero")]
    systematic: u32,
    /// Zenith and azimuth of each direction, in rad.
    #[serde(borrow, with = "serde_bytes")]
    directions: Column<'a>,
    /// How many starts each direction has; empty if none has any.
    #[serde(default)]
    n_seeds: Vec<u8>,
    /// x, y, z in m and time in ns of each start, those of the first direction first.
    #[serde(borrow, with = "serde_bytes", default)]
    seeds: Column<'a>,
    #[serde(default)]
    most_attempts: Option<u32>,
}

fn is_zero(systematic: &u32) -> bool {
    *systematic == 0
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
        let wire = WireTask {
            systematic: self.systematic,
            directions: packed(self.requests.iter().flat_map(direction)),
            n_seeds: match has_seeds {
                true => self.requests.iter().map(|r| n_seeds(r) as u8).collect(),
                false => Vec::new(),
            },
            seeds: packed(self.requests.iter().flat_map(all_seeds)),
            most_attempts: self.most_attempts,
        };
        let n_bytes = wire.directions.len() + wire.n_seeds.len() + wire.seeds.len();
        pack(&wire, n_bytes)
    }

    /// Reads it from a peer's bytes.
    ///
    /// # Errors
    /// If they are not a task, its columns do not fit together, or a number in it is not finite.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let senseless = |reason: String| ProtocolError::Senseless {
            message: NAME,
            reason,
        };
        let wire: WireTask<'_> = unpack(NAME, bytes)?;
        let directions = finite_column::<2>(&wire.directions).map_err(senseless)?;
        if directions.len() > MOST_REQUESTS {
            return Err(senseless(format!("{} requests", directions.len())));
        }
        if let Some(most) = wire.n_seeds.iter().find(|n| usize::from(**n) > MOST_SEEDS) {
            return Err(senseless(format!("{most} seeds")));
        }
        let n_all: usize = wire.n_seeds.iter().map(|n| usize::from(*n)).sum();
        let has_seeds = !wire.n_seeds.is_empty();
        let do_not_fit = has_seeds && wire.n_seeds.len() != directions.len();
        if do_not_fit || rows::<4>(&wire.seeds) != Some(n_all) {
            return Err(senseless("its columns differ in length".to_owned()));
        }
        let mut seeds = finite_column::<4>(&wire.seeds).map_err(senseless)?;
        let seed = |[x, y, z, time_ns]: [f64; 4]| VertexSeed {
            position_m: [x, y, z],
            time_ns,
        };
        let request = |(n, [zenith_rad, azimuth_rad]): (usize, [f64; 2])| PixelRequest {
            direction: DetectorDirection {
                zenith_rad,
                azimuth_rad,
            },
            seeds: match wire.n_seeds.get(n) {
                Some(n_seeds) => seeds
                    .by_ref()
                    .take(usize::from(*n_seeds))
                    .map(seed)
                    .collect(),
                None => Vec::new(),
            },
        };
        Ok(Self {
            systematic: wire.systematic,
            requests: directions.enumerate().map(request).collect(),
            most_attempts: wire.most_attempts,
        })
    }
}
