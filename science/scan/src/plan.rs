//! What a scan is asked to do.
//!
//! Decision: A zoom climbs by steps of two (`docs/decisions.md`).

use serde::{Deserialize, Serialize};

use crate::Variations;
use skyscan_sky::{Equatorial, Nside};

/// How the sky is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Strategy {
    /// Coarse over the whole sky, then finer where the minimum and the region may be.
    Zoom,
    /// One resolution at once.
    Direct {
        /// Only pixels whose centres lie within this angle of the direction; the whole sky if
        /// absent.
        within: Option<Disc>,
    },
}

/// A disc on the sky.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disc {
    /// Its middle.
    pub center: Equatorial,
    /// Its radius.
    pub radius_rad: f64,
}

/// What a scan is asked to do: with the event, it determines the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    strategy: Strategy,
    rounds: Vec<Nside>,
    level: f64,
    until_resolved: bool,
    #[serde(default)]
    variations: Variations,
}

/// Why a plan makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No resolution was given.
    #[error("give at least one nside")]
    NoRounds,
    /// Resolutions must rise.
    #[error("nsides must rise from coarse to fine; {0} does not")]
    NotRising(Nside),
    /// More than one resolution for a direct scan.
    #[error("a direct scan has one nside, not {0}")]
    NotDirect(usize),
    /// The first round covers the whole sky.
    #[error("nside {0} over the whole sky is {1} pixels; start coarser or scan a part of it")]
    TooFine(Nside, u64),
}

/// A zoom refines by steps of two: where the likelihood falls is known better before each step than it would be
/// before a long one, so that fewer pixels are looked at for nothing.
const LADDER: [u32; 8] = [4, 8, 16, 32, 64, 128, 256, 512];
/// A fleet waits for the last pixel of each round: where a pixel takes minutes, few rounds end sooner than few pixels.
const FEW: [u32; 3] = [8, 64, 512];
/// Pixels of about a degree.
const AT_ONCE: [u32; 1] = [64];

/// A direct scan of the whole sky at this resolution has 3 million pixels.
const FINEST_WHOLE_SKY: u64 = 12 * 512 * 512;

impl Plan {
    /// A plan whose finest round encloses the pixels with `2 (llh - llh_best) <= level`.
    ///
    /// # Errors
    /// If the resolutions do not fit the strategy.
    pub fn new(strategy: Strategy, rounds: Vec<Nside>, level: f64) -> Result<Self, PlanError> {
        let Some(&first) = rounds.first() else {
            return Err(PlanError::NoRounds);
        };
        if let Some(pair) = rounds.windows(2).find(|pair| pair[1] <= pair[0]) {
            return Err(PlanError::NotRising(pair[1]));
        }
        if matches!(strategy, Strategy::Direct { .. }) && rounds.len() > 1 {
            return Err(PlanError::NotDirect(rounds.len()));
        }
        let whole_sky = !matches!(strategy, Strategy::Direct { within: Some(_) });
        if whole_sky && first.n_pixels() > FINEST_WHOLE_SKY {
            return Err(PlanError::TooFine(first, first.n_pixels()));
        }
        Ok(Self {
            strategy,
            rounds,
            level,
            until_resolved: false,
            variations: Variations::default(),
        })
    }

    /// A plan with the resolutions that were asked for, all of them, or else with the usual ones. Of a likelihood of
    /// which nothing is known, `is_strange`, a pixel may take minutes, and anything may lie between coarse pixels:
    /// it gets few rounds, and the last of them.
    ///
    /// # Errors
    /// If the resolutions do not fit the strategy.
    pub fn of(
        strategy: Strategy,
        asked: &[Nside],
        is_strange: bool,
        level: f64,
    ) -> Result<Self, PlanError> {
        let usual: &[u32] = match (asked, &strategy) {
            ([_, ..], _) => return Self::new(strategy, asked.to_vec(), level),
            ([], Strategy::Direct { .. }) => &AT_ONCE,
            ([], Strategy::Zoom) if is_strange => &FEW,
            ([], Strategy::Zoom) => &LADDER,
        };
        let rounds = usual.iter().filter_map(|n| Nside::try_from(*n).ok());
        let plan = Self::new(strategy, rounds.collect(), level)?;
        Ok(plan.until_resolved(!is_strange))
    }

    /// The same; `ends` says whether a zoom ends where a round tells the shape of the region.
    pub fn until_resolved(self, ends: bool) -> Self {
        Self {
            until_resolved: ends,
            ..self
        }
    }

    /// Whether a zoom ends where a round tells the shape of the region.
    pub fn ends_resolved(&self) -> bool {
        self.until_resolved
    }

    /// The same with fits that begin at other positions, too.
    pub fn varying(self, variations: Variations) -> Self {
        Self { variations, ..self }
    }

    /// At which positions beside those of coarser pixels a fit begins.
    pub fn variations(&self) -> Variations {
        self.variations
    }

    /// The same for a region of another level.
    pub fn enclosing(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// How the sky is searched.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The resolutions, coarse to fine; at least one.
    pub fn rounds(&self) -> &[Nside] {
        &self.rounds
    }

    /// Threshold on `2 (llh - llh_best)` of the largest region that the scan must enclose.
    pub fn level(&self) -> f64 {
        self.level
    }
}
