//! How far an answer is from what really happened, where a simulation tells.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::percent;
use skyscan_sky::Equatorial;
use skyscan_sky::region::Region;

/// The true direction beside the answer of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OffTruth {
    /// True right ascension, J2000.
    pub ra_deg: f64,
    /// True declination, J2000.
    pub dec_deg: f64,
    /// From the best direction.
    pub separation_deg: f64,
    /// Containment of the smallest region that holds the truth; none if no region does.
    pub inside: Option<f64>,
}

impl OffTruth {
    /// Sets the best direction and its regions, the smallest first, beside the truth.
    pub fn of(truth: Equatorial, best: Equatorial, regions: &[Region]) -> Self {
        let holding = regions.iter().find(|region| region.contains(truth));
        Self {
            ra_deg: truth.ra_rad.to_degrees(),
            dec_deg: truth.dec_rad.to_degrees(),
            separation_deg: truth.separation_rad(best).to_degrees(),
            inside: holding.map(|region| region.containment),
        }
    }
}

impl Display for OffTruth {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (ra, dec) = (self.ra_deg, self.dec_deg);
        let off = self.separation_deg;
        write!(f, "RA {ra:.3}  Dec {dec:+.3}, {off:.3} deg off, ")?;
        match self.inside {
            Some(share) => write!(f, "inside the {} % region", percent(share)),
            None => f.write_str("OUTSIDE of all regions"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::Nside;
    use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
    use skyscan_sky::region::RegionMethod;

    #[test]
    fn the_smallest_region_around_the_truth_is_named() {
        let at = |ra_deg: f64| Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: 0.0,
        };
        let mut map = SkyMap::default();
        for pixel in Nside::try_from(64).unwrap().pixels() {
            // Standard deviation 5 degrees: 50 % within 5.9, 90 % within 10.7.
            let off = pixel.center().separation_rad(at(80.0)).to_degrees() / 5.0;
            let fit = PixelFit {
                llh: 0.5 * off * off,
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
        }
        let regions = RegionMethod::Wilks.regions(&map);
        let inside = |ra_deg: f64| OffTruth::of(at(ra_deg), at(80.0), &regions).inside;
        assert_eq!(
            (inside(84.0), inside(88.0), inside(93.0)),
            (Some(0.5), Some(0.9), None)
        );
        let off = OffTruth::of(at(88.0), at(80.0), &regions);
        assert!((off.separation_deg - 8.0).abs() < 1e-9);
        assert_eq!(
            off.to_string(),
            "RA 88.000  Dec +0.000, 8.000 deg off, inside the 90 % region"
        );
    }
}
