//! The Refiner: owns the maps, and decides after each wave what comes next.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use super::partner::{Partner, Refined, TakeMap, WaveScanned};
use crate::reco::PixelRequest;
use crate::scan::{self, Atlas, Next, Plan, Point, start, systematics};
use crate::sky::Pixel;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::PixelOutcome;

/// Decides which points come next.
pub trait Decide: Debug + Unpin + 'static {
    /// The next wave, from the maps of all complete waves; empty if the scan is complete.
    fn next(&mut self, atlas: &Atlas) -> Vec<(Point, PixelRequest)>;
}

/// Decides as a plan says.
#[derive(Clone, Debug)]
pub struct ByPlan {
    /// How the sky is searched.
    pub plan: Plan,
    /// Where the detector looks.
    pub frame: SkyFrame,
    /// Under so many systematics the part that matters is scanned again.
    pub n_systematics: u32,
}

impl Decide for ByPlan {
    fn next(&mut self, atlas: &Atlas) -> Vec<(Point, PixelRequest)> {
        let map = &*atlas.nominal;
        let direction = |pixel: Pixel| self.frame.to_detector(pixel.center());
        let variations = self.plan.variations();
        if atlas.varied.is_empty()
            && let Next::Wave(pixels) = scan::next(map, &self.plan)
        {
            let first = |pixel| {
                let request = start::request(map, pixel, direction(pixel));
                (Point::from(pixel), variations.around(request))
            };
            return pixels.into_iter().map(first).collect();
        }
        let points = systematics::next(atlas, &self.plan, self.n_systematics).into_iter();
        let again = |point: Point| {
            let request = start::again(map, point.pixel, direction(point.pixel));
            (point, variations.around(request))
        };
        points.map(again).collect()
    }
}

/// Owns the maps of one scan.
#[derive(Debug)]
pub struct Refiner<D> {
    decide: D,
    atlas: Atlas,
}

/// Starts a Refiner that knows nothing.
pub fn start(decide: impl Decide) -> Partner {
    let refiner = Refiner {
        decide,
        atlas: Atlas::default(),
    };
    refiner.start().into()
}

impl<D> Refiner<D> {
    fn keep(&mut self, outcomes: BTreeMap<Point, PixelOutcome>) {
        for (point, outcome) in outcomes {
            self.atlas.insert(point, outcome);
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
        let wave = self.decide.next(&self.atlas);
        let best = (self.atlas.nominal.best()).map(|(pixel, fit)| (pixel.center(), *fit));
        let map = Some(Arc::clone(&self.atlas.nominal));
        MessageResult(Refined { wave, best, map })
    }
}

impl<D: Decide> Handler<TakeMap> for Refiner<D> {
    type Result = MessageResult<TakeMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Self::Result {
        self.keep(outcomes);
        MessageResult(std::mem::take(&mut self.atlas))
    }
}
