//! The lowest point of the paraboloid around a pixel, and its curvature there.

use super::{Node, Surface};
use crate::map::PixelOutcome;
use crate::{Equatorial, Pixel};

/// A paraboloid that opens upwards, close to a pixel's centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bowl {
    pub(crate) bottom: Equatorial,
    pub(crate) llh: f64,
    /// Standard deviations of a likelihood of this curvature: the inverse roots of its second
    /// derivatives along the axes.
    pub(crate) sigma_major_rad: f64,
    pub(crate) sigma_minor_rad: f64,
    /// Of the long axis, from north through east.
    pub(crate) position_angle_rad: f64,
}

/// The bottom may lie this far from the centre, in units of a pixel's radius: in the pixel itself or
/// just beyond, where noise may have put it.
const FARTHEST: f64 = 1.0;

impl Surface<'_> {
    /// None if the pixel was not fitted, or if the paraboloid through its neighbours has no bottom
    /// close by.
    pub(crate) fn bowl(&mut self, pixel: Pixel) -> Option<Bowl> {
        let Some(PixelOutcome::Fitted(_)) = self.map.get(pixel) else {
            return None;
        };
        let level = self.nsides.iter().position(|&n| n == pixel.nside)?;
        let node = self.node(level, pixel)?;
        node.bowl(pixel.center())
    }
}

impl Node {
    fn bowl(&self, centre: Equatorial) -> Option<Bowl> {
        let [gx, gy, xx, xy, yy] = self.slopes?;
        let determinant = xx * yy - xy * xy;
        if !(xx > 0.0 && determinant > 0.0) {
            return None;
        }
        let (x, y) = (
            (xy * gy - yy * gx) / determinant,
            (xy * gx - xx * gy) / determinant,
        );
        let distance = libm::hypot(x, y);
        if distance > FARTHEST {
            return None;
        }
        // Eigenvalues of the second derivatives; the long axis belongs to the smaller one.
        let (middle, spread) = (0.5 * (xx + yy), libm::hypot(0.5 * (xx - yy), xy));
        let flattest = determinant / (middle + spread);
        let (long_x, long_y) = if spread > 0.0 {
            let half_turn = 0.5 * libm::atan2(2.0 * xy, xx - yy);
            (-libm::sin(half_turn), libm::cos(half_turn))
        } else {
            (0.0, 1.0)
        };
        let units = self.plane.units_per_rad;
        let (sin, cos) = libm::sincos(distance / units);
        let along = if distance > 0.0 { sin / distance } else { 0.0 };
        let start = centre.to_vector();
        let vector =
            [0, 1, 2].map(|i| start[i] * cos + along * (x * self.plane.x[i] + y * self.plane.y[i]));
        Some(Bowl {
            bottom: Equatorial::from_vector(vector),
            llh: self.llh + 0.5 * (gx * x + gy * y),
            sigma_major_rad: 1.0 / (flattest.sqrt() * units),
            sigma_minor_rad: 1.0 / ((middle + spread).sqrt() * units),
            position_angle_rad: libm::atan2(long_x, long_y),
        })
    }
}
