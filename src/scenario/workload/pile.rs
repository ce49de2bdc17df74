//! The Pile: stands where the Refiner does and has one wave, known beforehand.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler, MessageResult};

use crate::actors::partner::{Partner, Refined, TakeMap, WaveScanned};
use crate::reco::PixelRequest;
use crate::sky::Pixel;
use crate::sky::map::{PixelOutcome, SkyMap};

/// One wave of pixels.
#[derive(Debug)]
pub(in crate::scenario) struct Pile {
    wave: Vec<(Pixel, PixelRequest)>,
    map: SkyMap,
}

/// Starts a Pile of these pixels.
pub(in crate::scenario) fn start(wave: Vec<(Pixel, PixelRequest)>) -> Partner {
    let pile = Pile {
        wave,
        map: SkyMap::default(),
    };
    pile.start().into()
}

impl Pile {
    fn keep(&mut self, outcomes: BTreeMap<Pixel, PixelOutcome>) {
        for (pixel, outcome) in outcomes {
            self.map.insert(pixel, outcome);
        }
    }
}

impl Actor for Pile {
    type Context = Context<Self>;
}

impl Handler<WaveScanned> for Pile {
    type Result = MessageResult<WaveScanned>;

    fn handle(
        &mut self,
        WaveScanned(outcomes): WaveScanned,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.keep(outcomes);
        MessageResult(Refined {
            wave: std::mem::take(&mut self.wave),
            best: None,
            map: None,
        })
    }
}

impl Handler<TakeMap> for Pile {
    type Result = Arc<SkyMap>;

    fn handle(&mut self, TakeMap(outcomes): TakeMap, _: &mut Self::Context) -> Arc<SkyMap> {
        self.keep(outcomes);
        Arc::new(std::mem::take(&mut self.map))
    }
}
