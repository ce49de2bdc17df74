//! Pixels that failed or were lost: whose fault that was is open until another worker has tried.
//!
//! Decision: A task lost too often is given back by whoever gets it next (`docs/decisions.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Point;
use crate::protocol::WorkerId;

/// So often is a pixel lost with its worker before it goes out alone, after all others.
pub(super) const LOST_BEFORE_ALONE: u32 = 8;
/// So often before it is given up: it takes its workers with it ...
pub(super) const LOST_FOR_GOOD: u32 = 20;
/// ... and so often where workers go anyway: a pixel of half an hour outlives few machines of which one in twenty
/// goes every minute.
const LOST_FOR_GOOD_WHERE_MANY_GO: u32 = 100;
/// Many go where so many results came at a later attempt: more than what eight losses of one pixel take along on a
/// machine of 64 slots that holds a task ahead for each, ...
const MANY_LATER: u64 = 1000;
/// ... one of so many.
const MANY_OF: u64 = 20;

/// After so many times the failures that it takes at different workers, none is waited for any more: who
/// seems to be there and is not asked may be no worker at all, such as what a relay holds ready.
const STUBBORN: u32 = 4;

/// What was turned down waits for so long, and twice as long the next time, ...
const TURNED_DOWN_PAUSE: Duration = Duration::from_secs(1);
/// ... up to so many times, four minutes altogether; then those who failed at it get it again.
const MOST_TURNED_DOWN: u32 = 8;

/// Pixels with failures or losses, or that were turned down; all others have no entry.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    pixels: BTreeMap<Point, Trouble>,
    /// Tasks that were done, ...
    n_done: u64,
    /// ... and of these, after they were lost. What takes its worker with it is never done, and goes out alone after
    /// eight times, so many of these tell that workers go by themselves.
    n_done_later: u64,
}

/// What happened to a pixel so far.
#[derive(Debug, Default)]
struct Trouble {
    /// At whom it failed, each once.
    failed_at: Vec<WorkerId>,
    n_failures: u32,
    n_lost: u32,
    /// How often a worker got it that cannot serve the scan.
    n_turned_down: u32,
    /// Who failed at it with which task; whoever fits it proves them wrong.
    suspects: Vec<(WorkerId, u64)>,
    /// Somebody is there who has not tried it, and does not take it.
    waited_in_vain: bool,
    /// How it failed last.
    reason: String,
}

/// What follows from a failure or a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    Open,
    /// It fails for good, with this reason.
    Failed(String),
}

impl Troubles {
    /// A pixel failed at a worker, in a task of which nothing else can be the cause. It fails for good
    /// after `fail_after` failures at different workers; where there are none left who have not tried
    /// (`is_anyone_left` says so, given those who have), after as many attempts.
    pub(super) fn failed(
        &mut self,
        pixel: Point,
        (worker, task): (WorkerId, u64),
        reason: String,
        fail_after: u32,
        is_anyone_left: impl FnOnce(&[WorkerId]) -> bool,
    ) -> Verdict {
        let trouble = self.pixels.entry(pixel).or_default();
        trouble.n_failures += 1;
        trouble.suspects.push((worker, task));
        if !trouble.failed_at.contains(&worker) {
            trouble.failed_at.push(worker);
        }
        trouble.reason = reason;
        let n_workers = trouble.failed_at.len() as u32;
        let is_confirmed = n_workers >= fail_after;
        let is_enough = trouble.n_failures >= fail_after
            && (trouble.waited_in_vain || !is_anyone_left(&trouble.failed_at));
        let is_stubborn = trouble.n_failures >= STUBBORN.saturating_mul(fail_after);
        if !(is_confirmed || is_enough || is_stubborn) {
            return Verdict::Open;
        }
        let reason = &trouble.reason;
        Verdict::Failed(match (n_workers, trouble.n_failures) {
            (1, 1) => reason.clone(),
            (1, n) => format!("{reason} ({n} times; only 1 worker saw it)"),
            (n_workers, _) if is_confirmed => format!("{reason} (at {n_workers} workers)"),
            (n_workers, n) => format!("{reason} ({n} times; only {n_workers} workers saw it)"),
        })
    }

    /// Nobody took the pixel for so long that those who failed at it get it again: no other judgement is
    /// to be had.
    pub(super) fn waited_in_vain(&mut self, pixel: Point) {
        if let Some(trouble) = self.pixels.get_mut(&pixel) {
            trouble.waited_in_vain = true;
        }
    }

