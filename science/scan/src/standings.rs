//! Whom to trust with tasks: a worker that fails at what others can do is put aside for a while.
//!
//! A failure says nothing by itself: the pixel may be at fault. It is held against a worker once
//! another one has fitted the pixel. Failures are counted by task, so that a task of a thousand pixels
//! weighs as much as one of a single pixel. Who says itself that it cannot serve the scan is believed.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::protocol::WorkerId;

/// Fewer failures that others did not share say nothing.
const FEWEST_BLAMED: u32 = 3;
/// Aside goes who fails, where others do not, at this share of its tasks or more.
const MOST_BLAMED: f64 = 1.0 / 3.0;
/// After so many tasks the older ones count half, so that a worker that goes bad late is noticed.
const MEMORY: u32 = 64;
/// How long a worker stays aside at first; twice as long each time that its trial fails.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);
/// Workers that left are remembered, if something is held against them, until there are so many.
const MOST_REMEMBERED: usize = 4096;

/// A worker that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAside {
    /// Which one.
    pub worker: WorkerId,
    /// What it failed with last, while others did not; or why it cannot serve the scan.
    pub reason: String,
}

/// What is known of the workers of a scan.
#[derive(Debug, Default)]
pub(super) struct Standings {
    by_worker: HashMap<WorkerId, Standing>,
    aside: BTreeSet<WorkerId>,
    news: Vec<PutAside>,
    /// Who was put aside, or is back.
    moved: Vec<WorkerId>,
}

#[derive(Debug, Default)]
struct Standing {
    n_links: usize,
    /// Tasks that it did.
    n_good: u32,
    /// Tasks that it failed at and others did.
    n_blamed: u32,
    /// The tasks among those, so that one with many pixels counts once.
    blamed: BTreeSet<u64>,
    aside: Option<Aside>,
}

#[derive(Debug)]
struct Aside {
    since: Duration,
    pause: Duration,
    /// The task that it may have meanwhile, and since when.
    trial: Option<(u64, Duration)>,
}

impl Standings {
    /// A link of this worker is up.
    pub(super) fn up(&mut self, worker: WorkerId) {
        self.by_worker.entry(worker).or_default().n_links += 1;
    }

    /// A link of this worker is gone.
    pub(super) fn down(&mut self, worker: WorkerId) {
        let n_known = self.by_worker.len();
        let Some(standing) = self.by_worker.get_mut(&worker) else {
            return;
        };
        standing.n_links = standing.n_links.saturating_sub(1);
        let is_blameless = standing.n_blamed == 0 && standing.aside.is_none();
        if standing.n_links == 0 && (is_blameless || n_known > MOST_REMEMBERED) {
            self.by_worker.remove(&worker);
            self.take_back(worker);
        }
    }

    /// Whether somebody is there who is none of these and not put aside.
    pub(super) fn is_anyone_but(&self, tried: &[WorkerId]) -> bool {
        self.by_worker.iter().any(|(worker, standing)| {
            standing.n_links > 0 && standing.aside.is_none() && !tried.contains(worker)
        })
    }

    /// Whether a worker is put aside.
    pub(super) fn is_aside(&self, worker: WorkerId) -> bool {
        self.aside.contains(&worker)
    }

    /// How many are put aside.
    #[cfg(test)]
    pub(super) fn n_aside(&self) -> usize {
        self.aside.len()
    }

    /// A worker did a task, or part of it.
    pub(super) fn did(&mut self, worker: WorkerId, now: Duration) {
        let Some(standing) = self.by_worker.get_mut(&worker) else {
            return;
        };
        standing.n_good += 1;
        standing.forget();
        // What it had in hand when it was put aside is no trial.
        if (standing.aside.as_ref()).is_some_and(|aside| now >= aside.since + aside.pause) {
            *standing = Standing {
                n_links: standing.n_links,
                ..Standing::default()
            };
            self.take_back(worker);
        }
    }

    fn take_back(&mut self, worker: WorkerId) {
        if self.aside.remove(&worker) {
            self.moved.push(worker);
        }
    }

    /// A worker failed at a task; whether that is its own fault is not known yet. Only its trial ends.
    pub(super) fn failed(&mut self, worker: WorkerId, task: u64, now: Duration) {
        let standing = self.by_worker.get_mut(&worker);
        if let Some(aside) = standing.and_then(|standing| standing.aside.as_mut())
            && (aside.trial).is_some_and(|(trial, _)| trial == task)
        {
            aside.since = now;
            aside.pause = (2 * aside.pause).min(LONGEST_PAUSE);
            aside.trial = None;
        }
    }

