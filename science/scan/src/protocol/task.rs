//! Tasks and results on the wire.

use serde::{Deserialize, Serialize};

use super::{Message, ProtocolError};
use skyscan_event::DetectorDirection;
use skyscan_reco::{PixelRequest, VertexSeed};
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// More requests than this are never put into a task.
pub const MOST_REQUESTS: usize = 1024;
/// More starts than this are never given with a direction.
const MOST_SEEDS: usize = 64;

/// What a task asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskBody {
    /// Directions to evaluate, in this order.
    pub requests: Vec<PixelRequest>,
}

/// What a task came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultBody {
    /// How long the evaluation kept a slot busy.
    pub seconds: f64,
    /// What became of each request, in the task's order.
    pub outcomes: Vec<PixelOutcome>,
}

/// `[zenith, azimuth, [[x, y, z, t] ...]]`
type WireRequest = (f64, f64, Vec<[f64; 4]>);

#[derive(Serialize, Deserialize)]
struct WireTask {
    requests: Vec<WireRequest>,
}

impl Message for WireTask {
    const NAME: &'static str = "task";
}

#[derive(Serialize, Deserialize)]
struct WireResult {
    seconds: f64,
    outcomes: Vec<WireOutcome>,
}

impl Message for WireResult {
    const NAME: &'static str = "result";
}

/// `{"fit": [llh, [x, y, z], t, energy inside, energy in all]}` or `{"failed": reason}`
#[derive(Serialize, Deserialize)]
enum WireOutcome {
    #[serde(rename = "fit")]
    Fitted(f64, [f64; 3], f64, Option<f64>, Option<f64>),
    #[serde(rename = "failed")]
    Failed(String),
}

impl TaskBody {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let request = |request: &PixelRequest| {
            let seed = |seed: &VertexSeed| {
                let [x, y, z] = seed.position_m;
                [x, y, z, seed.time_ns]
            };
            let direction = request.direction;
            let seeds = request.seeds.iter().map(seed).collect();
            (direction.zenith_rad, direction.azimuth_rad, seeds)
        };
        WireTask {
            requests: self.requests.iter().map(request).collect(),
        }
        .encode()
    }

    /// Reads it from a peer's bytes.
    ///
    /// # Errors
    /// If they are not a task, or a number in it is not finite.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let senseless = |reason: String| ProtocolError::Senseless {
            message: WireTask::NAME,
            reason,
        };
        let wire = WireTask::decode(bytes)?;
        if wire.requests.len() > MOST_REQUESTS {
            return Err(senseless(format!("{} requests", wire.requests.len())));
        }
        let request = |(zenith_rad, azimuth_rad, seeds): WireRequest| {
            if seeds.len() > MOST_SEEDS {
                return Err(senseless(format!("{} seeds", seeds.len())));
            }
            let finite = zenith_rad.is_finite() && azimuth_rad.is_finite();
            if !finite || !seeds.as_flattened().iter().all(|x| x.is_finite()) {
                return Err(senseless("a number is not finite".to_owned()));
            }
            let seed = |[x, y, z, time_ns]: [f64; 4]| VertexSeed {
                position_m: [x, y, z],
                time_ns,
            };
            Ok(PixelRequest {
                direction: DetectorDirection {
                    zenith_rad,
                    azimuth_rad,
                },
                seeds: seeds.into_iter().map(seed).collect(),
            })
        };
        let requests = wire
            .requests
            .into_iter()
            .map(request)
            .collect::<Result<_, _>>()?;
        Ok(Self { requests })
    }
}

impl ResultBody {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let outcome = |outcome: &PixelOutcome| match outcome {
            PixelOutcome::Fitted(fit) => WireOutcome::Fitted(
                fit.llh,
                fit.position_m,
                fit.time_ns,
                fit.energy_inside_gev,
                fit.energy_total_gev,
            ),
            PixelOutcome::Failed(reason) => WireOutcome::Failed(reason.clone()),
        };
        let outcomes = self.outcomes.iter().map(outcome).collect();
        WireResult {
            seconds: self.seconds,
            outcomes,
        }
        .encode()
    }

    /// Reads it from a peer's bytes. A fit that is not finite comes out as a failure.
    ///
    /// # Errors
    /// If they are not a result.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let wire = WireResult::decode(bytes)?;
        if wire.outcomes.len() > MOST_REQUESTS {
            let reason = format!("{} outcomes", wire.outcomes.len());
            return Err(ProtocolError::Senseless {
                message: WireResult::NAME,
                reason,
            });
        }
        let outcome = |outcome: WireOutcome| match outcome {
            WireOutcome::Fitted(llh, position_m, time_ns, inside, total) => {
                let finite = position_m.iter().all(|x| x.is_finite()) && time_ns.is_finite();
                if !finite || !llh.is_finite() {
                    return PixelOutcome::Failed(format!("the fit is not finite (llh {llh})"));
                }
                PixelOutcome::Fitted(PixelFit {
                    llh,
                    position_m,
                    time_ns,
                    energy_inside_gev: inside,
                    energy_total_gev: total,
                })
            }
            WireOutcome::Failed(reason) => PixelOutcome::Failed(reason),
        };
        let outcomes = wire.outcomes.into_iter().map(outcome).collect();
        Ok(Self {
            seconds: wire.seconds,
            outcomes,
        })
    }
}
