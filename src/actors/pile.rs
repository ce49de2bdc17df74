//! The Pile: stands where the Refiner does and has one wave, known beforehand.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler, ResponseFuture};
use tokio::sync::watch;

use super::partner::{Partner, Refined, TakeMap, WaveScanned};
use super::progress::Progress;
use crate::reco::PixelRequest;
use crate::sky::Pixel;
use crate::sky::map::{PixelOutcome, SkyMap};

/// One wave of pixels, given out once enough workers are there.
#[derive(Debug)]
pub struct Pile {
    wave: Vec<(Pixel, PixelRequest)>,
    progress: watch::Receiver<Progress>,
    n_slots: usize,
    map: SkyMap,
}

/// Starts a Pile of these pixels. It waits until the Scanner that tells this progress knows of
/// `n_slots` slots.
pub fn start(
    wave: Vec<(Pixel, PixelRequest)>,
    progress: watch::Receiver<Progress>,
    n_slots: usize,
) -> Partner {
    let pile = Pile {
        wave,
        progress,
        n_slots,
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
    type Result = ResponseFuture<Refined>;

    fn handle(
        &mut self,
        WaveScanned(outcomes): WaveScanned,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.keep(outcomes);
        let wave = std::mem::take(&mut self.wave);
        let (mut progress, n_slots) = (self.progress.clone(), self.n_slots);
        Box::pin(async move {
            // A Scanner that has gone needs no answer.
            let _ = progress
                .wait_for(|progress| progress.n_slots >= n_slots || wave.is_empty())
                .await;
            Refined {
                wave,
                best: None,
                map: None,
            }
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
