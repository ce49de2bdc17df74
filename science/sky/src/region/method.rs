//! Which likelihood differences bound the 50 % and the 90 % region.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coverage::CoverageLevels;
use super::posterior::{greedy_levels, posterior_levels};
use super::{Region, WILKS_50, WILKS_90, bounded, wilks_level};
use crate::map::SkyMap;

/// How the levels of the regions are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RegionMethod {
    /// Wilks' theorem for two degrees of freedom.
    #[default]
    Wilks,
    /// Levels with the systematic errors of the ice in them: 22.2 and 64.2, from simulations of one
    /// event (IC160427A, run 127852) with varied ice, as IceCube's alerts use them.
    Calibrated,
    /// The smallest region that holds that share of the probability, by a flat prior.
    Posterior,
    /// Levels that held the source of simulated events as often as they say, and a floor, from a
    /// coverage file.
    Coverage(Arc<CoverageLevels>),
}

/// What a result says of how its regions were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodNote {
    /// The method's name on the command line.
    #[serde(rename = "regions_method")]
    pub name: String,
    /// In one line what the levels are and what they stand on; not part of the JSON.
    #[serde(skip)]
    pub meaning: String,
    /// SHA-256 of the coverage file, if the levels are from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_sha256: Option<String>,
}

impl From<&RegionMethod> for MethodNote {
    fn from(method: &RegionMethod) -> Self {
        Self {
            name: method.name().to_owned(),
            meaning: method.description(),
            coverage_sha256: method.coverage_sha256().map(str::to_owned),
        }
    }
}

/// Digits of a hash that tell files apart for people.
const FEW_DIGITS: usize = 8;

/// The containments for which there are regions.
pub const CONTAINMENTS: [f64; 2] = [0.5, 0.9];

/// Thresholds for these by the calibrated method.
const CALIBRATED: [f64; 2] = [22.2, 64.2];

/// Share of the probability that a scan for posterior regions has to enclose: what lies further
/// out cannot move the 90 % region much.
const ENCLOSED: f64 = 0.99;

/// A region that was grown to the size of a pixel is at most this much larger than one.
const GROWN_PRECISION: f64 = 1.02;

impl RegionMethod {
    /// The name on the command line and in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Wilks => "wilks",
            Self::Calibrated => "calibrated",
            Self::Posterior => "posterior",
            Self::Coverage(_) => "coverage",
        }
    }

    /// In one line what the levels are and what they stand on.
    pub fn description(&self) -> String {
        match self {
            Self::Wilks => {
                "2 dllh of 1.39 and 4.61 by Wilks' theorem, 2 degrees of freedom".to_owned()
            }
            Self::Calibrated => {
                "2 dllh of 22.2 and 64.2, simulated for IC160427A with varied ice".to_owned()
            }
            Self::Posterior => {
                "smallest region with that share of exp(-llh), flat prior".to_owned()
            }
            Self::Coverage(levels) => {
                let [half, most] = CONTAINMENTS.map(|share| levels.level(share));
                format!(
                    "2 dllh of {half:.2} and {most:.2} and a floor of {:.2} deg, from {} simulated \
                     events, coverage file {}",
                    levels.floor_deg(),
                    levels.n_events(),
                    &levels.sha256()[..FEW_DIGITS.min(levels.sha256().len())]
                )
            }
        }
    }

    /// Whether the regions allow for systematic errors.
    pub fn includes_systematics(&self) -> bool {
        matches!(self, Self::Calibrated | Self::Coverage(_))
    }

    /// SHA-256 of the coverage file, if the levels are from one.
    pub fn coverage_sha256(&self) -> Option<&str> {
        match self {
            Self::Coverage(levels) => Some(levels.sha256()),
            Self::Wilks | Self::Calibrated | Self::Posterior => None,
        }
    }

    /// The containment of the smallest region that holds a direction with this `2 (llh - llh_best)`, if
    /// the method tells one for every containment.
    pub fn containment_of(&self, excess: f64) -> Option<f64> {
        match self {
            Self::Wilks => Some(-libm::expm1(-0.5 * excess.max(0.0))),
            Self::Coverage(levels) => Some(levels.containment(excess.max(0.0))),
            Self::Calibrated | Self::Posterior => None,
        }
    }

    /// Width along each axis of a shift of the whole event that the regions allow for; 0 for none.
    pub fn floor_deg(&self) -> f64 {
        match self {
            Self::Coverage(levels) => levels.floor_deg(),
            Self::Wilks | Self::Calibrated | Self::Posterior => 0.0,
        }
    }

    /// Threshold on `2 (llh - llh_best)` that a scan must enclose for the 90 % region.
    pub fn scan_level(&self) -> f64 {
        match self {
            Self::Wilks => WILKS_90,
            Self::Calibrated => CALIBRATED[1],
            Self::Posterior => wilks_level(ENCLOSED),
            Self::Coverage(levels) => levels.level(CONTAINMENTS[1]),
        }
    }

    /// The 50 % and the 90 % region; none if no pixel was fitted.
    ///
    /// A region smaller than a pixel is a guess about what was not looked at. It is grown, along
    /// lines of equal likelihood, until it is as large as one: see [`Region::contour_level`].
    pub fn regions(&self, map: &SkyMap) -> Vec<Region> {
        let levels = match self {
            Self::Wilks => [WILKS_50, WILKS_90],
            Self::Calibrated => CALIBRATED,
            Self::Posterior => match posterior_levels(map, CONTAINMENTS) {
                Some(levels) => levels,
                None => return Vec::new(),
            },
            Self::Coverage(levels) => CONTAINMENTS.map(|share| levels.level(share)),
        };
        bounded_by(map, levels, self.floor_deg())
    }
}

