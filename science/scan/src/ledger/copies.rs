//! Pixels that are in several tasks, one after the other or at once: each is answered by whichever
//! comes first.
//!
//! Most tasks of a scan are done by whoever got them first, and leave no trace here. A task enters with
//! all its pixels when it is copied, or when part of it has to go out again.

use std::collections::{BTreeMap, BTreeSet};

use crate::Point;

/// Who else has what.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The tasks that are out with a pixel that has no outcome; none while it waits to go out again.
    holders: BTreeMap<Point, Vec<u64>>,
    /// Pixels without an outcome of each task that was cut from the wave and is in here.
    open: BTreeMap<u64, usize>,
}

impl Copies {
    /// Whether the task that was cut from the wave as `origin` is in here.
    pub(super) fn has(&self, origin: u64) -> bool {
        self.open.contains_key(&origin)
    }

    /// Whether a pixel of a task in here has no outcome.
    pub(super) fn is_open(&self, pixel: Point) -> bool {
        self.holders.contains_key(&pixel)
    }

    /// The tasks that are out with a pixel.
    pub(super) fn holders(&self, pixel: Point) -> &[u64] {
        self.holders.get(&pixel).map_or(&[], Vec::as_slice)
    }

    /// The tasks that are out with any of these pixels, each once.
    pub(super) fn holders_of(&self, pixels: impl Iterator<Item = Point>) -> Vec<u64> {
        let tasks = pixels.flat_map(|pixel| self.holders(pixel)).copied();
        tasks.collect::<BTreeSet<u64>>().into_iter().collect()
    }

    /// Pixels without an outcome, and the tasks that are out with each.
    pub(super) fn all(&self) -> impl Iterator<Item = (Point, &[u64])> {
        let holders = self.holders.iter();
        holders.map(|(pixel, holders)| (*pixel, holders.as_slice()))
    }

    /// Pixels without an outcome, added up over the tasks that were cut from the wave.
    pub(super) fn n_open(&self) -> usize {
        self.open.values().sum()
    }

    /// Takes in a task that was cut from the wave, and is out with all its pixels.
    pub(super) fn begin(&mut self, origin: u64, pixels: impl IntoIterator<Item = Point>) {
        let before = self.holders.len();
        let holders = pixels.into_iter().map(|pixel| (pixel, vec![origin]));
        self.holders.extend(holders);
        self.open.insert(origin, self.holders.len() - before);
    }

    /// Tells that a task goes out with these pixels, too.
    pub(super) fn add(&mut self, task: u64, pixels: impl IntoIterator<Item = Point>) {
        for pixel in pixels {
            self.holders.entry(pixel).or_default().push(task);
        }
    }

    /// A pixel has its outcome; returns the tasks that are out with it.
    pub(super) fn settle(&mut self, pixel: Point) -> Vec<u64> {
        self.holders.remove(&pixel).unwrap_or_default()
    }

    /// A task came to an end without an outcome for this pixel, which stays open. Returns whether
    /// nobody is out with it any more.
    pub(super) fn abandon(&mut self, pixel: Point, by: u64) -> bool {
        let Some(holders) = self.holders.get_mut(&pixel) else {
            return false;
        };
        holders.retain(|id| *id != by);
        holders.is_empty()
    }

    /// So many pixels of a task that was cut from the wave have their outcomes. Returns whether these
    /// were the last ones.
    pub(super) fn close(&mut self, origin: u64, n_pixels: usize) -> bool {
        let Some(open) = self.open.get_mut(&origin) else {
            return false;
        };
        *open = open.saturating_sub(n_pixels);
        let is_done = *open == 0;
        if is_done {
            self.open.remove(&origin);
        }
        is_done
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::pixel;
    use super::*;

    #[test]
    fn a_pixel_knows_all_tasks_that_are_out_with_it() {
        let mut copies = Copies::default();
        copies.begin(3, [pixel(0), pixel(1)]);
        copies.add(5, [pixel(1)]);
        assert_eq!(copies.holders_of([pixel(0)].into_iter()), [3]);
        let both = [pixel(1), pixel(0)];
        assert_eq!(copies.holders_of(both.into_iter()), [3, 5]);
        assert!(!copies.abandon(pixel(1), 3));
        assert_eq!(copies.holders_of([pixel(1)].into_iter()), [5]);
        assert!(copies.abandon(pixel(1), 5));
        assert_eq!(copies.settle(pixel(0)), [3]);
        assert_eq!(copies.holders_of(both.into_iter()), [0; 0]);
    }
}
