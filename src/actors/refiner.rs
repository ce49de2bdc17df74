//! The Refiner: owns the maps, and decides after each wave what comes next.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use super::partner::{Foresee, Partner, Refined, TakeMap, WaveScanned};
use crate::event::DetectorDirection;
use crate::scan::{self, Asked, Atlas, Next, Plan, Point, Strategy, start, systematics};
use crate::sky::Pixel;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::{PixelOutcome, SkyMap};

/// Decides which points come next.
pub trait Decide: Debug + Unpin + 'static {
    /// The next wave, from the maps of all complete waves; empty if the scan is complete.
    fn next(&mut self, atlas: &Atlas) -> Vec<Asked>;

    /// Whether anything is foreseen of rounds to come.
    fn can_foresee(&self) -> bool {
        false
    }

    /// What the round after the running one will probably ask for, the most likely first, from the maps of all
    /// complete waves and what is known of the running one. Each part is asked for in these words, as a whole, or not
    /// at all. `None`: nothing comes of this wave that could be foreseen.
    fn foresee(
        &self,
        _atlas: &Atlas,
        _running: BTreeMap<Point, PixelOutcome>,
    ) -> Option<Vec<Vec<Asked>>> {
        None
    }
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

impl ByPlan {
    fn direction(&self, pixel: Pixel) -> DetectorDirection {
        self.frame.to_detector(pixel.center())
    }

    /// A pixel that is asked for the first time.
    fn first(&self, map: &SkyMap, pixel: Pixel) -> Asked {
        let request = start::request(map, pixel, self.direction(pixel));
        (pixel.into(), self.plan.variations().around(request))
    }
}

impl Decide for ByPlan {
    fn next(&mut self, atlas: &Atlas) -> Vec<Asked> {
        let map = &*atlas.nominal;
        if atlas.varied.is_empty()
            && let Next::Wave(pixels) = scan::next(map, &self.plan)
        {
            let first = |pixel| self.first(map, pixel);
            return pixels.into_iter().map(first).collect();
        }
        let points = systematics::next(atlas, &self.plan, self.n_systematics).into_iter();
        let again = |point: Point| {
            let request = start::again(map, point.pixel, self.direction(point.pixel));
            (point, self.plan.variations().around(request))
        };
        points.map(again).collect()
    }

    fn can_foresee(&self) -> bool {
        matches!(self.plan.strategy(), Strategy::Zoom)
    }

    fn foresee(
        &self,
        atlas: &Atlas,
        running: BTreeMap<Point, PixelOutcome>,
    ) -> Option<Vec<Vec<Asked>>> {
        let (point, _) = running.first_key_value()?;
        let is_last = self.plan.rounds().last() == Some(&point.pixel.nside);
        if point.systematic > 0 || is_last {
            return None;
        }
        let mut map = SkyMap::clone(&atlas.nominal);
        for (point, outcome) in running {
            map.insert(point.pixel, outcome);
        }
        let likely = scan::likely(&map, &self.plan).into_iter();
        let first = |pixel| self.first(&map, pixel);
        let likely = likely.map(|pixels| pixels.into_iter().map(first).collect());
        Some(likely.collect())
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
    let can_foresee = decide.can_foresee();
    let refiner = Refiner {
        decide,
        atlas: Atlas::default(),
    };
    let address = refiner.start();
    Partner {
        foresight: can_foresee.then(|| address.clone().recipient()),
        ..address.into()
    }
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

impl<D: Decide> Handler<Foresee> for Refiner<D> {
    type Result = MessageResult<Foresee>;

    fn handle(&mut self, Foresee(running): Foresee, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.decide.foresee(&self.atlas, running))
    }
}

impl<D: Decide> Handler<TakeMap> for Refiner<D> {
    type Result = MessageResult<TakeMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Self::Result {
        self.keep(outcomes);
        MessageResult(std::mem::take(&mut self.atlas))
    }
}