    /// Another worker did what this one failed at with this task.
    pub(super) fn blame(&mut self, worker: WorkerId, task: u64, reason: &str, now: Duration) {
        let Some(standing) = self.by_worker.get_mut(&worker) else {
            return;
        };
        if standing.aside.is_some() || !standing.blamed.insert(task) {
            return;
        }
        standing.n_blamed += 1;
        let n_judged = f64::from(standing.n_good + standing.n_blamed);
        let is_much = f64::from(standing.n_blamed) >= MOST_BLAMED * n_judged;
        let goes_aside = standing.n_blamed >= FEWEST_BLAMED && is_much;
        standing.forget();
        if goes_aside {
            self.put_aside(worker, reason, now);
        }
    }

    /// A worker says itself that it cannot do anything of this scan. Returns whether it was counted on until now.
    pub(super) fn turned_down(
        &mut self,
        worker: WorkerId,
        task: u64,
        reason: &str,
        now: Duration,
    ) -> bool {
        let was_aside = self.is_aside(worker);
        match was_aside {
            true => self.failed(worker, task, now),
            false => self.put_aside(worker, reason, now),
        }
        !was_aside && self.is_aside(worker)
    }

    fn put_aside(&mut self, worker: WorkerId, reason: &str, now: Duration) {
        // Of one whose links were never counted on there is nothing to say.
        let Some(standing) = self.by_worker.get_mut(&worker) else {
            return;
        };
        standing.aside = Some(Aside {
            since: now,
            pause: FIRST_PAUSE,
            trial: None,
        });
        self.aside.insert(worker);
        self.moved.push(worker);
        self.news.push(PutAside {
            worker,
            reason: reason.to_owned(),
        });
    }

    /// A task came to an end, by whomever: if it was a trial, there may be another.
    pub(super) fn ended(&mut self, task: u64) {
        for worker in &self.aside {
            let standing = self.by_worker.get_mut(worker);
            if let Some(aside) = standing.and_then(|standing| standing.aside.as_mut())
                && (aside.trial).is_some_and(|(trial, _)| trial == task)
            {
                aside.trial = None;
            }
        }
    }

    /// Who must not get this task, which goes out now. Who was aside for long enough may have one task
    /// at a time.
    pub(super) fn avoided(&mut self, task: u64, now: Duration) -> Vec<WorkerId> {
        let mut avoided = Vec::new();
        for worker in &self.aside {
            let standing = self.by_worker.get_mut(worker);
            let Some(aside) = standing.and_then(|standing| standing.aside.as_mut()) else {
                continue;
            };
            let is_tried = (aside.trial).is_some_and(|(_, since)| now < since + aside.pause);
            if now < aside.since + aside.pause || is_tried {
                avoided.push(*worker);
            } else {
                aside.trial = Some((task, now));
            }
        }
        avoided
    }

    /// Who was put aside since the last call, or is back.
    pub(super) fn take_moved(&mut self) -> Vec<WorkerId> {
        std::mem::take(&mut self.moved)
    }

    /// Who was put aside since the last call.
    pub(super) fn take_news(&mut self) -> Vec<PutAside> {
        std::mem::take(&mut self.news)
    }
}

