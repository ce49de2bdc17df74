//! The best fit between pixel centres, as files and the summary show it.

use serde::{Deserialize, Serialize};
use skyscan_sky::sub_pixel::SubPixelFit;

/// The best fit between pixel centres, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubPixel {
    /// Right ascension, J2000, 0 to 360.
    pub ra_deg: f64,
    /// Declination, J2000.
    pub dec_deg: f64,
    /// Negative log-likelihood there, interpolated.
    pub llh: f64,
    /// Standard deviation along the long axis of the error ellipse; never less than a pixel's spread.
    pub sigma_major_deg: f64,
    /// Along the short one.
    pub sigma_minor_deg: f64,
    /// Direction of the long axis, from north through east.
    pub position_angle_deg: f64,
}

impl From<&SubPixelFit> for SubPixel {
    fn from(fit: &SubPixelFit) -> Self {
        Self {
            ra_deg: fit.direction.ra_rad.to_degrees(),
            dec_deg: fit.direction.dec_rad.to_degrees(),
            llh: fit.llh,
            sigma_major_deg: fit.sigma_major_deg,
            sigma_minor_deg: fit.sigma_minor_deg,
            position_angle_deg: fit.position_angle_deg,
        }
    }
}
