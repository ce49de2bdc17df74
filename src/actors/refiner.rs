//! The Refiner: owns the map, and decides after each wave what comes next.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use super::partner::{Partner, Refined, TakeMap, WaveScanned};
use crate::reco::PixelRequest;
use crate::scan::{Next, Plan, next, start};
use crate::sky::Pixel;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::{PixelOutcome, SkyMap};

/// Owns the map of one scan.
#[derive(Debug)]
pub struct Refiner {
    plan: Plan,
    frame: SkyFrame,
    /// Shared with those who watch; copied when it grows while they still look.
    map: Arc<SkyMap>,
}

/// Starts a Refiner with an empty map.
pub fn start(plan: Plan, frame: SkyFrame) -> Partner {
    let refiner = Refiner {
        plan,
        frame,
        map: Arc::default(),
    };
    refiner.start().into()
}

impl Refiner {
    fn keep(&mut self, outcomes: BTreeMap<Pixel, PixelOutcome>) {
        if outcomes.is_empty() {
            return;
        }
        let map = Arc::make_mut(&mut self.map);
        for (pixel, outcome) in outcomes {
            map.insert(pixel, outcome);
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
        self.keep(outcomes);
        let wave = match next(&self.map, &self.plan) {
            Next::Wave(pixels) => self.requests(pixels),
            Next::Complete => Vec::new(),
        };
        let best = self.map.best().map(|(pixel, fit)| (pixel.center(), *fit));
        let map = Some(Arc::clone(&self.map));
        MessageResult(Refined { wave, best, map })
    }
}

impl Handler<TakeMap> for Refiner {
    type Result = Arc<SkyMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Arc<SkyMap> {
        self.keep(outcomes);
        std::mem::take(&mut self.map)
    }
}
