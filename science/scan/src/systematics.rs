//! The scan repeated under systematics: other ice, other holes, other timing.
//!
//! The first scan finds where the source may be, with the telescope as it is described. That *area*, its region with
//! a seam of one pixel at the finest resolution, is scanned again under every systematic of a set, all in one wave.
//! Where the region of any of them, or of all together, meets the edge of the area, the area grows there, for all of
//! them; once every region is enclosed the scan is complete. So each pixel of the area is known under every
//! systematic, and all decisions are made from complete waves.
//!
//! Decision: Systematics are averaged, each as likely as the next (`docs/decisions.md`).

mod combined;

pub use combined::{Combined, Shift};

use std::collections::BTreeSet;

use crate::plan::{Plan, Strategy};
use crate::refinement::candidates;
use crate::{Atlas, Point};
use skyscan_sky::map::SkyMap;
use skyscan_sky::{Nside, Pixel};

/// The points that come next where the first scan is complete, those of one systematic after the other; none once
/// all regions are enclosed.
pub fn next(atlas: &Atlas, plan: &Plan, n_systematics: u32) -> Vec<Point> {
    let nominal = &*atlas.nominal;
    let Some(&nside) = nominal.rounds().keys().next_back() else {
        return Vec::new();
    };
    let wanted = match atlas.varied.values().next() {
        None => {
            let region = candidates(nominal, plan, nside, true);
            seam(&region, nominal, plan)
                .chain(region.iter().copied())
                .collect()
        }
        Some(any) => {
            let is_new = |pixel: &Pixel| any.get(*pixel).is_none();
            edge(atlas, plan, nside)
                .into_iter()
                .filter(is_new)
                .collect::<BTreeSet<Pixel>>()
        }
    };
    let of = |systematic| wanted.iter().map(move |&pixel| Point { systematic, pixel });
    (1..=n_systematics).flat_map(of).collect()
}

/// What lies beside the regions of all systematics, and of all together.
fn edge(atlas: &Atlas, plan: &Plan, nside: Nside) -> BTreeSet<Pixel> {
    let combined = Combined::of(atlas);
    let maps = atlas
        .varied
        .values()
        .chain(combined.as_ref().map(|combined| &combined.area));
    let beside = maps.flat_map(|map| {
        let region = candidates(map, plan, nside, true);
        seam(&region, &atlas.nominal, plan).collect::<Vec<Pixel>>()
    });
    beside.collect()
}

/// The neighbours of a region, its own pixels among them. A direct scan stays within what it was asked for.
fn seam(region: &[Pixel], nominal: &SkyMap, plan: &Plan) -> impl Iterator<Item = Pixel> {
    let stays = matches!(plan.strategy(), Strategy::Direct { .. });
    let neighbours = region.iter().flat_map(|pixel| pixel.neighbours());
    neighbours.filter(move |pixel| !stays || nominal.get(*pixel).is_some())
}

#[cfg(test)]
mod tests;
