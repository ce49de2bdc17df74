//! The best pixel of another island than the one with the best fit.

use super::Region;
use crate::Pixel;
use crate::contour::Contour;
use crate::map::{PixelFit, PixelOutcome, SkyMap};

impl Region {
    /// The best pixel in another island of the region than that of the best fit; none if there is only one.
    pub fn second_minimum(&self, map: &SkyMap) -> Option<(Pixel, PixelFit)> {
        let (best_pixel, best) = map.best()?;
        let edges: Vec<Contour> = (self.polygons().into_iter())
            .filter_map(|polygon| polygon.edge)
            .collect();
        let (own, others): (Vec<&Contour>, Vec<&Contour>) =
            (edges.iter()).partition(|edge| edge.encloses(best_pixel.center()));
        let threshold = best.llh + 0.5 * self.contour_level;
        let pixels = map.rounds().iter().flat_map(|(&nside, pixels)| {
            let pixel = move |index: u64| Pixel { nside, index };
            pixels
                .iter()
                .map(move |(&index, outcome)| (pixel(index), outcome))
        });
        let elsewhere = pixels.filter_map(|(pixel, outcome)| {
            let PixelOutcome::Fitted(fit) = outcome else {
                return None;
            };
            let at = pixel.center();
            let is_finest = map.at(at).is_some_and(|(finest, _)| finest == pixel);
            let is_elsewhere = || {
                !own.iter().any(|edge| edge.encloses(at))
                    && others.iter().any(|edge| edge.encloses(at))
            };
            (fit.llh <= threshold && is_finest && is_elsewhere()).then_some((pixel, *fit))
        });
        elsewhere.min_by(|a, b| a.1.llh.total_cmp(&b.1.llh))
    }
}
