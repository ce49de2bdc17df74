//! Which regions are wanted: by which method, and which share of the probability each is to hold.

use super::method::bounded_by;
use super::posterior::greedy_levels;
use super::{CONTAINMENTS, Gap, Region, RegionMethod};
use crate::map::SkyMap;

/// Regions that are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionChoice {
    method: RegionMethod,
    /// Rising, none twice.
    containments: Vec<f64>,
}

/// A region that cannot be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidChoice {
    /// Nothing, or more than all.
    #[error("a region holds between 0 and 100 % (both excluded) of the probability, not {} %", percent(*.0))]
    Share(f64),
    /// What a person means who writes 0.9.
    #[error("regions hold one percent at least, and {} % is less: is {} % meant?", percent(*.0), percent(100.0 * *.0))]
    Fraction(f64),
    /// The method knows others only.
    #[error(
        "regions by method {} are known for 50 and 90 % only, not for {} %: choose another method",
        .method, percent(*.containment)
    )]
    Unknown {
        /// The name of the method.
        method: &'static str,
        /// What it does not know.
        containment: f64,
    },
    /// Words and names of files would not tell it from nothing, from all, or from another.
    #[error("regions are told by hundredths of a percent: {} % is too close to 100 or to another one", percent(*.0))]
    Close(f64),
    /// More regions than a picture can show.
    #[error("{0} regions are too many: ask for {MOST} at most")]
    Many(usize),
}

/// A share as it was asked for: without the digits that a division adds.
fn percent(share: f64) -> f64 {
    (1e8 * share).round() / 1e6
}

/// Most regions of one map.
const MOST: usize = 8;

impl From<RegionMethod> for RegionChoice {
    /// The 50 % and the 90 % region.
    fn from(method: RegionMethod) -> Self {
        Self {
            method,
            containments: CONTAINMENTS.to_vec(),
        }
    }
}

impl RegionChoice {
    /// Regions that hold these shares, each between 0 and 1, in any order.
    ///
    /// # Errors
    /// If a share is none, or not one that the method knows a level for.
    pub fn new(method: RegionMethod, mut containments: Vec<f64>) -> Result<Self, InvalidChoice> {
        containments.sort_by(f64::total_cmp);
        containments.dedup();
        if containments.len() > MOST {
            return Err(InvalidChoice::Many(containments.len()));
        }
        for &containment in &containments {
            if !(containment > 0.0 && containment < 1.0) {
                return Err(InvalidChoice::Share(containment));
            }
            if containment < 0.01 {
                return Err(InvalidChoice::Fraction(containment));
            }
            let hundredths = |share: f64| (1e4 * share).round();
            let same = containments
                .iter()
                .filter(|other| hundredths(**other) == hundredths(containment));
            if !(..=9999.0).contains(&hundredths(containment)) || same.count() > 1 {
                return Err(InvalidChoice::Close(containment));
            }
            if !method.knows(containment) {
                return Err(InvalidChoice::Unknown {
                    method: method.name(),
                    containment,
                });
            }
        }
        Ok(Self {
            method,
            containments,
        })
    }

    /// How their levels are chosen.
    pub fn method(&self) -> &RegionMethod {
        &self.method
    }

    /// Which share of the probability each region holds, rising.
    pub fn containments(&self) -> &[f64] {
        &self.containments
    }

    /// Threshold on `2 (llh - llh_best)` that a scan must enclose for all of them, and for the 90 %
    /// region at least: asking for smaller ones changes no map.
    pub fn scan_level(&self) -> f64 {
        let largest = self.containments.last().copied().unwrap_or(0.0);
        self.method.scan_level(largest)
    }

    /// The regions, the smallest first; none if no pixel was fitted.
    ///
    /// A region smaller than a pixel is a guess about what was not looked at. It is grown, along
    /// lines of equal likelihood, until it is as large as one: see [`Region::contour_level`]. One that
    /// holds more than the scans are made for that nobody asked for more, and reaches sky that was not
    /// scanned at the finest resolution, is open there.
    pub fn regions(&self, map: &SkyMap) -> Vec<Region> {
        let levels = self.method.levels(map, &self.containments);
        let mut regions = bounded_by(
            map,
            &self.containments,
            &levels.unwrap_or_default(),
            self.method.floor_deg(),
        );
        for region in &mut regions {
            let is_usual = region.containment <= CONTAINMENTS[CONTAINMENTS.len() - 1];
            if region.is_coarse && !is_usual {
                region.gaps.push(Gap::Unrefined);
            }
        }
        regions
    }

