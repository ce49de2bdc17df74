#![doc = include_str!("../README.md")]
//!
//! The sky: HEALPix pixels, coordinates, the likelihood map, its contours and regions.
//!
//! Pixels are numbered in the RING scheme; a pixel's longitude is right ascension and its
//! latitude declination (J2000, ICRS axes).

pub mod contour;
pub mod coordinates;
pub mod direction;
pub mod healpix;
pub mod map;
pub mod probability;
pub mod region;
pub mod sub_pixel;
pub mod surface;
mod tiling;

use serde::{Deserialize, Serialize};

/// A direction on the sky, J2000.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equatorial {
    /// Right ascension, 0 to 2 pi.
    pub ra_rad: f64,
    /// Declination, -pi/2 to pi/2.
    pub dec_rad: f64,
}

impl Equatorial {
    /// The direction of a vector of any length; x points to (0, 0), z to the north pole.
    pub fn from_vector([x, y, z]: [f64; 3]) -> Self {
        Self {
            ra_rad: full_turn(libm::atan2(y, x)),
            dec_rad: libm::atan2(z, libm::hypot(x, y)),
        }
    }

    /// Unit vector; x points to (0, 0), z to the north pole.
    pub fn to_vector(self) -> [f64; 3] {
        let cos_dec = libm::cos(self.dec_rad);
        [
            cos_dec * libm::cos(self.ra_rad),
            cos_dec * libm::sin(self.ra_rad),
            libm::sin(self.dec_rad),
        ]
    }

    /// Angle to another direction in radians, 0 to pi, as exact for neighbours and antipodes as
    /// in between (Vincenty's formula on the sphere).
    pub fn separation_rad(self, other: Self) -> f64 {
        let (sin_a, cos_a) = libm::sincos(self.dec_rad);
        let (sin_b, cos_b) = libm::sincos(other.dec_rad);
        let (sin_d, cos_d) = libm::sincos(other.ra_rad - self.ra_rad);
        // The difference of latitudes enters on its own: cos_a sin_b - sin_a cos_b cos_d loses
        // digits for close points, this form of it does not.
        let half = libm::sin(0.5 * (other.ra_rad - self.ra_rad));
        let north = libm::sin(other.dec_rad - self.dec_rad) + 2.0 * sin_a * cos_b * half * half;
        libm::atan2(
            libm::hypot(cos_b * sin_d, north),
            sin_a * sin_b + cos_a * cos_b * cos_d,
        )
    }
}

/// An angle brought to 0 (included) to 2 pi (excluded).
fn full_turn(angle_rad: f64) -> f64 {
    let turned = angle_rad.rem_euclid(std::f64::consts::TAU);
    // A negative angle too small to matter rounds up to a whole turn.
    if turned >= std::f64::consts::TAU {
        0.0
    } else {
        turned
    }
}

/// Resolution of a HEALPix map: a power of two, so that pixels nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Nside(u32);

/// A value that is not a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nside must be a power of two from 1 to 65536, not {0}")]
pub struct InvalidNside(pub u32);

impl TryFrom<u32> for Nside {
    type Error = InvalidNside;
    fn try_from(nside: u32) -> Result<Self, InvalidNside> {
        if nside.is_power_of_two() && nside <= 65536 {
            Ok(Self(nside))
        } else {
            Err(InvalidNside(nside))
        }
    }
}

impl From<Nside> for u32 {
    fn from(nside: Nside) -> u32 {
        nside.0
    }
}

impl std::fmt::Display for Nside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Nside {
    /// Number of pixels on the whole sky.
    pub fn n_pixels(self) -> u64 {
        12 * u64::from(self.0) * u64::from(self.0)
    }

    /// Solid angle of one pixel in square degrees.
    pub fn pixel_area_deg2(self) -> f64 {
        let sphere_deg2 = 4.0 * std::f64::consts::PI * (180.0 / std::f64::consts::PI).powi(2);
        sphere_deg2 / self.n_pixels() as f64
    }
}

/// One HEALPix pixel, RING numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "UncheckedPixel")]
pub struct Pixel {
    /// Resolution.
    pub nside: Nside,
    /// RING index, below `nside.n_pixels()`.
    pub index: u64,
}

/// An index that no pixel of a resolution has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nside {nside} has pixels 0 to {last}, not {index}", last = .nside.n_pixels() - 1)]
pub struct InvalidPixel {
    /// Resolution.
    pub nside: Nside,
    /// The index that was given.
    pub index: u64,
}

impl Pixel {
    /// The pixel with this RING index.
    pub fn new(nside: Nside, index: u64) -> Result<Self, InvalidPixel> {
        if index < nside.n_pixels() {
            Ok(Self { nside, index })
        } else {
            Err(InvalidPixel { nside, index })
        }
    }
}

/// A pixel as a peer or a file spells it.
#[derive(Deserialize)]
struct UncheckedPixel {
    nside: Nside,
    index: u64,
}

impl TryFrom<UncheckedPixel> for Pixel {
    type Error = InvalidPixel;
    fn try_from(pixel: UncheckedPixel) -> Result<Self, InvalidPixel> {
        Self::new(pixel.nside, pixel.index)
    }
}
