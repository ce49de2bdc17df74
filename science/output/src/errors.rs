//! The best fit with its asymmetric errors, which alerts have no place for.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ScanRecord;
use super::conventions::Conventions;
use super::summary::RegionExtent;
use skyscan_sky::Equatorial;
use skyscan_sky::sub_pixel::SubPixelFit;

/// Writes the best pixel, the fit between pixels and how far the regions reach to each side.
pub(super) fn write(scan: &ScanRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
    let regions: Vec<RegionExtent> = scan.regions.iter().map(Into::into).collect();
    let best = scan.map.best().map(|(pixel, fit)| {
        json!({
            "ra_deg": pixel.center().ra_rad.to_degrees(),
            "dec_deg": pixel.center().dec_rad.to_degrees(),
            "llh": fit.llh,
            "nside": pixel.nside,
            "index": pixel.index,
        })
    });
    let document = json!({
        "event": scan.event,
        "conventions": Conventions::of(scan),
        "complete": scan.is_complete(),
        "quality": scan.doubts(),
        "best_fit": best,
        "sub_pixel": scan.sub_pixel.as_ref().map(SubPixel::from),
        "regions": regions,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

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

pub(super) fn direction_of(direction: Equatorial) -> Value {
    json!({
        "ra_deg": direction.ra_rad.to_degrees(),
        "dec_deg": direction.dec_rad.to_degrees(),
    })
}