/// The 50 % and the 90 % region of a map of probabilities, of which the llh is -ln of their density: the
/// smallest that hold these shares, each pixel as one. None if there is no pixel.
pub fn credible_regions(map: &SkyMap) -> Vec<Region> {
    match greedy_levels(map, CONTAINMENTS) {
        Some(levels) => bounded_by(map, levels, 0.0),
        None => Vec::new(),
    }
}

/// The regions of two levels.
fn bounded_by(map: &SkyMap, levels: [f64; 2], floor_deg: f64) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (share, level) in CONTAINMENTS.into_iter().zip(levels) {
        // A smaller share's region stays inside, however far it was grown.
        let least = regions
            .last()
            .map_or(level, |smaller| smaller.contour_level);
        let region = at_least_a_pixel(map, [level, level.max(least)], floor_deg, share);
        regions.extend(region.map(|region| region.surrounded(map)));
    }
    regions
}

/// The region of a level, its line at a second level or at the lowest one above that bounds the area
/// of a pixel.
fn at_least_a_pixel(
    map: &SkyMap,
    [level, contour_level]: [f64; 2],
    floor_deg: f64,
    share: f64,
) -> Option<Region> {
    let grown = |contour_level: f64| {
        let region = bounded(map, contour_level, floor_deg, share)?;
        Some(Region { level, ..region })
    };
    let exact = grown(contour_level)?;
    let (finest, _) = map.at(map.best()?.0.center())?;
    let least_deg2 = finest.nside.pixel_area_deg2();
    if exact.area_deg2 >= least_deg2 {
        return Some(exact);
    }
    let mut low = contour_level;
    let mut high = contour_level.max(0.01);
    let mut region = exact;
    // A map that is flat beyond its best pixel has a level for which the region is larger.
    while region.area_deg2 < least_deg2 {
        low = high;
        high *= 2.0;
        if !high.is_finite() {
            return Some(region);
        }
        region = grown(high)?;
    }
    for _ in 0..30 {
        if region.area_deg2 <= GROWN_PRECISION * least_deg2 {
            break;
        }
        let middle = 0.5 * (low + high);
        let tried = grown(middle)?;
        if tried.area_deg2 < least_deg2 {
            low = middle;
        } else {
            high = middle;
            region = tried;
        }
    }
    Some(region)
}
