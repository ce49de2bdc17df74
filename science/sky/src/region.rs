//! The region that holds the source with a given probability, and the errors that follow.
//!
//! Decision: Regions are never smaller than a pixel (`docs/decisions.md`).

mod change;
mod choice;
mod cover;
mod coverage;
mod floor;
mod gap;
mod method;
mod polygon;
mod posterior;
mod reach;
mod second;
#[cfg(test)]
mod tests;

pub use choice::{InvalidChoice, RegionChoice};
pub use coverage::{
    COVERAGE_FORMAT, Coverage, CoverageError, CoverageLevels, CoverageTable, DomClass,
    LARGEST_COVERAGE, RecoCoverage, StudyNote,
};
pub use floor::excess_with_floor;
pub use gap::Gap;
pub use method::{CONTAINMENTS, MethodNote, RegionMethod};
pub use polygon::Polygon;

use std::collections::BTreeSet;
use std::f64::consts::PI;

use super::contour::{Contour, Tracer};
use super::map::{PixelOutcome, SkyMap};
use super::surface::Surface;
use super::{Equatorial, Nside, Pixel};

/// Threshold on `2 (llh - llh_best)` for 50 % containment by Wilks' theorem: 2 ln 2.
pub const WILKS_50: f64 = 2.0 * std::f64::consts::LN_2;

/// Threshold on `2 (llh - llh_best)` for 90 % containment by Wilks' theorem: 2 ln 10.
pub const WILKS_90: f64 = 2.0 * std::f64::consts::LN_10;

/// Threshold on `2 (llh - llh_best)` for a containment from 0 to 1 (excluded).
///
/// By Wilks' theorem twice the difference follows the chi-square distribution with as many degrees
/// of freedom as a direction has: two, for which the quantile is `-2 ln(1 - containment)`.
pub fn wilks_level(containment: f64) -> f64 {
    -2.0 * libm::log1p(-containment)
}

/// A containment region around the best fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Probability that the source lies inside, for example 0.9.
    pub containment: f64,
    /// Threshold on `2 (llh - llh_best)`.
    pub level: f64,
    /// Threshold that the boundary follows: higher than the level if that would bound less than a
    /// pixel, which is not resolved.
    pub contour_level: f64,
    /// Width along each axis of a shift of the whole event that the boundary allows for, in degrees;
    /// 0 for none.
    pub floor_deg: f64,
    /// Solid angle.
    pub area_deg2: f64,
    /// Reach of the region, islands included, from the best fit towards larger right ascension,
    /// in degrees of right ascension; 180 if the region surrounds a pole.
    pub ra_plus_deg: f64,
    /// Towards smaller right ascension.
    pub ra_minus_deg: f64,
    /// Towards larger declination.
    pub dec_plus_deg: f64,
    /// Towards smaller declination.
    pub dec_minus_deg: f64,
    /// What it meets where it is not closed; nothing if it is.
    pub gaps: Vec<Gap>,
    /// A part of it, or of what is next to it, was not scanned at the finest resolution.
    pub is_coarse: bool,
    /// Its boundary; more than one line if it has holes or islands, none if it is the whole sky.
    pub contours: Vec<Contour>,
}

/// Square degrees of a steradian.
const DEG2_PER_SR: f64 = (180.0 / PI) * (180.0 / PI);

/// A region with fewer lattice cells than this is traced again on a finer lattice.
const FEWEST_CELLS: f64 = 500.0;

/// Coarsest lattice: its cells are a quarter of a degree wide.
const COARSEST_LATTICE: u32 = 256;

/// Finest lattice: its cells are three arcseconds wide.
const FINEST_LATTICE: u32 = 65536;

impl Region {
    /// Whether it is large enough to be seen: if not, it was grown to the size of a pixel.
    pub fn is_resolved(&self) -> bool {
        self.contour_level <= self.level
    }

    /// Whether sky with fits surrounds it on all sides: otherwise its edge is that of the scan, and
    /// the source may lie beyond.
    pub fn is_closed(&self) -> bool {
        self.gaps.is_empty()
    }

    /// The same of a scan that was stopped: what is coarse may be so because its last round had not
    /// come there.
    pub fn of_stopped_scan(mut self) -> Self {
        if self.is_coarse && !self.gaps.contains(&Gap::Unfinished) {
            self.gaps.push(Gap::Unfinished);
        }
        self
    }

    fn surrounded(self, map: &SkyMap) -> Self {
        let gap::Surroundings { gaps, is_coarse } =
            gap::surroundings(map, self.level, self.contour_level);
        let gaps: BTreeSet<Gap> = self.gaps.into_iter().chain(gaps).collect();
        Self {
            gaps: gaps.into_iter().collect(),
            is_coarse,
            ..self
        }
    }

    /// Whether a direction lies inside.
    pub fn contains(&self, direction: Equatorial) -> bool {
        // Seen from the antipode, the lines enclose 4 pi too little if the direction is inside.
        let antipode = direction.to_vector().map(|x| -x);
        let seen = solid_angle_from(&self.contours, antipode);
        (self.area_deg2 / DEG2_PER_SR - seen) > 2.0 * PI
    }
}

