//! Watches a scan: tells its progress, keeps its timeline, and makes of each new map what is known of
//! the source by then.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::found::Found;
use crate::actors::progress::Progress;
use crate::cli::progress::{Interim, View};
use crate::output;
use crate::output::timeline::{Moment, Timeline};
use crate::reco::Problem;
use crate::scan::Plan;
use crate::sky::map::SkyMap;
use crate::sky::region::{Region, RegionChoice};
use crate::sky::{Equatorial, Nside};

/// Maps in between may take this share of one core's time.
const SHARE: u32 = 10;
/// But the first map as fine as this, around which a telescope can begin, is not waited for.
const FINE: u32 = 64;

/// What is needed to make something of a map.
#[derive(Debug)]
pub(super) struct Interims {
    pub(super) problem: Problem,
    pub(super) plan: Plan,
    pub(super) choice: RegionChoice,
    /// Where the files of a scan go, if anywhere.
    pub(super) out: Option<PathBuf>,
}

/// Where the largest region was.
#[derive(Clone, Debug)]
struct Standing {
    best: Equatorial,
    region: Region,
}

/// Watches until the sender of the progress is gone.
pub(super) async fn watch(
    mut progress: watch::Receiver<Progress>,
    mut view: Box<dyn View>,
    interims: Interims,
) -> Timeline {
    let interims = Arc::new(interims);
    let begun = Instant::now();
    let mut timeline = Timeline::default();
    let mut making: Option<(Instant, JoinHandle<Option<Interim>>)> = None;
    let mut pace = Pace::from(begun);
    let mut n_seen = 0;
    let mut standing: Option<Standing> = None;
    loop {
        let made = async {
            match &mut making {
                Some((since, made)) => (*since, made.await),
                None => std::future::pending().await,
            }
        };
        let changed = tokio::select! {
            changed = progress.changed() => changed,
            (since, made) = made => {
                making = None;
                pace.made(since, Instant::now());
                // A map that nothing can be made of is told of at the end.
                if let Ok(Some(interim)) = made {
                    standing = Standing::of(&interim);
                    view.interim(&interim);
                }
                continue;
            }
        };
        if changed.is_err() {
            break;
        }
        let now = progress.borrow_and_update().clone();
        if let Some(round) = now.rounds.last() {
            timeline.note(Moment {
                at_s: begun.elapsed().as_secs_f64(),
                nside: round.name.nside,
                n_done: now.rounds.iter().map(|round| round.n_done).sum(),
                n_waiting: now.n_waiting,
                n_out: now.n_out,
                n_slots: now.n_slots,
            });
        }
        view.update(&now);
        let Some(map) = now.map.filter(|map| map.len() > n_seen) else {
            continue;
        };
        let is_due = |nside| pace.is_due(nside, Instant::now());
        if making.is_none() && finest(&map).is_some_and(is_due) {
            n_seen = map.len();
            let (interims, standing) = (Arc::clone(&interims), standing.clone());
            let made = tokio::task::spawn_blocking(move || interims.make(&map, standing.as_ref()));
            making = Some((Instant::now(), made));
        }
    }
    if let Some((_, made)) = making {
        // The end follows at once; what is written is only waited for.
        let _superseded = made.await;
    }
    view.finish();
    timeline.end(begun.elapsed());
    timeline
}

impl Standing {
    fn of(interim: &Interim) -> Option<Self> {
        Some(Self {
            best: interim.best.0,
            region: interim.regions.last()?.clone(),
        })
    }
}

/// When something is made of a map, so that the scan is not slowed down by that.
#[derive(Debug)]
struct Pace {
    rests_until: Instant,
    has_fine: bool,
}

impl Pace {
    fn from(begun: Instant) -> Self {
        Self {
            rests_until: begun,
            has_fine: false,
        }
    }

    /// Whether something is to be made of a map of this resolution; if so, it is.
    fn is_due(&mut self, nside: Nside, now: Instant) -> bool {
        let is_fine = u32::from(nside) >= FINE;
        let is_due = now >= self.rests_until || is_fine && !self.has_fine;
        self.has_fine |= is_fine && is_due;
        is_due
    }

    /// It is made: begun then, done now.
    fn made(&mut self, since: Instant, now: Instant) {
        self.rests_until = now + SHARE * (now - since);
    }
}

/// The finest resolution of a map.
fn finest(map: &SkyMap) -> Option<Nside> {
    map.rounds().keys().next_back().copied()
}

impl Interims {
    fn make(&self, map: &SkyMap, before: Option<&Standing>) -> Option<Interim> {
        let found = Found::on(map, &self.choice, false, false, &self.problem, &self.plan);
        let (pixel, fit) = map.best()?;
        let nside = finest(map)?;
        let best = pixel.center();
        // In the first round nothing is known yet of what lies between its pixels.
        let is_stable = nside > self.plan.rounds()[0]
            && found
                .regions
                .last()
                .zip(before)
                .is_some_and(|(region, before)| {
                    region.is_closed() && region.stands_where(best, &before.region, before.best)
                });
        let files = self.out.as_ref().map(|out| {
            let record = found.record(map, &self.problem);
            output::interim::write(out, &record)
        });
        let files = match files {
            None => Vec::new(),
            Some(Ok(files)) => files,
            Some(Err(error)) => {
                tracing::warn!(%error, "no interim files");
                Vec::new()
            }
        };
        Some(Interim {
            nside,
            best: (best, *fit),
            regions: found.regions,
            is_stable,
            files,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn maps_in_between_take_a_tenth_of_the_time_but_the_first_fine_one_is_not_waited_for() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let nside = |nside| Nside::try_from(nside).unwrap();
        let mut pace = Pace::from(begun);
        assert!(pace.is_due(nside(4), at(300)));
        pace.made(at(300), at(340));
        assert!(!pace.is_due(nside(8), at(400)));
        assert!(!pace.is_due(nside(32), at(739)));
        assert!(pace.is_due(nside(64), at(500)));
        pace.made(at(500), at(540));
        assert!(!pace.is_due(nside(128), at(600)), "only the first one");
        assert!(pace.is_due(nside(128), at(940)));
    }
}
