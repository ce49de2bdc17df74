//! The likelihood difference that bounds a given share of the probability.

use crate::map::SkyMap;
use crate::surface::Surface;
use crate::tiling::tiles;
use crate::{Nside, Pixel};

/// A piece of the sky with more of the probability than this is cut into four.
const LARGEST_SHARE: f64 = 5e-4;

/// The finest pieces.
const FINEST: Nside = Nside(65536);

/// A piece of the sky: `2 (llh - llh_best)` at its centre.
#[derive(Clone, Copy, Debug)]
struct Piece {
    excess: f64,
    pixel: Pixel,
}

impl Piece {
    fn weight(&self) -> f64 {
        libm::exp(-0.5 * self.excess) / self.pixel.nside.n_pixels() as f64
    }
}

/// The thresholds on `2 (llh - llh_best)` within which these shares of the probability lie, for a
/// flat prior and the likelihood that the contours follow. None if no pixel was fitted.
pub(super) fn posterior_levels(map: &SkyMap, shares: &[f64]) -> Option<Vec<f64>> {
    let best_llh = map.best()?.1.llh;
    let mut surface = Surface::new(map);
    let mut pieces = pieces_of(map, &mut surface)?;
    loop {
        let most = LARGEST_SHARE * total(&pieces);
        let (heavy, mut light): (Vec<Piece>, Vec<Piece>) = pieces
            .into_iter()
            .partition(|piece| piece.pixel.nside < FINEST && piece.weight() > most);
        for piece in &heavy {
            for pixel in piece.pixel.children(Nside(2 * piece.pixel.nside.0)) {
                let excess = surface
                    .llh(pixel.center())
                    .map_or(piece.excess, |llh| 2.0 * (llh - best_llh));
                light.push(Piece { excess, pixel });
            }
        }
        pieces = light;
        if heavy.is_empty() {
            break;
        }
    }
    Some(levels_of(&mut pieces, shares))
}

/// The same of a map whose pixels are the same all over, as those of probability maps are: nothing is
/// known of what changes within one. A level lies half way to the first pixel that is not needed.
pub(super) fn greedy_levels(map: &SkyMap, shares: &[f64]) -> Option<Vec<f64>> {
    let mut pieces = pieces_of(map, &mut Surface::new(map))?;
    let levels = levels_of(&mut pieces, shares);
    let half_way = |level: f64| {
        let next = pieces.partition_point(|piece| piece.excess <= level);
        let beyond = pieces.get(next).map_or(level, |piece| piece.excess);
        0.5 * (level + beyond)
    };
    Some(levels.into_iter().map(half_way).collect())
}

fn pieces_of(map: &SkyMap, surface: &mut Surface<'_>) -> Option<Vec<Piece>> {
    let best_llh = map.best()?.1.llh;
    let pieces = tiles(map).into_iter().filter_map(|tile| {
        let llh = surface.llh_of_pixel(tile.scanned)?;
        Some(Piece {
            excess: 2.0 * (llh - best_llh),
            pixel: tile.piece,
        })
    });
    Some(pieces.collect())
}

/// Sorts pieces and tells the levels.
fn levels_of(pieces: &mut [Piece], shares: &[f64]) -> Vec<f64> {
    pieces.sort_by(|a, b| a.excess.total_cmp(&b.excess).then(a.pixel.cmp(&b.pixel)));
    let all = total(pieces);
    let within = shares.iter().map(|share| level_within(pieces, share * all));
    within.collect()
}

fn total(pieces: &[Piece]) -> f64 {
    pieces.iter().map(Piece::weight).sum()
}

/// The excess at which pieces, in rising order, reach a weight together. Between pixel centres
/// the likelihood may be better than the best pixel's: a level is never below zero.
fn level_within(pieces: &[Piece], wanted: f64) -> f64 {
    let mut sum = 0.0;
    for piece in pieces {
        sum += piece.weight();
        if sum >= wanted {
            return piece.excess.max(0.0);
        }
    }
    pieces.last().map_or(0.0, |piece| piece.excess.max(0.0))
}
