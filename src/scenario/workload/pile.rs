//! The Pile: a Refiner's decision that was made beforehand.

use crate::actors::refiner::Decide;
use crate::reco::PixelRequest;
use crate::sky::Pixel;
use crate::sky::map::SkyMap;

/// One wave, whatever the map is like.
#[derive(Debug)]
pub(super) struct Pile(pub(super) Vec<(Pixel, PixelRequest)>);

impl Decide for Pile {
    fn next(&mut self, _: &SkyMap) -> Vec<(Pixel, PixelRequest)> {
        std::mem::take(&mut self.0)
    }
}
