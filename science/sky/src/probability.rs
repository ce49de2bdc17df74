//! The probability map: where the source is, if every direction was equally likely before.
//!
//! A piece of the sky has the probability `exp(-(llh - llh_best))` times its solid angle, divided
//! by the sum over all pieces (a flat prior). Each piece takes its llh from the finest pixel
//! scanned there; a failed pixel takes that of its neighbours; what was not scanned has none.

use super::map::SkyMap;
use super::surface::Surface;
use super::tiling::tiles;
use super::{Nside, Pixel};

/// A piece of the sky with its share of the probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The piece. No two cells of a map overlap.
    pub pixel: Pixel,
    /// Probability that the source lies inside, 0 to 1.
    pub probability: f64,
}

impl Cell {
    /// Probability per steradian.
    pub fn density_per_sr(&self) -> f64 {
        self.probability * self.pixel.nside.n_pixels() as f64 / (4.0 * std::f64::consts::PI)
    }
}

/// A multi-resolution probability map; its cells add up to one.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityMap {
    cells: Vec<Cell>,
}

impl ProbabilityMap {
    /// None if no pixel was fitted.
    pub fn of(map: &SkyMap) -> Option<Self> {
        let mut surface = Surface::new(map);
        let known: Vec<(Pixel, f64)> = tiles(map)
            .into_iter()
            .map(|tile| {
                let llh = surface.llh_of_pixel(tile.scanned);
                (tile.piece, llh.unwrap_or(f64::INFINITY))
            })
            .collect();
        let lowest = known.iter().map(|(_, llh)| *llh).min_by(f64::total_cmp)?;
        if !lowest.is_finite() {
            return None;
        }
        let mut cells: Vec<Cell> = known
            .into_iter()
            .map(|(pixel, llh)| Cell {
                pixel,
                probability: libm::exp(lowest - llh) / pixel.nside.n_pixels() as f64,
            })
            .collect();
        let total: f64 = cells.iter().map(|cell| cell.probability).sum();
        for cell in &mut cells {
            cell.probability /= total;
        }
        Some(Self { cells })
    }

    /// The cells, none overlapping another.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The finest resolution of its cells.
    pub fn finest(&self) -> Option<Nside> {
        self.cells.iter().map(|cell| cell.pixel.nside).max()
    }

    /// Probability of every pixel of one resolution, in RING order: cells that are larger share
    /// theirs evenly, smaller ones add up.
    pub fn flat(&self, nside: Nside) -> Vec<f64> {
        let mut flat = vec![0.0; nside.n_pixels() as usize];
        for cell in &self.cells {
            if cell.pixel.nside >= nside {
                flat[cell.pixel.parent(nside).index as usize] += cell.probability;
            } else {
                let parts = cell.pixel.children(nside);
                let share = cell.probability / parts.len() as f64;
                for part in parts {
                    flat[part.index as usize] = share;
                }
            }
        }
        flat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{PixelOutcome, fitted};

    fn nside(n: u32) -> Nside {
        Nside::try_from(n).unwrap()
    }

    /// Whole sky at nside 2, one pixel of it at nside 8, and a lone pixel of nside 16 elsewhere.
    fn uneven() -> SkyMap {
        let mut map = SkyMap::default();
        for pixel in nside(2).pixels() {
            map.insert(pixel, fitted(pixel.index as f64 / 10.0));
        }
        for pixel in Pixel::new(nside(2), 20).unwrap().children(nside(8)) {
            map.insert(pixel, fitted(0.5));
        }
        map.insert(Pixel::new(nside(16), 5).unwrap(), fitted(0.1));
        map
    }

    #[test]
    fn cells_tile_the_sky_without_overlap() {
        let map = ProbabilityMap::of(&uneven()).unwrap();
        let mut covered = vec![0; nside(16).n_pixels() as usize];
        for cell in map.cells() {
            for part in cell.pixel.children(nside(16)) {
                covered[part.index as usize] += 1;
            }
        }
        assert!(covered.iter().all(|&n| n == 1));
        assert_eq!(map.finest(), Some(nside(16)));
    }

    #[test]
    fn every_resolution_adds_up_to_one() {
        let map = ProbabilityMap::of(&uneven()).unwrap();
        let total: f64 = map.cells().iter().map(|cell| cell.probability).sum();
        assert!((total - 1.0).abs() < 1e-14);
        for n in [1, 4, 16, 32] {
            let total: f64 = map.flat(nside(n)).iter().sum();
            assert!((total - 1.0).abs() < 1e-12, "nside {n}: {total}");
        }
    }

    #[test]
    fn the_finest_pixel_speaks_for_its_place() {
        let map = ProbabilityMap::of(&uneven()).unwrap();
        let flat = map.flat(nside(16));
        let share = |n: u32, index: u64| {
            let part = Pixel::new(nside(n), index).unwrap().children(nside(16))[0];
            flat[part.index as usize]
        };
        // Two pixels of the coarse round, and one that was looked at more finely.
        let ratio = share(2, 40) / share(2, 30);
        assert!((ratio - (-1.0f64).exp()).abs() < 1e-12, "{ratio}");
        let ratio = share(2, 20) / share(2, 30);
        assert!((ratio - 2.5f64.exp()).abs() < 1e-9, "{ratio}");
        let lone = flat[5] / share(2, 30);
        assert!((lone - 2.9f64.exp()).abs() < 1e-9, "{lone}");
    }

    #[test]
    fn what_was_not_scanned_has_no_probability() {
        let mut map = SkyMap::default();
        map.insert(Pixel::new(nside(4), 7).unwrap(), fitted(1.0));
        let map = ProbabilityMap::of(&map).unwrap();
        assert_eq!(map.cells().len(), 1);
        let flat = map.flat(nside(4));
        assert_eq!((flat[7], flat.iter().sum::<f64>()), (1.0, 1.0));
        assert_eq!(ProbabilityMap::of(&SkyMap::default()), None);
    }

    #[test]
    fn a_failed_pixel_takes_its_neighbours_llh() {
        let mut map = SkyMap::default();
        for pixel in nside(8).pixels() {
            map.insert(pixel, fitted(3.0));
        }
        let failed = Pixel::new(nside(8), 300).unwrap();
        map.insert(failed, PixelOutcome::Failed("stuck".to_owned()));
        let flat = ProbabilityMap::of(&map).unwrap().flat(nside(8));
        assert!((flat[300] * 768.0 - 1.0).abs() < 1e-12);
    }
}
