//! Results on the wire: columns of fits, as those of tasks, and reasons of what failed.

use serde::{Deserialize, Serialize};

use super::columns::{Column, column, packed, rows};
use super::task::MOST_REQUESTS;
use super::{ProtocolError, pack, unpack};
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Longer reasons are cut.
const MOST_REASON_BYTES: usize = 300;
/// No task takes longer: 30 days.
const MOST_SECONDS: f64 = 30.0 * 86_400.0;
/// No vertex is further away; a thousand times the Earth.
const FARTHEST_M: f64 = 1e10;
/// No vertex is later or earlier: 30 years.
const LATEST_NS: f64 = 1e18;
/// No likelihood is larger.
const LARGEST_LLH: f64 = 1e15;
/// No particle has more energy.
const MOST_GEV: f64 = 1e15;

/// What a task came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultBody {
    /// How long the evaluation kept a slot busy.
    pub seconds: f64,
    /// What the worker has to say.
    pub report: Report,
}

/// What a worker says of a task that it was leased.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// What became of each request, in the task's order.
    Outcomes(Vec<PixelOutcome>),
    /// The evaluation failed as a whole, for this reason.
    Failed(String),
    /// It was lost with its worker so often that it was not begun.
    NotBegun,
    /// This worker cannot serve the scan at all.
    NotServed {
        /// Why.
        reason: String,
        /// Whether the task was lost with a worker before, in the zone of a relay or above it.
        was_lost: bool,
    },
}

impl Report {
    /// A failure of the whole task, for a reason that came from elsewhere: cut, and in plain text.
    pub fn failed(reason: &str) -> Self {
        Self::Failed(shortened(reason))
    }

    /// The same of a worker that cannot serve the scan.
    pub fn not_served(reason: &str, was_lost: bool) -> Self {
        Self::NotServed {
            reason: shortened(reason),
            was_lost,
        }
    }
}

/// Its name, for errors.
const NAME: &str = "result";

#[derive(Default, Serialize, Deserialize)]
struct WireResult<'a> {
    seconds: f64,
    /// Best llh of each request; NaN where there is none.
    #[serde(
        borrow,
        with = "serde_bytes",
        default,
        skip_serializing_if = "<[u8]>::is_empty"
    )]
    llh: Column<'a>,
    /// x, y, z in m and time in ns.
    #[serde(
        borrow,
        with = "serde_bytes",
        default,
        skip_serializing_if = "<[u8]>::is_empty"
    )]
    vertex: Column<'a>,
    /// Energy inside and altogether in GeV, NaN if unknown; empty if none is known.
    #[serde(
        borrow,
        with = "serde_bytes",
        default,
        skip_serializing_if = "<[u8]>::is_empty"
    )]
    energies: Column<'a>,
    /// Why there is none, for those who say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<WireFailure>,
    /// Why the whole task failed; nothing else counts then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    /// It was not even tried.
    #[serde(default, skip_serializing_if = "is_false")]
    not_begun: bool,
    /// It was not even tried, for the reason in `failed`, and would not be by this worker. Since 2.1; for readers of
    /// before, the task failed.
    #[serde(default, skip_serializing_if = "is_false")]
    not_served: bool,
    /// It was lost before that.
    #[serde(default, skip_serializing_if = "is_false")]
    was_lost: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Serialize, Deserialize)]
struct WireFailure {
    /// Which request, counted from 0.
    at: u32,
    reason: String,
}

impl ResultBody {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let seconds = self.seconds;
        let wire = match &self.report {
            Report::Outcomes(outcomes) => WireResult {
                seconds,
                ..columns(outcomes)
            },
            Report::Failed(reason) => WireResult {
                seconds,
                failed: Some(shortened(reason)),
                ..WireResult::default()
            },
            Report::NotBegun => WireResult {
                seconds,
                not_begun: true,
                ..WireResult::default()
            },
            Report::NotServed { reason, was_lost } => WireResult {
                seconds,
                failed: Some(shortened(reason)),
                not_served: true,
                was_lost: *was_lost,
                ..WireResult::default()
            },
        };
        let n_bytes = wire.llh.len() + wire.vertex.len() + wire.energies.len();
        pack(&wire, n_bytes)
    }

    /// Reads it from a peer's bytes. A fit that is not finite, or absurd, comes out as a failure.
    ///
    /// # Errors
    /// If they are not a result, its columns do not fit together, or it took an absurd time.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let senseless = |reason: String| ProtocolError::Senseless {
            message: NAME,
            reason,
        };
        let wire: WireResult<'_> = unpack(NAME, bytes)?;
        let seconds = wire.seconds;
        if !(0.0..=MOST_SECONDS).contains(&seconds) {
            return Err(senseless(format!("it took {seconds} s")));
        }
        let report = match (wire.not_begun, &wire.failed) {
            (true, _) => Report::NotBegun,
            (false, Some(reason)) if wire.not_served => Report::not_served(reason, wire.was_lost),
            (false, Some(reason)) => Report::failed(reason),
            (false, None) => Report::Outcomes(wire.outcomes().map_err(senseless)?),
        };
        Ok(Self { seconds, report })
    }
}

