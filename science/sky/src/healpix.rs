//! HEALPix geometry (Górski et al. 2005, ApJ 622, 759): which pixel is where, which lie inside or
//! beside which.
//!
//! The only file that names the crate behind it. That crate thinks in NESTED numbers, where the
//! pixels inside a pixel are consecutive; everything here takes and gives RING numbers. Pixel
//! centres are worked out here, with `libm`, because they enter every likelihood and must have
//! the same bits on every machine.

#[cfg(test)]
mod tests;

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use cdshealpix::compass_point::MainWind;
use cdshealpix::{nested, ring};

use super::{Equatorial, Nside, Pixel, full_turn};

/// Room for rounding between the crate's cone and the exact one, in radians.
const CONE_MARGIN_RAD: f64 = 1e-9;

/// Above it every pixel is tested. The crate's cone coverage misses base cells when a cone leaves
/// out only a small cap (version 0.10.1, 3.1 rad), and nothing is saved on a large part of the sky.
const LARGEST_CONE_RAD: f64 = 1.0;

/// The eight directions in which a pixel has neighbours, counter-clockwise as seen from outside
/// the sphere; sides have odd places, corners even ones.
const WINDS: [MainWind; 8] = [
    MainWind::S,
    MainWind::SE,
    MainWind::E,
    MainWind::NE,
    MainWind::N,
    MainWind::NW,
    MainWind::W,
    MainWind::SW,
];

impl Nside {
    fn layer(self) -> &'static nested::Layer {
        // A valid nside is a power of two of at most 2^16, so the depth is 0 to 16.
        nested::get(self.0.trailing_zeros() as u8)
    }

    fn pixel_of_nested(self, hash: u64) -> Pixel {
        Pixel {
            nside: self,
            index: self.layer().to_ring(hash),
        }
    }

    /// All pixels in RING order.
    pub fn pixels(self) -> impl ExactSizeIterator<Item = Pixel> {
        (0..self.n_pixels() as usize).map(move |index| Pixel {
            nside: self,
            index: index as u64,
        })
    }

    /// The pixel that a direction falls in. Right ascensions beyond a turn are brought back, so
    /// are declinations that rounding took past a pole; what is not a number counts as 0.
    pub fn containing(self, direction: Equatorial) -> Pixel {
        let (lon, lat) = in_range(direction);
        self.pixel_of_nested(self.layer().hash(lon, lat))
    }

    /// The pixels whose centre lies at most `radius_rad` from `centre`, in RING order.
    pub fn within(self, centre: Equatorial, radius_rad: f64) -> Vec<Pixel> {
        if radius_rad.is_nan() || radius_rad < 0.0 {
            return Vec::new();
        }
        if radius_rad > LARGEST_CONE_RAD {
            return self
                .pixels()
                .filter(|pixel| pixel.center().separation_rad(centre) <= radius_rad)
                .collect();
        }
        let (lon, lat) = in_range(centre);
        // The crate's own selection by centres has extra and missing pixels in small cones; its
        // coverage only ever has extra ones, which the exact test drops.
        let mut pixels: Vec<Pixel> = self
            .layer()
            .cone_coverage_approx(lon, lat, radius_rad + CONE_MARGIN_RAD)
            .flat_iter()
            .map(|hash| self.pixel_of_nested(hash))
            .filter(|pixel| pixel.center().separation_rad(centre) <= radius_rad)
            .collect();
        pixels.sort_unstable();
        pixels
    }

    /// The largest angle, over all pixels, from a centre to a corner.
    pub fn radius_rad(self) -> f64 {
        let nside = f64::from(self.0);
        // The longest pixels touch the parallel z = 2/3, where polar caps and belt meet, with
        // their centre: their northern corner lies one ring row closer to the pole.
        let centre = Equatorial {
            ra_rad: FRAC_PI_4 / nside,
            dec_rad: libm::asin(2.0 / 3.0),
        };
        let rows = 1.0 - 1.0 / nside;
        let corner = Equatorial {
            ra_rad: 0.0,
            dec_rad: libm::asin(1.0 - rows * rows / 3.0),
        };
        centre.separation_rad(corner)
    }

    /// Four pixels around a direction with weights that add up to one, bilinear between centres.
    pub(super) fn interpolation(self, direction: Equatorial) -> [(Pixel, f64); 4] {
        let (lon, lat) = in_range(direction);
        self.layer()
            .bilinear_interpolation(lon, lat)
            .map(|(hash, weight)| (self.pixel_of_nested(hash), weight))
    }
}

