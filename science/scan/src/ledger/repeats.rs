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