fn columns(outcomes: &[PixelOutcome]) -> WireResult<'static> {
    let fit = |outcome: &PixelOutcome| match outcome {
        PixelOutcome::Fitted(fit) => Some(*fit),
        PixelOutcome::Failed(_) => None,
    };
    let vertex = |fit: Option<PixelFit>| {
        let [x, y, z] = fit.map_or([f64::NAN; 3], |fit| fit.position_m);
        [x, y, z, fit.map_or(f64::NAN, |fit| fit.time_ns)]
    };
    let energies = |fit: PixelFit| [fit.energy_inside_gev, fit.energy_total_gev];
    let fits: Vec<Option<PixelFit>> = outcomes.iter().map(fit).collect();
    let knows_energies = (fits.iter().flatten()).any(|fit| energies(*fit) != [None; 2]);
    let reason = |(at, outcome): (usize, &PixelOutcome)| match outcome {
        PixelOutcome::Fitted(_) => None,
        PixelOutcome::Failed(reason) => Some(WireFailure {
            at: u32::try_from(at).ok()?,
            reason: shortened(reason),
        }),
    };
    WireResult {
        llh: packed(fits.iter().map(|fit| fit.map_or(f64::NAN, |fit| fit.llh))),
        vertex: packed(fits.iter().flat_map(|fit| vertex(*fit))),
        energies: match knows_energies {
            true => packed(fits.iter().flat_map(|fit| {
                let known = fit.map_or([None; 2], energies);
                known.map(|gev| gev.unwrap_or(f64::NAN))
            })),
            false => Column::default(),
        },
        failures: outcomes.iter().enumerate().filter_map(reason).collect(),
        ..WireResult::default()
    }
}

impl WireResult<'_> {
    /// Fails with what does not fit together.
    fn outcomes(self) -> Result<Vec<PixelOutcome>, String> {
        let n = rows::<1>(&self.llh).unwrap_or(0);
        if n > MOST_REQUESTS {
            return Err(format!("{n} outcomes"));
        }
        let llh = column::<1>(&self.llh)?;
        let vertices = column::<4>(&self.vertex)?;
        let mut energies = column::<2>(&self.energies)?;
        let knows_energies = energies.len() > 0;
        if vertices.len() != n || knows_energies && energies.len() != n {
            return Err("its columns differ in length".to_owned());
        }
        let mut outcomes: Vec<PixelOutcome> = llh
            .zip(vertices)
            .map(|([llh], [x, y, z, time_ns])| {
                let [inside, total] = energies.next().unwrap_or([f64::NAN; 2]);
                let [inside, total] = [inside, total].map(|gev| (!gev.is_nan()).then_some(gev));
                sensible(PixelFit {
                    llh,
                    position_m: [x, y, z],
                    time_ns,
                    energy_inside_gev: inside,
                    energy_total_gev: total,
                })
            })
            .collect();
        for WireFailure { at, reason } in self.failures {
            match outcomes.get_mut(at as usize) {
                Some(outcome) => *outcome = PixelOutcome::Failed(shortened(&reason)),
                None => return Err(format!("pixel {at} of {n} failed")),
            }
        }
        Ok(outcomes)
    }
}

/// A fit that no reconstruction can mean is a failure, whatever the worker says.
fn sensible(fit: PixelFit) -> PixelOutcome {
    let within = |number: f64, most: f64| number.abs() <= most;
    let near = fit.position_m.iter().all(|x| within(*x, FARTHEST_M));
    let energies = [fit.energy_inside_gev, fit.energy_total_gev];
    let bright = (energies.iter().flatten()).all(|gev| (0.0..=MOST_GEV).contains(gev));
    match near && within(fit.time_ns, LATEST_NS) && bright && within(fit.llh, LARGEST_LLH) {
        true => PixelOutcome::Fitted(fit),
        false if !fit.llh.is_finite() => PixelOutcome::Failed(format!("llh is {}", fit.llh)),
        false => PixelOutcome::Failed("the fit is not finite, or absurd".to_owned()),
    }
}

/// As much of a reason as is kept, without what a terminal would take for a command.
fn shortened(reason: &str) -> String {
    let end = (0..=reason.len().min(MOST_REASON_BYTES))
        .rev()
        .find(|end| reason.is_char_boundary(*end));
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    reason[..end.unwrap_or(0)].chars().map(plain).collect()
}
