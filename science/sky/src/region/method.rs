//! Which likelihood differences bound the 50 % and the 90 % region.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coverage::CoverageLevels;
use super::posterior::posterior_levels;
use super::{Region, RegionChoice, WILKS_50, WILKS_90, bounded, wilks_level};
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

/// The containments for which there are regions unless others are asked for.
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
            Self::Wilks => "2 dllh by Wilks' theorem, 2 degrees of freedom".to_owned(),
            Self::Calibrated => {
                "2 dllh of 22.2 and 64.2, simulated for IC160427A with varied ice".to_owned()
            }
            Self::Posterior => {
                "smallest region with that share of exp(-llh), flat prior".to_owned()
            }
            Self::Coverage(levels) => {
                let [half, most] = CONTAINMENTS.map(|share| levels.level(share));
                let floor = match levels.floor_deg() {
                    0.0 => String::new(),
                    floor_deg => format!(" and a floor of {floor_deg:.2} deg"),
                };
                format!(
                    "2 dllh of {half:.2} (50 %) and {most:.2} (90 %){floor}, from {} simulated events, coverage file {}",
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

    /// Whether there is a level for this containment.
    pub fn knows(&self, containment: f64) -> bool {
        *self != Self::Calibrated || CONTAINMENTS.contains(&containment)
    }

    /// Threshold on `2 (llh - llh_best)` that a scan must enclose for a region that holds this share, or
    /// the 90 % region if that is larger.
    pub(super) fn scan_level(&self, containment: f64) -> f64 {
        let is_usual = containment <= CONTAINMENTS[1];
        match self {
            Self::Wilks if is_usual => WILKS_90,
            Self::Wilks => wilks_level(containment),
            Self::Calibrated => CALIBRATED[1],
            Self::Posterior if is_usual => wilks_level(ENCLOSED),
            // As much of what lies outside of the region as with the usual one.
            Self::Posterior => wilks_level(1.0 - (1.0 - containment) / 10.0),
            Self::Coverage(levels) => levels.level(containment.max(CONTAINMENTS[1])),
        }
    }

    /// The thresholds within which a map holds these containments, all of them [known](Self::knows);
    /// none if no pixel was fitted.
    pub(super) fn levels(&self, map: &SkyMap, containments: &[f64]) -> Option<Vec<f64>> {
        let wilks = |containment: f64| match containment {
            _ if containment == CONTAINMENTS[0] => WILKS_50,
            _ if containment == CONTAINMENTS[1] => WILKS_90,
            _ => wilks_level(containment),
        };
        let calibrated = |containment: f64| match containment == CONTAINMENTS[0] {
            true => CALIBRATED[0],
            false => CALIBRATED[1],
        };
        let shares = containments.iter().copied();
        match self {
            Self::Wilks => Some(shares.map(wilks).collect()),
            Self::Calibrated => Some(shares.map(calibrated).collect()),
            Self::Posterior => posterior_levels(map, containments),
            Self::Coverage(levels) => Some(shares.map(|share| levels.level(share)).collect()),
        }
    }

    /// The 50 % and the 90 % region; none if no pixel was fitted.
    pub fn regions(&self, map: &SkyMap) -> Vec<Region> {
        RegionChoice::from(self.clone()).regions(map)
    }
}

/// The regions of these levels.
pub(super) fn bounded_by(
    map: &SkyMap,
    containments: &[f64],
    levels: &[f64],
    floor_deg: f64,
) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (&share, &level) in containments.iter().zip(levels) {
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
