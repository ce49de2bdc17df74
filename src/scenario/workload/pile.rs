//! The Pile: a Refiner's decisions that were made beforehand.

use std::collections::VecDeque;

use crate::actors::refiner::Decide;
use crate::event::DetectorDirection;
use crate::reco::PixelRequest;
use crate::scan::{Asked, Atlas};
use crate::sky::{Nside, Pixel};

/// One wave after the other, whatever the map is like.
#[derive(Debug)]
pub(super) struct Pile(pub(super) VecDeque<Vec<Asked>>);

impl Decide for Pile {
    fn next(&mut self, _: &Atlas) -> Vec<Asked> {
        self.0.pop_front().unwrap_or_default()
    }
}

/// A wave of so many pixels, of the coarsest resolution that has so many.
pub(super) fn wave(n_tasks: usize) -> Vec<Asked> {
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
        (pixel.into(), PixelRequest { direction, seeds })
    };
    nside.pixels().take(n_tasks).map(request).collect()
}

/// Waves of so many pixels, each pixel in one of them.
pub(super) fn waves(sizes: &[usize]) -> Vec<Vec<Asked>> {
    let mut pixels = wave(sizes.iter().sum()).into_iter();
    let next = |n: &usize| pixels.by_ref().take(*n).collect();
    sizes.iter().map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Point;

    #[test]
    fn every_task_has_a_pixel_of_its_own() {
        let wave = wave(100);
        let mut pixels: Vec<Pixel> = wave.iter().map(|(point, _)| point.pixel).collect();
        pixels.dedup();
        assert_eq!(pixels.len(), 100);
        assert_eq!(pixels[0].nside, Nside::try_from(4).unwrap());
    }

    #[test]
    fn waves_share_no_pixel() {
        let waves = waves(&[3, 40, 5]);
        assert_eq!(waves.iter().map(Vec::len).collect::<Vec<_>>(), [3, 40, 5]);
        let mut pixels: Vec<Point> = waves.concat().iter().map(|(point, _)| *point).collect();
        pixels.dedup();
        assert_eq!(pixels.len(), 48);
    }
}
