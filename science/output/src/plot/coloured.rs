//! The map's colours on a page.

use std::sync::atomic::{AtomicBool, Ordering};

use super::colour::ColourScale;
use super::key;
use super::lookup::{Lookup, Seen};
use super::projection::View;
use crate::drawing::picture::Picture;

/// A part of the page in the colours of the map.
pub(super) struct Coloured {
    pub(super) picture: Picture,
    /// It shows places that were never scanned.
    pub(super) has_holes: bool,
    /// It shows places whose pixels failed.
    pub(super) has_failures: bool,
}

/// Colours the rectangle with this corner and size; off the sky it stays clear.
pub(super) fn coloured(
    view: &View,
    lookup: &Lookup,
    scale: &ColourScale,
    corner: (u32, u32),
    size: (u32, u32),
) -> Coloured {
    let (holes, failures) = (AtomicBool::new(false), AtomicBool::new(false));
    let picture = Picture::paint(corner, size, |place| {
        Some(match lookup.seen(view.sky(place)?) {
            Seen::Excess(value) => scale.colour(value),
            Seen::Failed => {
                failures.store(true, Ordering::Relaxed);
                key::ground(true, place)
            }
            Seen::Unscanned => {
                holes.store(true, Ordering::Relaxed);
                key::ground(false, place)
            }
        })
    });
    Coloured {
        picture,
        has_holes: holes.into_inner(),
        has_failures: failures.into_inner(),
    }
}