    /// The same of a map of probabilities, of which the llh is -ln of their density: the smallest that
    /// hold these shares, each pixel as one.
    pub fn credible_regions(&self, map: &SkyMap) -> Vec<Region> {
        let levels = greedy_levels(map, &self.containments);
        bounded_by(map, &self.containments, &levels.unwrap_or_default(), 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::fitted;
    use crate::region::wilks_level;
    use crate::{Equatorial, Nside};

    fn choice(containments: &[f64]) -> RegionChoice {
        RegionChoice::new(RegionMethod::Wilks, containments.to_vec()).unwrap()
    }

    /// A valley whose standard deviation is three degrees: fine around its middle, coarse elsewhere.
    fn valley(fine_deg: f64) -> SkyMap {
        let middle = Equatorial {
            ra_rad: 1.0,
            dec_rad: 0.3,
        };
        let llh = |at: Equatorial| 0.5 * (at.separation_rad(middle).to_degrees() / 3.0).powi(2);
        let mut map = SkyMap::default();
        for pixel in Nside(16).pixels() {
            map.insert(pixel, fitted(llh(pixel.center())));
        }
        for pixel in Nside(128).within(middle, fine_deg.to_radians()) {
            map.insert(pixel, fitted(llh(pixel.center())));
        }
        map
    }

    #[test]
    fn a_share_is_refused_in_the_words_it_was_asked_for() {
        let refused = RegionChoice::new(RegionMethod::Calibrated, vec![29.0 / 100.0]).unwrap_err();
        assert!(refused.to_string().contains(" not for 29 %:"), "{refused}");
        let refused = RegionChoice::new(RegionMethod::Wilks, vec![1.0015]).unwrap_err();
        assert!(refused.to_string().ends_with(" not 100.15 %"), "{refused}");
    }

    #[test]
    fn any_share_has_the_size_that_a_normal_distribution_gives_it() {
        let map = valley(20.0);
        let regions = choice(&[0.99, 0.5, 0.68, 0.9]).regions(&map);
        let shares: Vec<f64> = regions.iter().map(|region| region.containment).collect();
        assert_eq!(shares, [0.5, 0.68, 0.9, 0.99]);
        for region in regions {
            let expected = std::f64::consts::PI * 9.0 * wilks_level(region.containment);
            let off = region.area_deg2 / expected - 1.0;
            assert!(off.abs() < 0.02 && region.is_closed(), "{region:?}");
        }
    }

    #[test]
    fn what_reaches_beyond_the_fine_pixels_is_open_if_it_is_more_than_usual() {
        // The 90 % region reaches out to 6.4 degrees, that of 99 % to 9.1.
        let regions = choice(&[0.9, 0.99]).regions(&valley(8.0));
        assert!(regions[0].is_closed());
        assert_eq!(regions[1].gaps, [Gap::Unrefined]);
    }

    #[test]
    fn only_more_than_the_usual_asks_more_of_a_scan() {
        let usual = RegionChoice::from(RegionMethod::Wilks);
        assert_eq!(choice(&[0.5, 0.68]).scan_level(), usual.scan_level());
        assert_eq!(choice(&[0.99]).scan_level(), wilks_level(0.99));
    }

    #[test]
    fn shares_that_cannot_be_had_are_refused() {
        let refused = |method, share| RegionChoice::new(method, vec![share]).is_err();
        for share in [0.0, 1.0, -0.5, f64::NAN, 90.0] {
            assert!(refused(RegionMethod::Wilks, share), "{share}");
        }
        for share in [0.999_999, 1e-300, 0.000_04] {
            assert!(refused(RegionMethod::Wilks, share), "{share}");
        }
        assert!(RegionChoice::new(RegionMethod::Wilks, vec![0.5, 0.500_001]).is_err());
        assert!(!refused(RegionMethod::Wilks, 0.9999) && !refused(RegionMethod::Wilks, 0.01));
        // A person wrote 0.9 for 90 %.
        let hint = RegionChoice::new(RegionMethod::Wilks, vec![0.009]).unwrap_err();
        assert!(hint.to_string().contains("is 90 % meant?"), "{hint}");
        assert!(refused(RegionMethod::Calibrated, 0.68));
        assert!(!refused(RegionMethod::Calibrated, 0.9));
        assert!(
            RegionChoice::new(
                RegionMethod::Wilks,
                (1..10).map(|n| 0.1 * f64::from(n)).collect()
            )
            .is_err()
        );
    }
}
