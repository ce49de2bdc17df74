//! The Gate: stands before another partner in a replay, and opens once enough workers are there.

use actix::{Actor, Context, Handler, ResponseFuture};
use tokio::sync::watch;

use crate::actors::partner::{Partner, Refined, TakeMap, WaveScanned};
use crate::actors::progress::Progress;
use crate::scan::Atlas;

/// Lets nothing through until enough workers are there, then everything.
#[derive(Debug)]
pub(in crate::scenario) struct Gate {
    inner: Partner,
    progress: watch::Receiver<Progress>,
    /// What it still waits for.
    n_slots: usize,
}

/// Starts a Gate before a partner. It opens when the Scanner that tells this progress knows of
/// `n_slots` slots.
pub(in crate::scenario) fn start(
    inner: Partner,
    progress: watch::Receiver<Progress>,
    n_slots: usize,
) -> Partner {
    let foresight = inner.foresight.clone();
    let gate = Gate {
        inner,
        progress,
        n_slots,
    };
    Partner {
        foresight,
        ..gate.start().into()
    }
}

impl Actor for Gate {
    type Context = Context<Self>;
}

impl Handler<WaveScanned> for Gate {
    type Result = ResponseFuture<Refined>;

    fn handle(&mut self, scanned: WaveScanned, _: &mut Self::Context) -> Self::Result {
        let (inner, mut progress) = (self.inner.clone(), self.progress.clone());
        // Workers may go later on: it stays open.
        let n_slots = std::mem::take(&mut self.n_slots);
        Box::pin(async move {
            // A Scanner that has gone needs no answer.
            let _ = progress.wait_for(|now| now.n_slots >= n_slots).await;
            inner.waves.send(scanned).await.unwrap_or(Refined {
                wave: Vec::new(),
                best: None,
                map: None,
            })
        })
    }
}

impl Handler<TakeMap> for Gate {
    type Result = ResponseFuture<Atlas>;

    fn handle(&mut self, take: TakeMap, _: &mut Self::Context) -> Self::Result {
        let inner = self.inner.clone();
        Box::pin(async move { inner.map.send(take).await.unwrap_or_default() })
    }
}
