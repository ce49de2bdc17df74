//! What a scan is asked to do.

use serde::{Deserialize, Serialize};

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
        })
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
