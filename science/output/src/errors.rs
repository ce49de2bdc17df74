//! The best fit with its asymmetric errors, which alerts have no place for.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::conventions::Conventions;
use super::summary::RegionExtent;
use super::{ScanRecord, SecondMinimum, SubPixel};
use skyscan_sky::Equatorial;

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
        "second_minimum": SecondMinimum::of(scan.map, scan.regions),
        "regions": regions,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

pub(super) fn direction_of(direction: Equatorial) -> Value {
    json!({
        "ra_deg": direction.ra_rad.to_degrees(),
        "dec_deg": direction.dec_rad.to_degrees(),
    })
}
