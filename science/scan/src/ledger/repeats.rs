//! What has to go out again: pixels that failed, and those that were lost too often.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Ledger, OutTask, Task};
use crate::Point;
use crate::protocol::WorkerId;
use skyscan_reco::PixelRequest;

/// Pixels that go out again as one task.
#[derive(Debug)]
pub(super) struct Repeat {
    /// The task that was cut from the wave with them.
    pub(super) origin: u64,
    pub(super) generation: u32,
    pub(super) pixels: Vec<(Point, PixelRequest)>,
    pub(super) avoid: Vec<WorkerId>,
}

/// Two queues: who goes next, and who goes when nothing else is left; and what waits for its time.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    soon: VecDeque<Repeat>,
    last: VecDeque<Repeat>,
    /// By when they are due, and by the order in which they came.
    later: BTreeMap<(Duration, u64), Repeat>,
    n_later: u64,
}

impl Repeats {
    pub(super) fn soon(&mut self, repeat: Repeat) {
        self.soon.push_back(repeat);
    }

    /// What may take its worker with it shall not do so as long as there is other work.
    pub(super) fn last(&mut self, repeat: Repeat) {
        self.last.push_back(repeat);
    }

    /// Nobody is there who has not tried it: whoever comes until `due` may.
    pub(super) fn later(&mut self, due: Duration, repeat: Repeat) {
        self.later.insert((due, self.n_later), repeat);
        self.n_later += 1;
    }

    /// Somebody came who may try what waits for its time.
    pub(super) fn release(&mut self) {
        self.soon
            .extend(std::mem::take(&mut self.later).into_values());
    }

    /// Whether something that had to wait need not any more.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        let first = self.later.first_key_value();
        first.is_some_and(|((due, _), _)| *due <= now)
    }

    pub(super) fn next(&mut self, is_rest_cut: bool, now: Duration) -> Option<Repeat> {
        while self.is_due(now) {
            self.soon
                .extend(self.later.pop_first().map(|(_, repeat)| repeat));
        }
        let last = &mut self.last;
        let next = self.soon.pop_front();
        next.or_else(|| is_rest_cut.then(|| last.pop_front()).flatten())
    }

    pub(super) fn len(&self) -> usize {
        self.soon.len() + self.last.len() + self.later.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels that wait in them.
    pub(super) fn pixels(&self) -> impl Iterator<Item = Point> {
        self.all()
            .flat_map(|repeat| &repeat.pixels)
            .map(|(pixel, _)| *pixel)
    }

    pub(super) fn n_pixels(&self) -> usize {
        self.all().map(|repeat| repeat.pixels.len()).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Repeat> {
        let at_once = self.soon.iter().chain(&self.last);
        at_once.chain(self.later.values())
    }
}

impl Ledger {
    pub(super) fn repeat(&mut self, repeat: Repeat, now: Duration) -> Task {
        let pixels = repeat.pixels.iter().map(|(pixel, _)| *pixel);
        self.copies.add(self.next_id, pixels);
        let task = OutTask {
            pixels: repeat.pixels,
            handed_out: now,
            origin: repeat.origin,
            generation: repeat.generation,
            is_copied: false,
        };
        self.send(task, repeat.avoid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, wave};
    use super::*;

    fn of(n_pixels: u64) -> Repeat {
        Repeat {
            origin: n_pixels,
            generation: 0,
            pixels: wave(n_pixels),
            avoid: Vec::new(),
        }
    }

    fn origins(repeats: &mut Repeats, is_rest_cut: bool, now: Duration) -> Vec<u64> {
        let next = || repeats.next(is_rest_cut, now);
        std::iter::from_fn(next)
            .map(|repeat| repeat.origin)
            .collect()
    }

    #[test]
    fn what_is_soon_comes_first_what_waits_when_it_is_due_and_the_last_at_the_end() {
        let mut repeats = Repeats::default();
        repeats.last(of(5));
        repeats.later(at(9), of(4));
        repeats.later(at(3), of(3));
        repeats.later(at(3), of(2));
        repeats.last(of(6));
        repeats.soon(of(1));
        assert_eq!((repeats.len(), repeats.n_pixels()), (6, 21));
        assert!(!repeats.is_due(at(2)) && repeats.is_due(at(3)));
        assert_eq!(origins(&mut repeats, false, at(2)), [1]);
        assert_eq!(origins(&mut repeats, false, at(3)), [3, 2]);
        assert_eq!(origins(&mut repeats, true, at(4)), [5, 6]);
        assert_eq!(repeats.len(), 1);
        repeats.release();
        assert_eq!(origins(&mut repeats, false, at(4)), [4]);
        assert!(repeats.is_empty());
    }
}
