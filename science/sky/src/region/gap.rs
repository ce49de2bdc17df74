//! Where a region meets sky of which too little is known. Its edge is that of the scan there, and
//! the source may lie beyond.
//!
//! Decision: A region is closed by its pixels (`docs/decisions.md`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Pixel;
use crate::map::{PixelOutcome, SkyMap};

/// What a region meets where it is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gap {
    /// Sky that was not scanned at any resolution.
    Unscanned,
    /// Pixels that failed, beside it or inside.
    Failed,
    /// Sky that the finest round of a scan that was stopped has not come to.
    Unfinished,
    /// Sky that the finest round was not to come to, since nobody had asked for so large a region.
    Unrefined,
}

/// What surrounds a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Surroundings {
    /// In the order of [`Gap`]: nothing if it is closed.
    pub(super) gaps: Vec<Gap>,
    /// A part of it, or of what is next to it, was not scanned at the finest resolution.
    pub(super) is_coarse: bool,
}

/// What surrounds a region.
///
/// The region consists of the pixels within `contour_level` of the best one, and of the best one
/// itself: each of them has to be surrounded by pixels with a fit. Those within `level` have to be of
/// the finest resolution, and their neighbours too; what was added to make the region as large as a
/// pixel is not asked for that.
pub(super) fn surroundings(map: &SkyMap, level: f64, contour_level: f64) -> Surroundings {
    let (Some((best_pixel, best)), Some(&finest)) = (map.best(), map.rounds().keys().next_back())
    else {
        return Surroundings::default();
    };
    let mut gaps = BTreeSet::new();
    let mut is_coarse = false;
    for (&nside, pixels) in map.rounds() {
        for (&index, outcome) in pixels {
            let PixelOutcome::Fitted(fit) = outcome else {
                continue;
            };
            let pixel = Pixel { nside, index };
            let excess = 2.0 * (fit.llh - best.llh);
            // What has finer pixels at its middle leaves it to them, the best one, too.
            let speaks = map.at(pixel.center()).is_some_and(|(at, _)| at == pixel);
            if pixel != best_pixel && (excess > contour_level || !speaks) {
                continue;
            }
            let is_asked = speaks && (pixel == best_pixel || excess <= level);
            is_coarse |= is_asked && nside < finest;
            for neighbour in pixel.neighbours() {
                match map.at(neighbour.center()) {
                    None => gaps.insert(Gap::Unscanned),
                    Some((_, PixelOutcome::Failed(_))) => gaps.insert(Gap::Failed),
                    Some((at, _)) => {
                        is_coarse |= is_asked && at.nside < finest;
                        false
                    }
                };
            }
        }
    }
    Surroundings {
        gaps: gaps.into_iter().collect(),
        is_coarse,
    }
}

