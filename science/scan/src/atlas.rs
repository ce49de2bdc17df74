//! The maps of a scan: that of the telescope as it is described, and one for each systematic.

use std::collections::BTreeMap;
use std::sync::Arc;

use skyscan_sky::Pixel;
use skyscan_sky::map::{PixelOutcome, SkyMap};

/// A pixel, looked at under a systematic: what a scan evaluates once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Number of the systematic in its set, from 1; 0: as the telescope is described.
    pub systematic: u32,
    /// The pixel.
    pub pixel: Pixel,
}

impl From<Pixel> for Point {
    fn from(pixel: Pixel) -> Self {
        Self {
            systematic: 0,
            pixel,
        }
    }
}

/// What is known of every point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atlas {
    /// The map of the telescope as it is described. Shared with those who watch; copied when it grows while they
    /// still look.
    pub nominal: Arc<SkyMap>,
    /// The maps of the systematics that have any pixel.
    pub varied: BTreeMap<u32, SkyMap>,
}

impl From<SkyMap> for Atlas {
    fn from(nominal: SkyMap) -> Self {
        Self {
            nominal: Arc::new(nominal),
            varied: BTreeMap::new(),
        }
    }
}

impl Atlas {
    /// Records what became of a point.
    pub fn insert(&mut self, point: Point, outcome: PixelOutcome) {
        let map = match point.systematic {
            0 => Arc::make_mut(&mut self.nominal),
            number => self.varied.entry(number).or_default(),
        };
        map.insert(point.pixel, outcome);
    }

    /// What is known of a point.
    pub fn get(&self, point: Point) -> Option<&PixelOutcome> {
        match point.systematic {
            0 => self.nominal.get(point.pixel),
            number => self.varied.get(&number)?.get(point.pixel),
        }
    }

    /// Number of points, fitted and failed.
    pub fn len(&self) -> usize {
        self.nominal.len() + self.varied.values().map(SkyMap::len).sum::<usize>()
    }

    /// Whether nothing was scanned yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any point failed.
    pub fn has_failed(&self) -> bool {
        let maps = std::iter::once(&*self.nominal).chain(self.varied.values());
        let mut outcomes = maps
            .flat_map(|map| map.rounds().values())
            .flat_map(|pixels| pixels.values());
        outcomes.any(|outcome| matches!(outcome, PixelOutcome::Failed(_)))
    }
}

#[cfg(test)]
mod tests {
    use skyscan_sky::Nside;
    use skyscan_sky::map::fitted;

    use super::*;

    fn pixel(index: u64) -> Pixel {
        Pixel::new(Nside::try_from(8).unwrap(), index).unwrap()
    }

    fn varied(systematic: u32, index: u64) -> Point {
        Point {
            systematic,
            pixel: pixel(index),
        }
    }

    #[test]
    fn a_point_is_a_pixel_of_one_map() {
        let mut nominal = SkyMap::default();
        nominal.insert(pixel(3), fitted(1.0));
        let mut atlas = Atlas::from(nominal);
        atlas.insert(varied(2, 3), fitted(2.0));
        atlas.insert(varied(2, 4), fitted(3.0));

        assert_eq!(atlas.get(pixel(3).into()), Some(&fitted(1.0)));
        assert_eq!(atlas.get(varied(2, 3)), Some(&fitted(2.0)));
        assert_eq!(atlas.get(pixel(4).into()), None);
        assert_eq!(atlas.get(varied(1, 3)), None);
        assert_eq!(atlas.len(), 3);
    }

    #[test]
    fn an_atlas_is_empty_until_any_map_has_a_pixel() {
        let mut atlas = Atlas::default();
        assert!(atlas.is_empty());
        atlas.insert(varied(1, 0), fitted(1.0));
        assert!(!atlas.is_empty());
    }

    #[test]
    fn a_failure_in_any_map_is_one() {
        let failed = PixelOutcome::Failed("no light".to_owned());
        for point in [pixel(5).into(), varied(7, 5)] {
            let mut atlas = Atlas::default();
            atlas.insert(varied(7, 4), fitted(1.0));
            assert!(!atlas.has_failed());
            atlas.insert(point, failed.clone());
            assert!(atlas.has_failed(), "{point:?}");
        }
    }
}
