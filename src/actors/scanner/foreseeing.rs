//! What a Scanner does with slots that the end of a wave leaves idle: they get what the next round will probably ask
//! for.
//!
//! Decision: Idle slots work ahead (`docs/decisions.md`).

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::{Phase, Scanner};
use crate::actors::partner::Foresee;
use crate::scan::Adopted;

impl Scanner {
    /// Hands out what is foreseen, and asks for more where that is worth it.
    pub(super) fn work_ahead(&mut self, context: &mut Context<Self>) {
        let window = self.policy.window.unwrap_or(usize::MAX);
        let (n_slots, now) = (self.links.n_slots.min(window), self.begun.elapsed());
        while let Some(task) = self.ledger.cut_ahead(n_slots, now) {
            self.meters.went_ahead();
            self.send(task);
        }
        let Some(partner) = self.partner.foresight.as_ref() else {
            return;
        };
        if self.is_foreseeing || !self.ledger.wants_foresight(n_slots) {
            return;
        }
        self.is_foreseeing = true;
        let n_wave = self.ledger.n_waves();
        let outcomes = self.ledger.outcomes().clone();
        let asking = partner.send(Foresee(outcomes));
        context.spawn(
            asking
                .into_actor(self)
                .map(move |foreseen, actor, context| {
                    actor.is_foreseeing = false;
                    // Without an answer the scan does without.
                    let Ok(likely) = foreseen else {
                        return;
                    };
                    actor.ledger.foresee(n_wave, likely);
                    if actor.phase == Phase::Scanning {
                        actor.hand_out(context);
                    }
                }),
        );
    }

    /// Tells of results that were there before their wave.
    pub(super) fn adopt(&mut self, done: &[Adopted]) {
        if done.is_empty() {
            return;
        }
        for adopted in done {
            if let Some(first) = adopted.points.first() {
                let (nside, n_pixels) = (first.pixel.nside, adopted.points.len() as u64);
                self.meters.pixels(nside, n_pixels, 0, adopted.seconds);
            }
        }
        let n_pixels: usize = done.iter().map(|adopted| adopted.points.len()).sum();
        self.tell_known(n_pixels);
        self.keep_adopted(done);
    }
}