/// What of the scanned sky is missing below the pixels of another map within a threshold.
pub(super) fn below(map: &SkyMap, threshold: f64, scanned: &SkyMap) -> Vec<Gap> {
    let mut gaps = BTreeSet::new();
    for (&nside, pixels) in map.rounds() {
        for (&index, outcome) in pixels {
            if let PixelOutcome::Fitted(fit) = outcome
                && fit.llh <= threshold
            {
                match scanned.at(Pixel { nside, index }.center()) {
                    None => gaps.insert(Gap::Unscanned),
                    Some((_, PixelOutcome::Failed(_))) => gaps.insert(Gap::Failed),
                    Some((_, PixelOutcome::Fitted(_))) => false,
                };
            }
        }
    }
    gaps.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::{RegionMethod, wilks_level};
    use super::*;
    use crate::map::fitted;
    use crate::{Equatorial, Nside};

    fn at(ra_deg: f64, dec_deg: f64) -> Equatorial {
        Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: dec_deg.to_radians(),
        }
    }

    /// A valley three degrees wide around a direction.
    fn llh(pixel: Pixel, centre: Equatorial) -> f64 {
        let off = pixel.center().separation_rad(centre).to_degrees() / 3.0;
        0.5 * off * off
    }

    /// The pixels of a patch around `middle` of a valley around `centre`.
    fn patch(middle: Equatorial, radius_deg: f64, centre: Equatorial) -> SkyMap {
        let mut map = SkyMap::default();
        for pixel in Nside(64).within(middle, radius_deg.to_radians()) {
            map.insert(pixel, fitted(llh(pixel, centre)));
        }
        map
    }

    fn ninety(map: &SkyMap) -> Vec<Gap> {
        let regions = RegionMethod::Wilks.regions(map);
        regions.last().unwrap().gaps.clone()
    }

    #[test]
    fn a_patch_around_the_region_closes_it() {
        for centre in [at(120.0, 10.0), at(0.0, -45.0), at(33.0, 89.0)] {
            assert_eq!(ninety(&patch(centre, 15.0, centre)), []);
        }
    }

    #[test]
    fn a_patch_that_cuts_the_region_or_misses_the_source_leaves_it_open() {
        let source = at(120.0, 10.0);
        for middle in [at(120.0, 10.0), at(130.0, 10.0), at(160.0, 10.0)] {
            let regions = RegionMethod::Wilks.regions(&patch(middle, 6.0, source));
            let ninety = regions.last().unwrap();
            assert_eq!(ninety.gaps, [Gap::Unscanned], "{middle:?}");
            assert!(!ninety.is_closed());
        }
        // The smaller region may be closed all the same.
        let regions = RegionMethod::Wilks.regions(&patch(source, 6.0, source));
        assert!(regions[0].is_closed());
    }

    #[test]
    fn a_lone_pixel_is_open() {
        let mut map = SkyMap::default();
        map.insert(
            Pixel {
                nside: Nside(64),
                index: 1000,
            },
            fitted(1.0),
        );
        assert_eq!(ninety(&map), [Gap::Unscanned]);
    }

    #[test]
    fn a_failed_pixel_inside_or_beside_opens_it_and_one_elsewhere_does_not() {
        let centre = at(120.0, 10.0);
        for (off_deg, gaps) in [
            (1.0, vec![Gap::Failed]),
            (6.4, vec![Gap::Failed]),
            (12.0, vec![]),
        ] {
            let mut map = patch(centre, 15.0, centre);
            let failed = Nside(64).containing(at(120.0, 10.0 + off_deg));
            map.insert(failed, PixelOutcome::Failed("no fit".to_owned()));
            assert_eq!(ninety(&map), gaps, "{off_deg}");
        }
    }

    #[test]
    fn what_the_last_round_left_out_is_coarse() {
        let centre = at(120.0, 10.0);
        let mut map = SkyMap::default();
        for pixel in Nside(8).pixels() {
            map.insert(pixel, fitted(llh(pixel, centre)));
        }
        assert_eq!(ninety(&map), []);
        for (radius_deg, is_coarse) in [(4.0, true), (15.0, false)] {
            for pixel in Nside(64).within(centre, f64::to_radians(radius_deg)) {
                map.insert(pixel, fitted(llh(pixel, centre)));
            }
            let ninety = RegionMethod::Wilks.regions(&map).pop().unwrap();
            assert_eq!(ninety.gaps, []);
            assert_eq!(ninety.is_coarse, is_coarse, "{radius_deg}");
            let stopped = ninety.of_stopped_scan();
            assert_eq!(stopped.is_closed(), !is_coarse);
        }
    }

    #[test]
    fn a_best_pixel_of_a_coarser_round_is_not_coarse_where_finer_ones_were_scanned() {
        // At its centre nside 32 comes closer to the source than nside 64 anywhere.
        let centre = Nside(32).containing(at(120.0, 10.0)).center();
        let mut map = SkyMap::default();
        for nside in [Nside(32), Nside(64)] {
            for pixel in nside.within(centre, f64::to_radians(15.0)) {
                map.insert(pixel, fitted(llh(pixel, centre)));
            }
        }
        assert_eq!(map.best().unwrap().0.nside, Nside(32));
        let ninety = RegionMethod::Wilks.regions(&map).pop().unwrap();
        assert_eq!((&ninety.gaps[..], ninety.is_coarse), (&[][..], false));
    }

    #[test]
    fn the_whole_sky_is_closed_however_flat() {
        let mut map = SkyMap::default();
        for pixel in Nside(8).pixels() {
            map.insert(pixel, fitted(7.0));
        }
        assert_eq!(ninety(&map), []);
    }

    #[test]
    fn a_region_smaller_than_a_pixel_is_asked_for_its_pixel_only() {
        // One pixel of nside 64 and its neighbours, the rest of the sky coarse.
        let centre = Nside(64).containing(at(120.0, 10.0)).center();
        let sharp = |pixel: Pixel| 400.0 * llh(pixel, centre);
        let mut map = SkyMap::default();
        for pixel in Nside(8).pixels() {
            map.insert(pixel, fitted(sharp(pixel)));
        }
        let middle = Nside(64).containing(centre);
        for pixel in middle.neighbours().into_iter().chain([middle]) {
            map.insert(pixel, fitted(sharp(pixel)));
        }
        let regions = RegionMethod::Wilks.regions(&map);
        assert!(!regions[1].is_resolved());
        assert_eq!(
            (&regions[1].gaps[..], regions[1].is_coarse),
            (&[][..], false)
        );
        assert!(wilks_level(0.9) < regions[1].contour_level);
    }
}
