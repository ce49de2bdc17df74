//! Which letter one receiver gets next.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// Letters that wait, by their numbers, in order for each scan.
#[derive(Debug, Default)]
pub(super) struct Queue {
    scans: HashMap<String, Waiting>,
    /// Until when the receiver wants to be left alone.
    paused: Option<Instant>,
}

#[derive(Debug, Default)]
struct Waiting {
    numbers: VecDeque<i64>,
    n_failures: u32,
    /// When the first may be tried again, if it failed.
    due: Option<Instant>,
    /// One is on its way.
    is_busy: bool,
}

/// A letter that is handed over now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) scan: String,
    pub(super) number: i64,
    pub(super) n_failures: u32,
}

impl Queue {
    /// A letter has come.
    pub(super) fn push(&mut self, scan: &str, number: i64) {
        let waiting = self.scans.entry(scan.to_owned()).or_default();
        waiting.numbers.push_back(number);
    }

    /// These are not told any more.
    pub(super) fn remove(&mut self, scan: &str, numbers: &[i64]) {
        if let Some(waiting) = self.scans.get_mut(scan) {
            waiting.numbers.retain(|number| !numbers.contains(number));
        }
    }

    /// Nothing is told of this scan any more.
    pub(super) fn forget(&mut self, scan: &str) {
        self.scans.remove(scan);
    }

    pub(super) fn n_letters(&self) -> usize {
        self.scans
            .values()
            .map(|waiting| waiting.numbers.len())
            .sum()
    }

    /// The letter that is to be handed over now: that which failed least, then the oldest. If there
    /// is none, when one is due.
    pub(super) fn take(&mut self, now: Instant) -> Result<Next, Option<Instant>> {
        if let Some(until) = self.paused.filter(|until| *until > now) {
            return Err(Some(until));
        }
        let mut first: Option<Next> = None;
        let mut first_due: Option<Instant> = None;
        for (scan, waiting) in &self.scans {
            let Some(&number) = waiting.numbers.front().filter(|_| !waiting.is_busy) else {
                continue;
            };
            if let Some(due) = waiting.due.filter(|due| *due > now) {
                first_due = Some(first_due.map_or(due, |first| first.min(due)));
                continue;
            }
            let rank = (waiting.n_failures, number);
            if first
                .as_ref()
                .is_none_or(|first| rank < (first.n_failures, first.number))
            {
                first = Some(Next {
                    scan: scan.clone(),
                    number,
                    n_failures: waiting.n_failures,
                });
            }
        }
        let next = first.ok_or(first_due)?;
        if let Some(waiting) = self.scans.get_mut(&next.scan) {
            waiting.is_busy = true;
        }
        Ok(next)
    }

    /// It need not be handed over again.
    pub(super) fn taken(&mut self, next: &Next, now: Instant) {
        self.remove(&next.scan, &[next.number]);
        if let Some(waiting) = self.scans.get_mut(&next.scan) {
            waiting.is_busy = false;
            waiting.n_failures = 0;
            waiting.due = Some(now);
            if waiting.numbers.is_empty() {
                self.scans.remove(&next.scan);
            }
        }
    }

    /// It is handed over again from this time on, if nothing has superseded it.
    pub(super) fn failed(&mut self, next: &Next, due: Instant) {
        if let Some(waiting) = self.scans.get_mut(&next.scan) {
            waiting.is_busy = false;
            // Another letter waits as long: the receiver is the same.
            waiting.n_failures += 1;
            waiting.due = Some(due);
            if waiting.numbers.is_empty() {
                self.scans.remove(&next.scan);
            }
        }
    }

    /// The receiver wants to be left alone until then.
    pub(super) fn pause(&mut self, until: Instant) {
        self.paused = self.paused.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(queue: &mut Queue, now: Instant) -> Vec<i64> {
        std::iter::from_fn(|| queue.take(now).ok())
            .map(|next| next.number)
            .collect()
    }

    #[test]
    fn letters_about_a_scan_are_handed_over_one_after_the_other() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for (scan, number) in [("a", 1), ("b", 2), ("a", 3)] {
            queue.push(scan, number);
        }
        let first = queue.take(now).unwrap();
        assert_eq!((first.scan.as_str(), first.number), ("a", 1));
        assert_eq!(taken(&mut queue, now), [2]);
        queue.taken(&first, now);
        assert_eq!(taken(&mut queue, now), [3]);
        assert_eq!(queue.take(now), Err(None));
    }

    #[test]
    fn what_failed_is_behind_what_is_new() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push("a", 1);
        let first = queue.take(now).unwrap();
        let due = now + Duration::from_secs(2);
        queue.failed(&first, due);
        assert_eq!(queue.take(now), Err(Some(due)));
        queue.push("a", 2);
        queue.push("b", 3);
        assert_eq!(taken(&mut queue, due), [3, 1]);
    }

    #[test]
    fn a_receiver_that_wants_to_be_left_alone_is() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push("a", 1);
        let until = now + Duration::from_secs(9);
        queue.pause(until);
        queue.pause(now);
        assert_eq!(queue.take(now), Err(Some(until)));
        assert_eq!(taken(&mut queue, until), [1]);
    }

    #[test]
    fn what_was_superseded_while_it_was_on_its_way_is_not_tried_again() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.push("a", 1);
        let first = queue.take(now).unwrap();
        queue.remove("a", &[1]);
        queue.push("a", 2);
        assert_eq!(queue.take(now), Err(None));
        queue.failed(&first, now);
        assert_eq!(taken(&mut queue, now), [2]);
        assert_eq!(queue.n_letters(), 1);
    }
}
