//! The Pile: a Refiner's decision that was made beforehand.

use crate::actors::refiner::Decide;
use crate::event::DetectorDirection;
use crate::reco::PixelRequest;
use crate::sky::map::SkyMap;
use crate::sky::{Nside, Pixel};

/// One wave, whatever the map is like.
#[derive(Debug)]
pub(super) struct Pile(pub(super) Vec<(Pixel, PixelRequest)>);

impl Decide for Pile {
    fn next(&mut self, _: &SkyMap) -> Vec<(Pixel, PixelRequest)> {
        std::mem::take(&mut self.0)
    }
}

/// A wave of so many pixels, of the coarsest resolution that has so many.
pub(super) fn wave(n_tasks: usize) -> Vec<(Pixel, PixelRequest)> {
    let enough = |order: &u32| 12 * 4u64.pow(*order) >= n_tasks as u64;
    let order = (0..=20).find(enough).unwrap_or(20);
    let nside = Nside::try_from(1 << order).expect("a power of two");
    let request = |pixel: Pixel| {
        let center = pixel.center();
        let direction = DetectorDirection {
            zenith_rad: std::f64::consts::FRAC_PI_2 - center.dec_rad,
            azimuth_rad: center.ra_rad,
        };
        let seeds = Vec::new();
        (pixel, PixelRequest { direction, seeds })
    };
    nside.pixels().take(n_tasks).map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_pixel_of_its_own() {
        let wave = wave(100);
        let mut pixels: Vec<Pixel> = wave.iter().map(|(pixel, _)| *pixel).collect();
        pixels.dedup();
        assert_eq!(pixels.len(), 100);
        assert_eq!(pixels[0].nside, Nside::try_from(4).unwrap());
    }
}
