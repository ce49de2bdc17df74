//! Where else the source may be, as files and the summary show it.

use std::fmt::{self, Formatter};

use serde::{Deserialize, Serialize};
use skyscan_sky::map::SkyMap;
use skyscan_sky::region::Region;

use crate::doubt::widest;
use crate::sexagesimal;

/// The best pixel in another island of the largest region than that of the best fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondMinimum {
    /// Right ascension, J2000, 0 to 360.
    pub ra_deg: f64,
    /// Declination, J2000.
    pub dec_deg: f64,
    /// Negative log-likelihood there.
    pub llh: f64,
    /// `2 (llh - llh_best)`.
    pub excess: f64,
    /// How far from the best fit it is.
    pub separation_deg: f64,
}

impl SecondMinimum {
    /// Of a map and its regions; none if the largest of them is in one piece.
    pub fn of(map: &SkyMap, regions: &[Region]) -> Option<Self> {
        let (best_pixel, best) = map.best()?;
        let (pixel, fit) = widest(regions)?.second_minimum(map)?;
        let at = pixel.center();
        Some(Self {
            ra_deg: at.ra_rad.to_degrees(),
            dec_deg: at.dec_rad.to_degrees(),
            llh: fit.llh,
            excess: 2.0 * (fit.llh - best.llh),
            separation_deg: best_pixel.center().separation_rad(at).to_degrees(),
        })
    }

    /// One line for people.
    pub(crate) fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  Second  RA {}, Dec {:+.2} deg, {:.1} deg away, 2 dllh {:.1}, in another island",
            sexagesimal::ra_degrees(self.ra_deg),
            self.dec_deg,
            self.separation_deg,
            self.excess
        )
    }
}
