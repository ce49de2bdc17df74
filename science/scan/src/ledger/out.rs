//! Tasks that are out: those whose results count, and those whose results will be thrown away.

use std::time::Duration;

use crate::Point;
use skyscan_reco::PixelRequest;

/// A task that is out.
#[derive(Debug)]
pub(super) struct OutTask {
    pub(super) pixels: Vec<(Point, PixelRequest)>,
    pub(super) handed_out: Duration,
    /// The task that was cut from the wave, of which this is a copy, or itself.
    pub(super) origin: u64,
    /// How many copies came before it, one of the other: its deadline doubles with each.
    pub(super) generation: u32,
    /// Whether a copy of it is out. Once there is none any more it may get another one.
    pub(super) is_copied: bool,
}

impl OutTask {
    /// One that has just been cut, and is no copy.
    pub(super) fn cut(id: u64, pixels: Vec<(Point, PixelRequest)>, now: Duration) -> Self {
        Self {
            pixels,
            handed_out: now,
            origin: id,
            generation: 0,
            is_copied: false,
        }
    }
}

/// When a task was handed out whose result will be thrown away, and how large it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losing {
    pub(super) handed_out: Duration,
    pub(super) n_pixels: usize,
    pub(super) generation: u32,
    /// It was handed out ahead of a round that does not ask for it.
    pub(super) was_ahead: bool,
}
