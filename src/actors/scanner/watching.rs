//! What a Scanner does about nothing: nobody comes to work, or nothing comes of the work.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use skyscan_transport::TaskId;

use super::whereabouts::Whereabouts;
use super::{Ending, Phase, Scanner};
use crate::scan::Point;
use crate::scan::{CopyReason, Stall};

/// How often it looks.
const TICK: Duration = Duration::from_secs(1);
/// Nobody there for so long is told; then after twice as long, and so on, up to the longest.
const ALONE_TOLD: Duration = Duration::from_secs(5);
const ALONE_TOLD_AT_LEAST: Duration = Duration::from_secs(3600);

/// Who has just come gets so long before anybody wonders what it does.
const SETTLING: Duration = Duration::from_secs(10);

/// Since when nobody is there, or somebody.
#[derive(Debug, Default)]
pub(super) struct Watch {
    alone_since: Option<Duration>,
    settled_at: Duration,
    told_after: Duration,
    has_anyone_come: bool,
}

impl Watch {
    /// Somebody is there.
    fn has_company(&mut self, now: Duration) {
        if self.alone_since.take().is_some() {
            self.settled_at = now + SETTLING;
        }
        self.has_anyone_come = true;
    }

    /// Whether who came last has had the time to do something.
    fn is_settled(&self, now: Duration) -> bool {
        now >= self.settled_at
    }
}

impl Scanner {
    /// Looks from time to time whether anything goes on.
    pub(super) fn watch_in_time(&mut self, context: &mut Context<Self>) {
        context.run_later(TICK, |actor, context| {
            if actor.phase == Phase::Scanning {
                actor.watch(context);
            }
            if actor.phase != Phase::Concluding {
                actor.watch_in_time(context);
            }
        });
    }

    fn watch(&mut self, context: &mut Context<Self>) {
        let now = self.begun.elapsed();
        if self.keeping.is_paused() {
            return self.ledger.pauses(now);
        }
        let waited = self.ledger.without_progress(now);
        if let Some(give_up) = self.policy.give_up
            && waited >= give_up
        {
            return self.conclude(Ending::GaveUp(waited), context);
        }
        self.tell_of_hung();
        // Who was put aside may be back.
        self.recount();
        if self.links.len() == 0 {
            return self.tell_alone(now);
        }
        self.watch.has_company(now);
        if self.ledger.has_waited_enough(now) {
            self.hand_out(context);
        }
        // Those who are put aside or hang count here: this is the last resort.
        if self.watch.is_settled(now)
            && let Some((stall, again)) = self.ledger.stalled(self.links.all_slots(), now)
        {
            self.hung.forget();
            self.recount();
            self.meters.stalled();
            self.tell_of(stall, again.len(), context);
            for task in again {
                self.meters.copied(CopyReason::Stalled);
                self.send(task);
            }
            self.hand_out(context);
        }
    }

    /// Says which pixels are waited for and which links have them, as the hub knows.
    fn tell_of(&mut self, stall: Stall, n_again: usize, context: &mut Context<Self>) {
        let hub = Arc::clone(&self.hub);
        let tasks = stall.tasks.iter().copied().map(TaskId).collect();
        let asking = async move { hub.holders(tasks).await };
        context.spawn(asking.into_actor(self).map(move |held, actor, context| {
            if actor.phase == Phase::Concluding {
                return;
            }
            let held = match held {
                Ok(held) => Whereabouts::new(held),
                Err(error) => return actor.end(Err(error), context),
            };
            let n_held = held.n_held(&stall.tasks);
            actor.meters.stalled_at(n_held, stall.tasks.len() - n_held);
            let named = |(Point { systematic, pixel }, tasks): &(Point, Vec<u64>)| {
                let whereabouts = held.of(tasks, &actor.links);
                let under = match systematic {
                    0 => String::new(),
                    number => format!(" under systematic {number}"),
                };
                format!(
                    "{} of nside {}{under} ({whereabouts})",
                    pixel.index, pixel.nside
                )
            };
            let pixels: Vec<String> = stall.pixels.iter().map(named).collect();
            tracing::warn!(
                pixels = pixels.join(", "),
                n_pixels = stall.n_open,
                idle_slots = stall.n_idle,
                links = held.links(&actor.links),
                held = n_held,
                waiting = stall.tasks.len() - n_held,
                again = n_again,
                "no result for {} s: tasks are handed out again; look at what the workers do",
                stall.since.as_secs()
            );
        }));
    }

    /// Nobody there is nothing wrong; but those who wait should know what to look at.
    fn tell_alone(&mut self, now: Duration) {
        let since = *self.watch.alone_since.get_or_insert_with(|| {
            self.watch.told_after = ALONE_TOLD;
            now
        });
        let waited = now.saturating_sub(since);
        // Of workers that offer something else it is told otherwise.
        let is_told = self.offers.only_others() || !self.policy.tells_of_waiting;
        if waited < self.watch.told_after || is_told {
            return;
        }
        let longer = (2 * waited).max(2 * self.watch.told_after);
        self.watch.told_after = longer.min(waited + ALONE_TOLD_AT_LEAST);
        let seconds = waited.as_secs();
        match self.watch.has_anyone_come {
            false => tracing::warn!(
                "no worker has come for {seconds} s: start skyscan worker with this --transport, \
                 in which it names this machine, and check that it reaches it from there"
            ),
            true => tracing::warn!(
                "all workers left {seconds} s ago: start others, or check that these still reach the \
                 address of --transport"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_after_a_pause_has_time_to_settle_and_who_stays_is_looked_at() {
        let at = Duration::from_secs;
        let mut watch = Watch::default();
        watch.has_company(at(0));
        assert!(watch.is_settled(at(0)));
        watch.alone_since = Some(at(20));
        watch.has_company(at(90));
        watch.has_company(at(91));
        assert!(!watch.is_settled(at(99)));
        assert!(watch.is_settled(at(100)));
    }
}
