//! The Refiner: owns the map, and decides after each wave what comes next.

use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use super::partner::{Refined, TakeMap, WaveScanned};
use crate::reco::PixelRequest;
use crate::scan::{Next, Plan, next, start};
use crate::sky::Pixel;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::SkyMap;

/// Owns the map of one scan.
#[derive(Debug)]
pub struct Refiner {
    plan: Plan,
    frame: SkyFrame,
    map: SkyMap,
}

impl Refiner {
    /// A Refiner with an empty map.
    pub fn new(plan: Plan, frame: SkyFrame) -> Self {
        Self {
            plan,
            frame,
            map: SkyMap::default(),
        }
    }

    fn requests(&self, pixels: Vec<Pixel>) -> Vec<(Pixel, PixelRequest)> {
        let request = |pixel: Pixel| {
            let direction = self.frame.to_detector(pixel.center());
            (pixel, start::request(&self.map, pixel, direction))
        };
        pixels.into_iter().map(request).collect()
    }
}

impl Actor for Refiner {
    type Context = Context<Self>;
}

impl Handler<WaveScanned> for Refiner {
    type Result = MessageResult<WaveScanned>;

    fn handle(
        &mut self,
        WaveScanned(outcomes): WaveScanned,
        _: &mut Self::Context,
    ) -> Self::Result {
        for (pixel, outcome) in outcomes {
            self.map.insert(pixel, outcome);
        }
        let wave = match next(&self.map, &self.plan) {
            Next::Wave(pixels) => self.requests(pixels),
            Next::Complete => Vec::new(),
        };
        let best = self.map.best().map(|(pixel, fit)| (pixel.center(), *fit));
        MessageResult(Refined { wave, best })
    }
}

impl Handler<TakeMap> for Refiner {
    type Result = Arc<SkyMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Arc<SkyMap> {
        for (pixel, outcome) in outcomes {
            self.map.insert(pixel, outcome);
        }
        Arc::new(std::mem::take(&mut self.map))
    }
}
