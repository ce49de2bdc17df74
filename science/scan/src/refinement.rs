//! Where to look next: decided from the map of complete waves, and from nothing else.
//!
//! A pixel is a *candidate* if it can still hold a direction inside the region, or the minimum
//! itself. How far the likelihood may fall between a pixel's centre and its corners is estimated
//! from the steepest slope to its neighbours; with too little known, the pixel stays a candidate.
//! A round is *closed* when every neighbour of a candidate has been scanned at its resolution;
//! until then it grows by the missing ones, wave by wave. Once closed, the candidates are refined.
//! In the finest round only the pixels in the region itself are candidates, so the round grows
//! until the contour closes inside what was scanned at that resolution. The finest round is the last of the
//! plan, or, if it says so, the one that resolves the region.
//!
//! Decision: Refinement by likelihood (`docs/decisions.md`).
//! Decision: A zoom ends where the region is resolved (`docs/decisions.md`).

use std::collections::BTreeSet;

use crate::plan::{Disc, Plan, Strategy};
use skyscan_sky::map::{PixelOutcome, SkyMap};
use skyscan_sky::region::WILKS_50;
use skyscan_sky::{Nside, Pixel};

/// A region is resolved by so many pixels in its inner half: its area is known to a thousandth then.
const RESOLVED_BY: usize = 100;
/// Minima of tracks are narrower than pixels coarser than this, 3.7 degrees wide, whatever these say.
const COARSEST_END: u32 = 16;

/// What a scan does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Scan these pixels, all of one resolution, in RING order; none was scanned before.
    Wave(Vec<Pixel>),
    /// Nothing: the plan is fulfilled, or every pixel failed.
    Complete,
}

/// Decides what to scan next, given everything scanned so far.
pub fn next(map: &SkyMap, plan: &Plan) -> Next {
    let first = plan.rounds()[0];
    let Some(&nside) = map.rounds().keys().next_back() else {
        return Next::Wave(first_wave(plan, first));
    };
    if matches!(plan.strategy(), Strategy::Direct { .. }) {
        return Next::Complete;
    }
    let finer = after(map, plan, nside);
    let candidates = candidates(map, plan, nside, finer.is_none());
    let around: BTreeSet<Pixel> = candidates
        .iter()
        .flat_map(|pixel| pixel.neighbours())
        .filter(|pixel| map.get(*pixel).is_none())
        .collect();
    if !around.is_empty() {
        return Next::Wave(around.into_iter().collect());
    }
    let Some(finer) = finer else {
        return Next::Complete;
    };
    let mut children: Vec<Pixel> = candidates
        .iter()
        .flat_map(|pixel| pixel.children(finer))
        .collect();
    children.sort_unstable();
    if children.is_empty() {
        Next::Complete
    } else {
        Next::Wave(children)
    }
}

/// What the round after the running one will probably ask for, the most likely first, given what is known of both
/// complete and running rounds. Of each candidate all around which is known already, its children: they are asked for
/// together or not at all, and what a fit of them begins with will not change any more.
pub fn likely(map: &SkyMap, plan: &Plan) -> Vec<Vec<Pixel>> {
    let (Strategy::Zoom, Some(&nside)) = (plan.strategy(), map.rounds().keys().next_back()) else {
        return Vec::new();
    };
    let Some(finer) = after(map, plan, nside) else {
        return Vec::new();
    };
    let is_known = |pixel: &Pixel| map.get(*pixel).is_some();
    let llh = |pixel: Pixel| match map.get(pixel) {
        Some(PixelOutcome::Fitted(fit)) => fit.llh,
        Some(PixelOutcome::Failed(_)) | None => f64::INFINITY,
    };
    let mut parents: Vec<Pixel> = candidates(map, plan, nside, false)
        .into_iter()
        .filter(|pixel| pixel.neighbours().iter().all(is_known))
        .collect();
    // The sort is stable: equals stay in RING order.
    parents.sort_by(|a, b| llh(*a).total_cmp(&llh(*b)));
    parents
        .into_iter()
        .map(|parent| parent.children(finer))
        .collect()
}

/// The round that comes after this one, unless it is the last.
fn after(map: &SkyMap, plan: &Plan, nside: Nside) -> Option<Nside> {
    let finer = plan.rounds().iter().copied().find(|round| *round > nside);
    finer.filter(|_| !(plan.ends_resolved() && is_resolved(map, nside)))
}

fn first_wave(plan: &Plan, nside: Nside) -> Vec<Pixel> {
    match plan.strategy() {
        Strategy::Direct {
            within: Some(Disc { center, radius_rad }),
        } => {
            let inside = nside.within(*center, *radius_rad);
            // A disc between the centres still asks for the pixel around its middle.
            if inside.is_empty() {
                vec![nside.containing(*center)]
            } else {
                inside
            }
        }
        Strategy::Direct { within: None } | Strategy::Zoom => nside.pixels().collect(),
    }
}

/// Whether pixels of this resolution tell the shape of the region, by the half that Wilks' theorem gives.
fn is_resolved(map: &SkyMap, nside: Nside) -> bool {
    let Some((_, best)) = map.best().filter(|_| u32::from(nside) >= COARSEST_END) else {
        return false;
    };
    let threshold = best.llh + 0.5 * WILKS_50;
    let scanned = map.rounds().get(&nside).into_iter().flatten();
    let inside = scanned.filter(
        |(_, outcome)| matches!(outcome, PixelOutcome::Fitted(fit) if fit.llh <= threshold),
    );
    inside.count() >= RESOLVED_BY
}

/// The candidates of one round, in RING order. Failed pixels never are.
pub(crate) fn candidates(map: &SkyMap, plan: &Plan, nside: Nside, finest: bool) -> Vec<Pixel> {
    let Some((best, best_fit)) = map.best() else {
        return Vec::new();
    };
    let threshold = best_fit.llh + 0.5 * plan.level();
    let around_best: BTreeSet<Pixel> = {
        let middle = nside.containing(best.center());
        middle.neighbours().into_iter().chain([middle]).collect()
    };
    let scanned = map.rounds().get(&nside).into_iter().flatten();
    scanned
        .filter_map(|(&index, outcome)| match outcome {
            PixelOutcome::Fitted(fit) => Some((Pixel { nside, index }, fit.llh)),
            PixelOutcome::Failed(_) => None,
        })
        .filter(|(pixel, llh)| {
            let least = if finest {
                *llh
            } else {
                llh - possible_fall(map, *pixel, *llh)
            };
            // Between coarse pixels a narrow minimum is easily misjudged, so the surroundings of
            // the best one are always looked at.
            least <= threshold || (!finest && around_best.contains(pixel))
        })
        .map(|(pixel, _)| pixel)
        .collect()
}

/// How far the llh may fall from the centre of a pixel to its corners: the steepest slope to a
/// neighbour, carried on. Infinite if no neighbour was fitted.
fn possible_fall(map: &SkyMap, pixel: Pixel, llh: f64) -> f64 {
    let center = pixel.center();
    let slope = |neighbour: Pixel| match map.get(neighbour) {
        Some(PixelOutcome::Fitted(fit)) => {
            Some((fit.llh - llh).abs() / center.separation_rad(neighbour.center()))
        }
        Some(PixelOutcome::Failed(_)) | None => None,
    };
    let steepest = pixel
        .neighbours()
        .into_iter()
        .filter_map(slope)
        .max_by(f64::total_cmp);
    steepest.map_or(f64::INFINITY, |slope| slope * pixel.nside.radius_rad())
}

#[cfg(test)]
mod tests;