/// The region in which `2 (llh - llh_best)` is at most `level`. None if no pixel was fitted or if
/// the level is negative or not a number.
///
/// The likelihood between pixel centres comes from the finest resolution scanned there. Failed
/// pixels take their neighbours' likelihood; what was not scanned at any resolution is outside.
pub fn containment(map: &SkyMap, level: f64, containment: f64) -> Option<Region> {
    let region = bounded(map, level, 0.0, containment)?;
    Some(region.surrounded(map))
}

/// The same with a floor, before anybody has looked for gaps, but for those below what the floor
/// added.
fn bounded(map: &SkyMap, level: f64, floor_deg: f64, containment: f64) -> Option<Region> {
    let (best_pixel, best) = map.best()?;
    if level.is_nan() || level < 0.0 {
        return None;
    }
    let threshold = best.llh + 0.5 * level;
    let centre = best_pixel.center();
    let scanned = map;
    let map = &*floor::allowed_for(scanned, floor_deg.to_radians(), level);
    let mut surface = Surface::new(map);
    let mut inside = |at: Equatorial| surface.llh(at).is_some_and(|llh| llh <= threshold);

    let borders = borders(map, threshold, &mut inside);
    // At level 0 rounding alone may put the best pixel outside: that is a point, not the whole sky.
    let (contours, solid_angle) = if borders.is_empty() && inside(centre) {
        (Vec::new(), 4.0 * PI)
    } else {
        trace(map, best_pixel, &borders, &mut inside)
    };
    let [north, south] = [0.5 * PI, -0.5 * PI].map(|dec_rad| {
        inside(Equatorial {
            ra_rad: centre.ra_rad,
            dec_rad,
        })
    });
    let reach = reach::Reach::of(&contours, centre, north, south);
    Some(Region {
        containment,
        level,
        contour_level: level,
        floor_deg,
        area_deg2: solid_angle * DEG2_PER_SR,
        ra_plus_deg: reach.ra_plus_deg,
        ra_minus_deg: reach.ra_minus_deg,
        dec_plus_deg: reach.dec_plus_deg,
        dec_minus_deg: reach.dec_minus_deg,
        gaps: match floor_deg > 0.0 {
            true => gap::below(map, threshold, scanned),
            false => Vec::new(),
        },
        is_coarse: false,
        contours,
    })
}

/// Pairs of directions, the first inside and the second outside, that every line passes between:
/// from each pixel inside to its neighbours, and to the coarser pixel that holds a neighbour.
fn borders(
    map: &SkyMap,
    threshold: f64,
    inside: &mut impl FnMut(Equatorial) -> bool,
) -> Vec<(Equatorial, Equatorial)> {
    let mut borders = Vec::new();
    for (&nside, pixels) in map.rounds() {
        for (&index, outcome) in pixels {
            let PixelOutcome::Fitted(fit) = outcome else {
                continue;
            };
            let pixel = Pixel { nside, index };
            if fit.llh > threshold || !inside(pixel.center()) {
                continue;
            }
            for neighbour in pixel.neighbours() {
                let beside = neighbour.center();
                if !inside(beside) {
                    borders.push((pixel.center(), beside));
                }
                if let Some((holder, _)) = map.at(beside)
                    && holder.nside < nside
                    && !inside(holder.center())
                {
                    borders.push((pixel.center(), holder.center()));
                }
            }
        }
    }
    borders
}

/// The lines between the borders, with the solid angle that they bound.
fn trace(
    map: &SkyMap,
    best: Pixel,
    borders: &[(Equatorial, Equatorial)],
    inside: &mut impl FnMut(Equatorial) -> bool,
) -> (Vec<Contour>, f64) {
    let finest = map.rounds().keys().next_back().map_or(1, |&n| u32::from(n));
    let mut lattice = finest
        .saturating_mul(4)
        .clamp(COARSEST_LATTICE, FINEST_LATTICE);
    loop {
        let nside = Nside(lattice);
        let mut tracer = Tracer::new(nside, &mut *inside);
        for &(within, beyond) in borders {
            tracer.follow_between(within, beyond);
        }
        let contours = tracer.lines();
        let apex = best.center().to_vector();
        let solid_angle = solid_angle_from(&contours, apex).rem_euclid(4.0 * PI);
        let cells = solid_angle / (4.0 * PI) * nside.n_pixels() as f64;
        if !contours.is_empty() && (cells >= FEWEST_CELLS || lattice == FINEST_LATTICE) {
            return (contours, solid_angle);
        }
        if lattice == FINEST_LATTICE {
            // Smaller than anything that can be traced: the cell around the best fit stands for it.
            let cell = cell_around(nside, best.center());
            let solid_angle = cell.solid_angle_from(apex);
            return (vec![cell], solid_angle);
        }
        lattice = (lattice * 4).min(FINEST_LATTICE);
    }
}

/// A square of about one lattice pixel, counter-clockwise around a direction.
fn cell_around(lattice: Nside, centre: Equatorial) -> Contour {
    let corners = lattice.containing(centre).around();
    let points = corners.into_iter().flatten().map(|pixel| pixel.center());
    Contour {
        points: points.collect(),
    }
}

fn solid_angle_from(contours: &[Contour], apex: [f64; 3]) -> f64 {
    contours
        .iter()
        .map(|contour| contour.solid_angle_from(apex))
        .sum()
}
