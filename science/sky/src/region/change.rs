//! How much a region has moved while a scan went on.

use std::f64::consts::PI;

use super::Region;
use crate::Equatorial;

/// A best fit and the edges may move by this share of the region's radius and still stand still.
const MOST_MOVED: f64 = 0.1;
/// An area may change by this share of itself and still be the same.
const MOST_GROWN: f64 = 0.1;

impl Region {
    /// Radius of the disc of the same area.
    pub fn radius_deg(&self) -> f64 {
        (self.area_deg2 / PI).sqrt()
    }

    /// Whether this region, around `best`, is where `earlier` was, around `earlier_best`: best fit,
    /// area and the reach to all four sides.
    pub fn stands_where(&self, best: Equatorial, earlier: &Self, earlier_best: Equatorial) -> bool {
        let most_deg = MOST_MOVED * earlier.radius_deg();
        let moved_deg = best.separation_rad(earlier_best).to_degrees();
        let grown = (self.area_deg2 / earlier.area_deg2 - 1.0).abs();
        // Right ascensions as angles on the sky. An edge is where the best fit and its reach put it.
        let shrink = best.dec_rad.cos();
        let sides = |region: &Self| {
            [
                region.ra_plus_deg * shrink,
                region.ra_minus_deg * shrink,
                region.dec_plus_deg,
                region.dec_minus_deg,
            ]
        };
        let edges = sides(self).into_iter().zip(sides(earlier));
        moved_deg <= most_deg
            && grown <= MOST_GROWN
            && edges
                .into_iter()
                .all(|(now, then)| (now - then).abs() <= 2.0 * most_deg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ra_deg: f64, dec_deg: f64) -> Equatorial {
        Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: dec_deg.to_radians(),
        }
    }

    /// A disc of one degree.
    fn disc() -> Region {
        Region {
            containment: 0.9,
            level: 4.61,
            contour_level: 4.61,
            floor_deg: 0.0,
            area_deg2: PI,
            ra_plus_deg: 2.0,
            ra_minus_deg: 2.0,
            dec_plus_deg: 1.0,
            dec_minus_deg: 1.0,
            gaps: Vec::new(),
            is_coarse: false,
            contours: Vec::new(),
        }
    }

    #[test]
    fn only_what_neither_moves_nor_grows_stands() {
        let (here, region) = (at(30.0, 60.0), disc());
        assert!(region.stands_where(here, &region, here));
        assert!(region.stands_where(at(30.1, 60.05), &region, here));
        assert!(!region.stands_where(at(30.0, 60.2), &region, here));
        let grown = Region {
            area_deg2: 1.2 * PI,
            ..disc()
        };
        assert!(!grown.stands_where(here, &region, here));
        let shifted = Region {
            dec_plus_deg: 1.4,
            dec_minus_deg: 0.6,
            ..disc()
        };
        assert!(!shifted.stands_where(here, &region, here));
    }

    #[test]
    fn a_degree_of_right_ascension_is_short_near_a_pole() {
        let near = |ra_deg: f64| at(ra_deg, 89.0);
        assert!(disc().stands_where(near(33.0), &disc(), near(30.0)));
    }
}