impl Standing {
    fn forget(&mut self) {
        if self.n_good + self.n_blamed > MEMORY {
            self.n_good /= 2;
            self.n_blamed /= 2;
            self.blamed.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: WorkerId = WorkerId([1; 16]);
    const GOOD: WorkerId = WorkerId([2; 16]);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn standings() -> Standings {
        let mut standings = Standings::default();
        standings.up(BAD);
        standings.up(GOOD);
        standings
    }

    fn put_aside() -> Standings {
        let mut standings = standings();
        for task in 0..3 {
            standings.blame(BAD, task, "broken", at(0));
        }
        standings
    }

    #[test]
    fn who_fails_at_what_others_do_is_put_aside_once() {
        let mut standings = put_aside();
        assert!(standings.is_aside(BAD) && !standings.is_aside(GOOD));
        assert!(!standings.is_anyone_but(&[GOOD]));
        standings.blame(BAD, 9, "broken", at(1));
        let news = standings.take_news();
        assert_eq!((news.len(), news[0].worker), (1, BAD));
        assert_eq!(standings.avoided(10, at(1)), [BAD]);
    }

    #[test]
    fn one_task_of_many_pixels_is_one_failure() {
        let mut standings = standings();
        for _ in 0..50 {
            standings.blame(BAD, 7, "broken", at(0));
        }
        assert!(!standings.is_aside(BAD));
    }

    #[test]
    fn who_fails_now_and_then_stays() {
        let mut standings = standings();
        for task in 0..1000 {
            standings.did(BAD, at(0));
            if task % 5 == 0 {
                standings.blame(BAD, task, "killed", at(0));
            }
        }
        assert!(!standings.is_aside(BAD));
    }

    #[test]
    fn who_goes_bad_late_is_noticed() {
        let mut standings = standings();
        (0..10_000).for_each(|_| standings.did(BAD, at(0)));
        for task in 0..64 {
            standings.blame(BAD, task, "disk full", at(0));
        }
        assert!(standings.is_aside(BAD));
    }

    #[test]
    fn after_a_pause_a_trial_decides() {
        let mut standings = put_aside();
        assert_eq!(standings.avoided(10, at(29)), [BAD]);
        assert_eq!(standings.avoided(11, at(30)), [], "task 11 is its trial");
        assert_eq!(standings.avoided(12, at(31)), [BAD], "one at a time");
        standings.failed(BAD, 11, at(32));
        assert_eq!(standings.avoided(13, at(91)), [BAD], "now for a minute");
        assert_eq!(standings.avoided(14, at(92)), []);
        // Somebody else got it: the next one is its trial.
        standings.ended(14);
        assert_eq!(standings.avoided(15, at(93)), []);
        standings.did(BAD, at(94));
        assert!(!standings.is_aside(BAD));
        assert_eq!(standings.avoided(16, at(95)), []);
        assert!(standings.is_anyone_but(&[GOOD]), "its link is still up");
    }

    #[test]
    fn a_trial_of_which_nothing_comes_is_over_after_the_pause() {
        let mut standings = put_aside();
        assert_eq!(standings.avoided(10, at(30)), []);
        assert_eq!(standings.avoided(11, at(59)), [BAD]);
        assert_eq!(standings.avoided(12, at(60)), []);
    }

    #[test]
    fn who_left_is_nobody_though_remembered() {
        let mut standings = standings();
        standings.blame(BAD, 1, "broken", at(0));
        assert!(standings.is_anyone_but(&[GOOD]));
        standings.down(BAD);
        assert!(!standings.is_anyone_but(&[GOOD]));
    }

    #[test]
    fn who_cannot_serve_is_put_aside_at_its_word_and_tried_again() {
        let mut standings = standings();
        assert!(standings.turned_down(BAD, 1, "another reco", at(0)));
        let news = standings.take_news();
        let [PutAside { worker, reason }] = &news[..] else {
            panic!("{news:?}");
        };
        assert_eq!((*worker, reason.as_str()), (BAD, "another reco"));
        assert_eq!(standings.avoided(2, at(29)), [BAD]);
        assert_eq!(standings.avoided(3, at(30)), []);
        assert!(!standings.turned_down(BAD, 3, "another reco", at(31)));
        assert_eq!(standings.avoided(4, at(90)), [BAD], "now for a minute");
        assert_eq!(standings.take_news(), [], "it is told once");
        let stranger = WorkerId([9; 16]);
        assert!(!standings.turned_down(stranger, 5, "another reco", at(31)));
        assert_eq!(standings.n_aside(), 1);
    }

    #[test]
    fn what_was_in_hand_is_no_trial() {
        let mut standings = put_aside();
        standings.did(BAD, at(1));
        assert!(standings.is_aside(BAD));
    }

    #[test]
    fn a_link_that_comes_again_is_remembered() {
        let mut standings = put_aside();
        standings.down(BAD);
        assert!(standings.is_aside(BAD));
        standings.up(BAD);
        assert_eq!(standings.avoided(10, at(1)), [BAD]);
        standings.down(GOOD);
        assert!(!standings.by_worker.contains_key(&GOOD));
    }

    #[test]
    fn whoever_failed_is_remembered_until_there_are_too_many() {
        let number = |n: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_le_bytes());
            WorkerId(id)
        };
        let mut standings = Standings::default();
        let mut fails = |n| {
            standings.up(number(n));
            standings.blame(number(n), 1, "broken", at(0));
            standings.down(number(n));
            standings.by_worker.contains_key(&number(n))
        };
        assert!((0..MOST_REMEMBERED).all(&mut fails));
        assert!(!fails(MOST_REMEMBERED));
    }

    #[test]
    fn beyond_sixty_four_tasks_what_was_counts_half() {
        let after = |n_good, n_blamed| {
            let mut standing = Standing {
                n_good,
                n_blamed,
                ..Standing::default()
            };
            standing.forget();
            (standing.n_good, standing.n_blamed)
        };
        assert_eq!(after(40, 24), (40, 24));
        assert_eq!(after(41, 24), (20, 12));
        assert_eq!(after(60, 7), (30, 3));
    }
}
