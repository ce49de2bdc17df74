//! A region as a list of pixels.

use std::collections::BTreeSet;

use super::Region;
use super::floor::allowed_for;
use crate::map::{PixelOutcome, SkyMap};
use crate::surface::Surface;
use crate::{Equatorial, Nside, Pixel};

/// Enough pixels that those with their centre inside have the region's area within a per cent.
const FEWEST_PIXELS: f64 = 20_000.0;

/// The finest pixels used, three arcseconds wide.
const FINEST: u32 = 65536;

impl Region {
    /// The region as pixels of different sizes that do not overlap, ordered by resolution, then by
    /// index. `map` must be the one that the region was made from.
    ///
    /// Holds the pixels of a fine resolution whose centre is inside; four that make up a larger
    /// one are replaced by it. The area agrees with [`Region::area_deg2`] to about a per cent.
    pub fn cover(&self, map: &SkyMap) -> Vec<Pixel> {
        let Some((_, best)) = map.best() else {
            return Vec::new();
        };
        let threshold = best.llh + 0.5 * self.contour_level;
        let map = &*allowed_for(map, self.floor_deg.to_radians(), self.contour_level);
        let mut surface = Surface::new(map);
        let mut inside = |at: Equatorial| surface.llh(at).is_some_and(|llh| llh <= threshold);
        let fine = self.fine_enough();
        merged(flood(self.seeds(map, threshold, fine), &mut inside))
    }

    fn fine_enough(&self) -> Nside {
        let mut fine = Nside(1);
        while fine.0 < FINEST && self.area_deg2 / fine.pixel_area_deg2() < FEWEST_PIXELS {
            fine = Nside(2 * fine.0);
        }
        fine
    }

    /// Pixels along every line, and those of every scanned pixel inside: no island is without one.
    fn seeds(&self, map: &SkyMap, threshold: f64, fine: Nside) -> Vec<Pixel> {
        let along = self.contours.iter().flat_map(|contour| &contour.points);
        let mut seeds: Vec<Pixel> = along
            .map(|&point| fine.containing(point))
            .flat_map(|pixel| pixel.neighbours().into_iter().chain([pixel]))
            .collect();
        for (&nside, pixels) in map.rounds() {
            for (&index, outcome) in pixels {
                if let PixelOutcome::Fitted(fit) = outcome
                    && fit.llh <= threshold
                {
                    seeds.push(fine.containing(Pixel { nside, index }.center()));
                }
            }
        }
        seeds
    }
}

/// Every pixel inside that hangs together with one of the seeds inside.
fn flood(seeds: Vec<Pixel>, inside: &mut impl FnMut(Equatorial) -> bool) -> BTreeSet<u64> {
    let mut known = BTreeSet::new();
    let mut held = BTreeSet::new();
    let mut open = seeds;
    while let Some(pixel) = open.pop() {
        if known.insert(pixel.index) && inside(pixel.center()) {
            held.insert(pixel.uniq());
            open.extend(pixel.neighbours());
        }
    }
    held
}

/// Replaces four pixels that make up one by that one, as often as possible. In the numbering of
/// all resolutions the four parts of a pixel follow each other, and a quarter of any of their
/// numbers is that of the whole.
fn merged(mut uniqs: BTreeSet<u64>) -> Vec<Pixel> {
    let mut pixels = Vec::new();
    while !uniqs.is_empty() {
        let mut coarser = BTreeSet::new();
        for &uniq in &uniqs {
            let whole = uniq / 4;
            let complete =
                whole >= 4 && (4 * whole..4 * whole + 4).all(|part| uniqs.contains(&part));
            if complete {
                coarser.insert(whole);
            } else {
                pixels.push(Pixel::from_uniq(uniq));
            }
        }
        uniqs = coarser;
    }
    pixels.sort_unstable();
    pixels
}
