//! The sky cut into pieces that do not overlap, each from the finest round that covers it.

use std::collections::HashSet;

use super::map::SkyMap;
use super::{Nside, Pixel};

/// A piece of the sky and the scanned pixel that speaks for it: itself, or a coarser one of which
/// other parts were scanned more finely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) piece: Pixel,
    pub(super) scanned: Pixel,
}

/// The tiles of everything scanned, ordered by base pixel and within each by place.
pub(super) fn tiles(map: &SkyMap) -> Vec<Tile> {
    let mut cut = HashSet::new();
    for (&nside, pixels) in map.rounds() {
        for &index in pixels.keys() {
            let mut inner = Pixel { nside, index };
            while inner.nside.0 > 1 {
                inner = inner.parent(Nside(inner.nside.0 / 2));
                if !cut.insert(inner) {
                    break;
                }
            }
        }
    }
    let mut tiles = Vec::new();
    for base in Nside(1).pixels() {
        descend(map, &cut, base, None, &mut tiles);
    }
    tiles
}

fn descend(
    map: &SkyMap,
    cut: &HashSet<Pixel>,
    piece: Pixel,
    around: Option<Pixel>,
    tiles: &mut Vec<Tile>,
) {
    let scanned = if map.get(piece).is_some() {
        Some(piece)
    } else {
        around
    };
    if cut.contains(&piece) {
        for quarter in piece.children(Nside(2 * piece.nside.0)) {
            descend(map, cut, quarter, scanned, tiles);
        }
    } else if let Some(scanned) = scanned {
        tiles.push(Tile { piece, scanned });
    }
}
