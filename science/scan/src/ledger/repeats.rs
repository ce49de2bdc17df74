//! What has to go out again: pixels that failed, and those that were lost too often.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Ledger, OutTask, Task};
use crate::protocol::WorkerId;
use skyscan_reco::PixelRequest;
use skyscan_sky::Pixel;

/// Pixels that go out again as one task.
#[derive(Debug)]
pub(super) struct Repeat {
    /// The task that was cut from the wave with them.
    pub(super) origin: u64,
    pub(super) generation: u32,
    pub(super) pixels: Vec<(Pixel, PixelRequest)>,
    pub(super) avoid: Vec<WorkerId>,
}

/// Two queues: who goes next, and who goes when nothing else is left.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    soon: VecDeque<Repeat>,
    last: VecDeque<Repeat>,
}

impl Repeats {
    pub(super) fn soon(&mut self, repeat: Repeat) {
        self.soon.push_back(repeat);
    }

    /// What may take its worker with it shall not do so as long as there is other work.
    pub(super) fn last(&mut self, repeat: Repeat) {
        self.last.push_back(repeat);
    }

    pub(super) fn next(&mut self, is_rest_cut: bool) -> Option<Repeat> {
        let last = &mut self.last;
        let next = self.soon.pop_front();
        next.or_else(|| is_rest_cut.then(|| last.pop_front()).flatten())
    }

    pub(super) fn len(&self) -> usize {
        self.soon.len() + self.last.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.soon.is_empty() && self.last.is_empty()
    }

    /// The pixels that wait in them.
    pub(super) fn pixels(&self) -> impl Iterator<Item = Pixel> {
        let all = self.soon.iter().chain(&self.last);
        all.flat_map(|repeat| &repeat.pixels)
            .map(|(pixel, _)| *pixel)
    }

    pub(super) fn n_pixels(&self) -> usize {
        let all = self.soon.iter().chain(&self.last);
        all.map(|repeat| repeat.pixels.len()).sum()
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
