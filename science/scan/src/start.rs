//! Where the minimisation in a pixel may begin: the optima of the coarser round around it.
//!
//! Only coarser rounds count, so a pixel's result does not depend on which of its own round came
//! first.

use skyscan_event::DetectorDirection;
use skyscan_reco::{PixelRequest, VertexSeed};
use skyscan_sky::Pixel;
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};

/// The request for one pixel, whose centre lies at `direction` in the detector's coordinates.
pub fn request(map: &SkyMap, pixel: Pixel, direction: DetectorDirection) -> PixelRequest {
    let coarser = map
        .rounds()
        .keys()
        .rev()
        .filter(|nside| **nside < pixel.nside);
    let seeds = coarser
        .map(|nside| around(map, pixel.parent(*nside)))
        .find(|seeds| !seeds.is_empty())
        .unwrap_or_default();
    PixelRequest { direction, seeds }
}

/// The request for a pixel that is looked at again: it begins where the first look ended, there and beside; where
/// there was none, as the first look would.
pub fn again(map: &SkyMap, pixel: Pixel, direction: DetectorDirection) -> PixelRequest {
    match around(map, pixel) {
        seeds if seeds.is_empty() => request(map, pixel, direction),
        seeds => PixelRequest { direction, seeds },
    }
}

/// The optimum of a pixel and the best one among its neighbours'.
fn around(map: &SkyMap, pixel: Pixel) -> Vec<VertexSeed> {
    let fitted = |pixel: &Pixel| match map.get(*pixel) {
        Some(PixelOutcome::Fitted(fit)) => Some(fit),
        Some(PixelOutcome::Failed(_)) | None => None,
    };
    let neighbours = pixel.neighbours();
    let best_beside = neighbours
        .iter()
        .filter_map(fitted)
        .min_by(|a, b| a.llh.total_cmp(&b.llh));
    let seed = |fit: &PixelFit| VertexSeed {
        position_m: fit.position_m,
        time_ns: fit.time_ns,
    };
    fitted(&pixel)
        .into_iter()
        .chain(best_beside)
        .map(seed)
        .collect()
}