    /// These pixels were with a worker that cannot serve the scan. Returns how long they should wait for others.
    pub(super) fn turned_down(&mut self, pixels: impl Iterator<Item = Point>) -> Duration {
        let mut most = 1;
        for pixel in pixels {
            let trouble = self.pixels.entry(pixel).or_default();
            trouble.n_turned_down = (trouble.n_turned_down + 1).min(MOST_TURNED_DOWN);
            trouble.waited_in_vain |= trouble.n_turned_down == MOST_TURNED_DOWN;
            most = most.max(trouble.n_turned_down);
        }
        TURNED_DOWN_PAUSE * (1 << (most - 1))
    }

    /// A task of several pixels failed as a whole: any of them may have caused that, or its worker.
    pub(super) fn suspect(&mut self, pixel: Point, by: (WorkerId, u64), reason: &str) {
        let trouble = self.pixels.entry(pixel).or_default();
        trouble.suspects.push(by);
        reason.clone_into(&mut trouble.reason);
    }

    /// A task was done at this attempt.
    pub(super) fn done(&mut self, attempt: u32) {
        self.n_done += 1;
        self.n_done_later += u64::from(attempt > 1);
    }

    /// How often a pixel may be lost before it is given up.
    fn lost_for_good(&self) -> u32 {
        let later = self.n_done_later;
        match later >= MANY_LATER && later * MANY_OF >= self.n_done {
            true => LOST_FOR_GOOD_WHERE_MANY_GO,
            false => LOST_FOR_GOOD,
        }
    }

    /// A pixel was lost so many times more with the worker that had it.
    pub(super) fn lost(&mut self, pixel: Point, n_times: u32) -> Verdict {
        let for_good = self.lost_for_good();
        let trouble = self.pixels.entry(pixel).or_default();
        trouble.n_lost = trouble.n_lost.saturating_add(n_times);
        match trouble.n_lost {
            n if n >= for_good => Verdict::Failed(format!("took its worker with it {n} times")),
            _ => Verdict::Open,
        }
    }

    /// How many more attempts a pixel has before somebody must look at it again.
    pub(super) fn most_attempts(&self, pixel: Point) -> u32 {
        let n_lost = self.pixels.get(&pixel).map_or(0, |trouble| trouble.n_lost);
        match n_lost {
            0 => LOST_BEFORE_ALONE,
            n => self.lost_for_good().saturating_sub(n).max(1),
        }
    }

    /// Workers at which one of these pixels failed, as long as others may take it.
    pub(super) fn failed_at(&self, pixels: impl IntoIterator<Item = Point>) -> Vec<WorkerId> {
        if self.pixels.is_empty() {
            return Vec::new();
        }
        let troubles = pixels
            .into_iter()
            .filter_map(|pixel| self.pixels.get(&pixel));
        let troubles = troubles.filter(|trouble| !trouble.waited_in_vain);
        let suspects = troubles.flat_map(|trouble| &trouble.suspects);
        let mut workers: Vec<WorkerId> = suspects.map(|(worker, _)| *worker).collect();
        workers.sort_unstable();
        workers.dedup();
        workers
    }

    /// How often one of these pixels failed by itself, at most.
    pub(super) fn n_failures(&self, pixels: impl IntoIterator<Item = Point>) -> u32 {
        let troubles = pixels
            .into_iter()
            .filter_map(|pixel| self.pixels.get(&pixel));
        troubles
            .map(|trouble| trouble.n_failures)
            .max()
            .unwrap_or(0)
    }

    /// A pixel has its outcome; returns who failed at it with which task, and how.
    pub(super) fn over(&mut self, pixel: Point) -> Option<(Vec<(WorkerId, u64)>, String)> {
        // Most scans have no troubles at all.
        if self.pixels.is_empty() {
            return None;
        }
        let trouble = self.pixels.remove(&pixel)?;
        Some((trouble.suspects, trouble.reason))
    }

