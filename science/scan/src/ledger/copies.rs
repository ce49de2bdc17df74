//! Pixels that are in several tasks at once: each is answered by whichever comes first.

use std::collections::BTreeMap;

use skyscan_sky::Pixel;

/// Who else has what, for tasks of which there are copies.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Tasks that are out with a pixel that has no outcome, if it is in a task with copies.
    holders: BTreeMap<Pixel, Vec<u64>>,
    /// Pixels without an outcome of each task that was cut from the wave and copied.
    open: BTreeMap<u64, usize>,
}

/// What became of a pixel when one of its tasks came to an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shared {
    /// It has its outcome already.
    Known,
    /// It had none; these others are out with it too.
    Open(Vec<u64>),
}

impl Copies {
    /// Whether the task that was cut from the wave as `origin` has copies.
    pub(super) fn has(&self, origin: u64) -> bool {
        self.open.contains_key(&origin)
    }

    /// Whether a pixel of a task with copies has no outcome.
    pub(super) fn is_open(&self, pixel: Pixel) -> bool {
        self.holders.contains_key(&pixel)
    }

    /// Tells that a task gets its first copy.
    pub(super) fn begin(&mut self, origin: u64, pixels: impl IntoIterator<Item = Pixel>) {
        let before = self.holders.len();
        let holders = pixels.into_iter().map(|pixel| (pixel, vec![origin]));
        self.holders.extend(holders);
        self.open.insert(origin, self.holders.len() - before);
    }

    /// Tells that a copy goes out.
    pub(super) fn add(&mut self, copy: u64, pixels: impl IntoIterator<Item = Pixel>) {
        for pixel in pixels {
            self.holders.entry(pixel).or_default().push(copy);
        }
    }

    /// A pixel has its outcome, by this task.
    pub(super) fn settle(&mut self, pixel: Pixel, by: u64) -> Shared {
        match self.holders.remove(&pixel) {
            None => Shared::Known,
            Some(mut holders) => {
                holders.retain(|id| *id != by);
                Shared::Open(holders)
            }
        }
    }

    /// A task is gone without an outcome for this pixel. Returns whether nobody else is out with it;
    /// then it is no shared pixel any more.
    pub(super) fn abandon(&mut self, pixel: Pixel, by: u64) -> bool {
        let Some(holders) = self.holders.get_mut(&pixel) else {
            return false;
        };
        holders.retain(|id| *id != by);
        let is_orphan = holders.is_empty();
        if is_orphan {
            self.holders.remove(&pixel);
        }
        is_orphan
    }

    /// So many pixels of a task that was cut from the wave are not open any more. Returns whether
    /// these were the last ones.
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
