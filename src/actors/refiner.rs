//! The Refiner: owns the map, and decides after each wave what comes next.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use super::partner::{Partner, Refined, TakeMap, WaveScanned};
use crate::reco::PixelRequest;
use crate::scan::{self, Next, Plan};
use crate::sky::Pixel;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::{PixelOutcome, SkyMap};

/// Decides which pixels come next.
pub trait Decide: Debug + Unpin + 'static {
    /// The next wave, from the map of all complete waves; empty if the scan is complete.
    fn next(&mut self, map: &SkyMap) -> Vec<(Pixel, PixelRequest)>;
}

/// Decides as a plan says.
#[derive(Clone, Debug)]
pub struct ByPlan {
    /// How the sky is searched.
    pub plan: Plan,
    /// Where the detector looks.
    pub frame: SkyFrame,
}

impl Decide for ByPlan {
    fn next(&mut self, map: &SkyMap) -> Vec<(Pixel, PixelRequest)> {
        let request = |pixel: Pixel| {
            let direction = self.frame.to_detector(pixel.center());
            (pixel, scan::start::request(map, pixel, direction))
        };
        match scan::next(map, &self.plan) {
            Next::Wave(pixels) => pixels.into_iter().map(request).collect(),
            Next::Complete => Vec::new(),
        }
    }
}

/// Owns the map of one scan.
#[derive(Debug)]
pub struct Refiner<D> {
    decide: D,
    /// Shared with those who watch; copied when it grows while they still look.
    map: Arc<SkyMap>,
}

/// Starts a Refiner with an empty map.
pub fn start(decide: impl Decide) -> Partner {
    let refiner = Refiner {
        decide,
        map: Arc::default(),
    };
    refiner.start().into()
}

impl<D> Refiner<D> {
    fn keep(&mut self, outcomes: BTreeMap<Pixel, PixelOutcome>) {
        if outcomes.is_empty() {
            return;
        }
        let map = Arc::make_mut(&mut self.map);
        for (pixel, outcome) in outcomes {
            map.insert(pixel, outcome);
        }
    }
}

impl<D: Decide> Actor for Refiner<D> {
    type Context = Context<Self>;
}

impl<D: Decide> Handler<WaveScanned> for Refiner<D> {
    type Result = MessageResult<WaveScanned>;

    fn handle(
        &mut self,
        WaveScanned(outcomes): WaveScanned,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.keep(outcomes);
        let wave = self.decide.next(&self.map);
        let best = self.map.best().map(|(pixel, fit)| (pixel.center(), *fit));
        let map = Some(Arc::clone(&self.map));
        MessageResult(Refined { wave, best, map })
    }
}

impl<D: Decide> Handler<TakeMap> for Refiner<D> {
    type Result = Arc<SkyMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Arc<SkyMap> {
        self.keep(outcomes);
        std::mem::take(&mut self.map)
    }
}