impl Pixel {
    fn nested(self) -> u64 {
        self.nside.layer().from_ring(self.valid_index())
    }

    /// Number of the pixel among those of all resolutions: NESTED index plus `4 nside^2`, the
    /// `UNIQ` of multi-order maps (IVOA MOC 2.0, section 4.3.1).
    pub fn uniq(self) -> u64 {
        let nside = u64::from(self.nside.0);
        self.nested() + 4 * nside * nside
    }

    /// The pixel of such a number; a number below 4, which no pixel has, counts as 4.
    pub fn from_uniq(uniq: u64) -> Self {
        let order = (uniq.max(4).ilog2() / 2 - 1).min(16);
        let nside = Nside(1 << order);
        nside.pixel_of_nested(uniq.max(4) - (4 << (2 * order)))
    }

    /// An index beyond the sphere counts as its last pixel: the crate would panic.
    fn valid_index(self) -> u64 {
        self.index.min(self.nside.n_pixels() - 1)
    }

    /// Its centre.
    pub fn center(self) -> Equatorial {
        // The projected centre is exact: small integers over a power of two.
        let (x, y) = ring::center_of_projected_cell(self.nside.0, self.valid_index());
        let height = y.abs();
        let (ra_rad, dec_rad) = if height <= 1.0 {
            (x * FRAC_PI_4, libm::asin(height * (2.0 / 3.0)))
        } else {
            // Collignon: meridians close in on the middle of the facet, `to_pole` rows away. The
            // half angle keeps all digits near the pole, where asin(z) would lose half of them.
            let to_pole = 2.0 - height;
            let middle = 2.0 * (0.5 * x).floor() + 1.0;
            let colatitude = 2.0 * libm::asin(to_pole / 6f64.sqrt());
            (
                (middle + (x - middle) / to_pole) * FRAC_PI_4,
                FRAC_PI_2 - colatitude,
            )
        };
        Equatorial {
            ra_rad: full_turn(ra_rad),
            dec_rad: dec_rad.copysign(y),
        }
    }

    /// The pixel of a coarser resolution that it lies in; itself if `coarser` is not coarser.
    pub fn parent(self, coarser: Nside) -> Pixel {
        if coarser >= self.nside {
            return self;
        }
        let steps = self.nside.0.trailing_zeros() - coarser.0.trailing_zeros();
        coarser.pixel_of_nested(self.nested() >> (2 * steps))
    }

    /// The pixels of a finer resolution that it consists of, in RING order; only itself if
    /// `finer` is not finer.
    pub fn children(self, finer: Nside) -> Vec<Pixel> {
        if finer <= self.nside {
            return vec![self];
        }
        let steps = finer.0.trailing_zeros() - self.nside.0.trailing_zeros();
        let first = self.nested() << (2 * steps);
        let mut children: Vec<Pixel> = (first..first + (1 << (2 * steps)))
            .map(|hash| finer.pixel_of_nested(hash))
            .collect();
        children.sort_unstable();
        children
    }

    /// The pixels of the same resolution that share a side or a corner with it, in RING order:
    /// eight, or fewer where only three pixels meet in a corner.
    pub fn neighbours(self) -> Vec<Pixel> {
        let mut neighbours: Vec<Pixel> = self.around().into_iter().flatten().collect();
        neighbours.sort_unstable();
        neighbours.dedup();
        neighbours
    }

    /// The neighbours to S, SE, E, NE, N, NW, W and SW: counter-clockwise as seen from outside
    /// the sphere. One to S, E, N or W is absent where only three pixels meet in that corner.
    pub(super) fn around(self) -> [Option<Pixel>; 8] {
        let neighbours = self.nside.layer().neighbours(self.nested(), false);
        WINDS.map(|wind| {
            neighbours
                .get(wind)
                .map(|&hash| self.nside.pixel_of_nested(hash))
        })
    }
}

/// Longitude and latitude that the crate accepts without a panic.
fn in_range(direction: Equatorial) -> (f64, f64) {
    let number = |angle: f64| if angle.is_finite() { angle } else { 0.0 };
    (
        full_turn(number(direction.ra_rad)),
        number(direction.dec_rad).clamp(-FRAC_PI_2, FRAC_PI_2),
    )
}