    /// Forgets all pixels: their wave is over. How often workers go is known from then on.
    pub(super) fn clear(&mut self) {
        self.pixels.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use skyscan_sky::{Nside, Pixel};

    fn pixel() -> Point {
        let pixel = Pixel::new(Nside::try_from(8).unwrap(), 1);
        pixel.unwrap().into()
    }

    /// Fails at these workers one after the other; how often until the verdict, and which.
    fn failing(at: &[u8], fail_after: u32, n_present: usize) -> (usize, String) {
        let mut troubles = Troubles::default();
        for (n, number) in at.iter().enumerate() {
            let by = (WorkerId([*number; 16]), n as u64);
            let left = |tried: &[WorkerId]| tried.len() < n_present;
            if let Verdict::Failed(reason) =
                troubles.failed(pixel(), by, "dark".to_owned(), fail_after, left)
            {
                return (n + 1, reason);
            }
        }
        panic!("no verdict after {at:?}")
    }

    #[test]
    fn a_pixel_fails_for_good_after_as_many_workers_as_asked_for() {
        assert_eq!(
            failing(&[1, 2, 3], 3, 9),
            (3, "dark (at 3 workers)".to_owned())
        );
        assert_eq!(failing(&[1], 1, 9), (1, "dark".to_owned()));
        let (n, _) = failing(&[1, 1, 2, 1, 3], 3, 9);
        assert_eq!(n, 5, "different workers count");
    }

    #[test]
    fn where_there_are_fewer_workers_as_many_attempts_do() {
        let alone = "dark (3 times; only 1 worker saw it)";
        assert_eq!(failing(&[1, 1, 1], 3, 1), (3, alone.to_owned()));
        let two = "dark (3 times; only 2 workers saw it)";
        assert_eq!(failing(&[1, 2, 1], 3, 2), (3, two.to_owned()));
    }

    #[test]
    fn a_worker_that_is_there_and_never_takes_it_is_not_waited_for_for_ever() {
        let mut troubles = Troubles::default();
        let by = |number, task| (WorkerId([number; 16]), task);
        let fails = |troubles: &mut Troubles, by| {
            troubles.failed(pixel(), by, "dark".to_owned(), 3, |_| true)
        };
        for n in 0..10 {
            let at = 1 + (n % 2) as u8;
            assert_eq!(fails(&mut troubles, by(at, n)), Verdict::Open, "{n}");
        }
        troubles.waited_in_vain(pixel());
        let reason = "dark (11 times; only 2 workers saw it)".to_owned();
        assert_eq!(fails(&mut troubles, by(1, 10)), Verdict::Failed(reason));
        let in_turns = [1, 2].repeat(10);
        assert_eq!(failing(&in_turns, 3, 3).0, 12);
    }

    #[test]
    fn losses_are_no_failures_until_there_are_twenty() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.most_attempts(pixel()), 8);
        assert_eq!(troubles.lost(pixel(), 8), Verdict::Open);
        assert_eq!(troubles.most_attempts(pixel()), 12);
        let taken = Verdict::Failed("took its worker with it 20 times".to_owned());
        assert_eq!(troubles.lost(pixel(), 12), taken);
    }

    #[test]
    fn where_workers_go_anyway_a_pixel_is_given_up_after_a_hundred_losses() {
        // Of so many tasks that were done, so many were lost before: one in twenty is many.
        let given_up_after = |n_done: u32, n_later: u32| {
            let mut troubles = Troubles::default();
            (0..n_done).for_each(|n| troubles.done(1 + u32::from(n < n_later)));
            troubles.clear();
            (1..).find(|_| troubles.lost(pixel(), 1) != Verdict::Open)
        };
        assert_eq!(given_up_after(20_000, 0), Some(20));
        assert_eq!(given_up_after(20_000, 999), Some(20));
        assert_eq!(given_up_after(20_001, 1000), Some(20));
        assert_eq!(given_up_after(20_000, 1000), Some(100));
        assert_eq!(given_up_after(999, 999), Some(20), "too few to tell");
        let mut many = Troubles::default();
        (0..1000).for_each(|_| many.done(2));
        assert_eq!(many.lost(pixel(), 8), Verdict::Open);
        assert_eq!(many.most_attempts(pixel()), 92);
    }

    #[test]
    fn whoever_had_a_task_that_failed_as_a_whole_is_remembered_for_the_wave() {
        let (pixel, who) = (fixture::pixel(3), fixture::worker(1));
        let mut troubles = Troubles::default();
        troubles.suspect(pixel, (who, 7), "broken");
        assert_eq!(troubles.failed_at([pixel]), [who]);
        assert_eq!(troubles.n_failures([pixel]), 0, "it may be another's");
        let (suspects, reason) = troubles.over(pixel).unwrap();
        assert_eq!((suspects, reason.as_str()), (vec![(who, 7)], "broken"));
        troubles.suspect(pixel, (who, 8), "broken");
        troubles.clear();
        assert_eq!(troubles.failed_at([pixel]), []);
    }
}
