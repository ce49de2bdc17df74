//! A likelihood that allows for a shift of the whole event by an unknown small angle.
//!
//! Where much light was seen the likelihood becomes narrower than what is known of the ice and of the
//! telescope. What they do wrong moves an event as a whole; `f`, the floor, is the width of that
//! movement along each axis. With `t = 2 (llh - llh_best)` and `d` the angle between two directions, the best
//! of all movements, each at its price, gives
//!
//! `t_f(x) = min over y of t(y) + d(x, y)^2 / f^2`
//!
//! which is never above `t`, and for a paraboloid of the widths a and b is that of the widths
//! `sqrt(a^2 + f^2)` and `sqrt(b^2 + f^2)`: the floor in quadrature. Where `t_f <= L` some `t(y) <= L`: a scan
//! that encloses a level without the floor does so with it.
//!
//! Decision: A floor is a shift of the whole event (`docs/decisions.md`).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::f64::consts::PI;

use super::super::map::{SkyMap, fitted};
use super::super::surface::Surface;
use super::super::{Equatorial, Nside, Pixel};
use super::FINEST_LATTICE;

/// Pixels to a floor: the minimum over their centres is a few hundredths above the true one.
const PIXELS_PER_FLOOR: f64 = 2.5;

/// A region so many times as large as a point with this floor has its size with and without.
const LARGE: f64 = 25.0;

/// Pixels beyond the edge that a boundary is traced with.
const RIM_PIXELS: f64 = 3.0;

/// Directions within a level, on a lattice as fine as the floor asks for.
struct Sources {
    lattice: Nside,
    /// `t` and where.
    points: Vec<(f64, Equatorial)>,
}

/// The map with the floor allowed for, around the directions within a level of it: the map itself if
/// the floor is zero, or so small beside the region that it changes nothing.
pub(super) fn allowed_for<'a>(map: &'a SkyMap, floor_rad: f64, level: f64) -> Cow<'a, SkyMap> {
    let widened = Sources::of(map, floor_rad, level)
        .and_then(|sources| sources.widened(map, floor_rad, level));
    widened.map_or(Cow::Borrowed(map), Cow::Owned)
}

/// `t_f` at a direction, its minimum taken over what lies within a level. None where nothing was
/// scanned.
pub fn excess_with_floor(map: &SkyMap, floor_rad: f64, at: Equatorial, level: f64) -> Option<f64> {
    let best = map.best()?.1.llh;
    let plain = 2.0 * (Surface::new(map).llh(at)? - best);
    let moved = Sources::of(map, floor_rad, level.min(plain)).map(|sources| {
        let prices = sources
            .points
            .iter()
            .map(|&(excess, from)| excess + price(from, at, floor_rad));
        prices.fold(plain, f64::min)
    });
    Some(moved.unwrap_or(plain))
}

fn price(from: Equatorial, to: Equatorial, floor_rad: f64) -> f64 {
    let shifts = from.separation_rad(to) / floor_rad;
    shifts * shifts
}

impl Sources {
    /// None if the floor changes nothing.
    fn of(map: &SkyMap, floor_rad: f64, level: f64) -> Option<Self> {
        if floor_rad <= 0.0 || level < 0.0 {
            return None;
        }
        let (best_pixel, best) = map.best()?;
        let finest = *map.rounds().keys().next_back()?;
        let mut lattice = finest;
        let size = |nside: Nside| nside.pixel_area_deg2().sqrt().to_radians();
        while size(lattice) * PIXELS_PER_FLOOR > floor_rad && lattice < Nside(FINEST_LATTICE) {
            lattice = Nside(2 * lattice.0);
        }
        let point_deg2 = PI * level * floor_rad.to_degrees() * floor_rad.to_degrees();
        let most = (LARGE * point_deg2 / lattice.pixel_area_deg2()) as usize;
        let mut surface = Surface::new(map);
        let mut open: Vec<Pixel> = Vec::new();
        for (&nside, pixels) in map.rounds() {
            let indices = pixels.keys().copied();
            open.extend(indices.map(|index| lattice.containing(Pixel { nside, index }.center())));
        }
        let mut known = BTreeSet::new();
        let mut points = vec![(0.0, best_pixel.center())];
        while let Some(pixel) = open.pop() {
            if !known.insert(pixel.index) {
                continue;
            }
            let at = pixel.center();
            let Some(llh) = surface.llh(at) else {
                continue;
            };
            let excess = 2.0 * (llh - best.llh);
            if excess <= level {
                points.push((excess, at));
                open.extend(pixel.neighbours());
            }
            if points.len() > most.max(1) {
                return None;
            }
        }
        Some(Self { lattice, points })
    }

    fn widened(&self, map: &SkyMap, floor_rad: f64, level: f64) -> Option<SkyMap> {
        let best = map.best()?.1.llh;
        let rim = RIM_PIXELS * self.lattice.pixel_area_deg2().sqrt().to_radians();
        let mut excesses: HashMap<u64, f64> = HashMap::new();
        for &(excess, from) in &self.points {
            let reach = floor_rad * (level - excess).max(0.0).sqrt() + rim;
            for pixel in self.lattice.within(from, reach) {
                let here = excess + price(from, pixel.center(), floor_rad);
                let least = excesses.entry(pixel.index).or_insert(here);
                *least = least.min(here);
            }
        }
        let mut widened = SkyMap::default();
        for (index, excess) in excesses {
            let nside = self.lattice;
            widened.insert(Pixel { nside, index }, fitted(best + 0.5 * excess));
        }
        Some(widened)
    }
}
