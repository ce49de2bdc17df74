//! DOMs as photons meet them: enlarged, and found by where a photon is.
//!
//! A real DOM is met by one photon in millions. Here each is a flat cylinder with a radius of a quarter of its distance
//! from the track, between limits: a photon counts there by the share of its path that would have met the true DOM.
//! Flat, because the ice is: light that is shifted sideways stays as it was.
//!
//! Decision: Simulated DOMs are flat and wide (`docs/decisions.md`).

use std::f64::consts::PI;

use skyscan_event::detector::Detector;
use skyscan_reco::light::cherenkov::Track;

/// Radius of a DOM, m (M. G. Aartsen et al., JINST 12 (2017) P03012).
pub(crate) const DOM_RADIUS_M: f64 = 0.165_1;
/// Radius of a target as a share of its distance from the track, and its limits.
const RADIUS_SHARE: f64 = 0.25;
const RADII_M: (f64, f64) = (2.0, 12.0);
/// Half the height of a target is as much, up to this.
const HALF_HEIGHT_M: f64 = 5.0;
/// Edge of the cells that targets are sorted into.
const CELL_M: f64 = 10.0;

/// One enlarged DOM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    /// Middle of the DOM.
    pub position_m: [f64; 3],
    radius_m: f64,
    half_height_m: f64,
    /// Detected photons per metre of path inside, for light that meets the photocathode head on.
    pub per_metre: f64,
}

/// The enlarged DOMs of a telescope, in the order of its DOMs.
#[derive(Debug)]
pub(crate) struct Targets {
    targets: Vec<Target>,
    /// Bucket `i` holds `indices[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    indices: Vec<u32>,
    mask: u64,
}

impl Targets {
    pub(crate) fn new(detector: &Detector, track: &Track) -> Self {
        let target = |dom: &skyscan_event::detector::Dom| {
            let wanted_m = RADIUS_SHARE * track.approach(dom.position_m).distance_m;
            let radius_m = wanted_m.clamp(RADII_M.0, RADII_M.1);
            let half_height_m = radius_m.min(HALF_HEIGHT_M);
            let volume = PI * radius_m * radius_m * 2.0 * half_height_m;
            Target {
                position_m: dom.position_m,
                radius_m,
                half_height_m,
                per_metre: dom.relative_efficiency * PI * DOM_RADIUS_M * DOM_RADIUS_M / volume,
            }
        };
        let targets: Vec<Target> = detector.doms.values().map(target).collect();
        // Most buckets stay empty, so that most looks cost one.
        let n_buckets = (targets.len() as u64 * 128).next_power_of_two();
        let mask = n_buckets - 1;
        let mut entries = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            for cell in target.cells() {
                entries.push((bucket(cell, mask), index as u32));
            }
        }
        entries.sort_unstable();
        // Two cells of one target may share a bucket: it must count once.
        entries.dedup();
        let mut starts = vec![0; n_buckets as usize + 1];
        for (bucket, _) in &entries {
            starts[*bucket as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        Self {
            targets,
            starts,
            indices: entries.into_iter().map(|(_, index)| index).collect(),
            mask,
        }
    }

    /// The targets that a point lies in, with their indices.
    pub(crate) fn around(&self, point_m: [f64; 3]) -> impl Iterator<Item = (usize, &Target)> {
        let bucket = bucket(point_m.map(cell), self.mask) as usize;
        let inside = &self.indices[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        inside
            .iter()
            .map(|&index| (index as usize, &self.targets[index as usize]))
            .filter(move |(_, target)| target.holds(point_m))
    }

    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }
}

impl Target {
    fn holds(&self, point_m: [f64; 3]) -> bool {
        let [x, y, z] = [0, 1, 2].map(|i| point_m[i] - self.position_m[i]);
        z.abs() < self.half_height_m && x * x + y * y < self.radius_m * self.radius_m
    }

    /// All cells that it reaches into.
    fn cells(&self) -> impl Iterator<Item = [i64; 3]> {
        let reach = [self.radius_m, self.radius_m, self.half_height_m];
        let [x, y, z] = [0, 1, 2]
            .map(|i| cell(self.position_m[i] - reach[i])..=cell(self.position_m[i] + reach[i]));
        x.flat_map(move |x| {
            let z = z.clone();
            y.clone()
                .flat_map(move |y| z.clone().map(move |z| [x, y, z]))
        })
    }
}

fn cell(coordinate_m: f64) -> i64 {
    (coordinate_m * (1.0 / CELL_M)).floor() as i64
}

fn bucket(cell: [i64; 3], mask: u64) -> u64 {
    // Odd constants without pattern, and the upper half of the product.
    let mixed = (cell[0] as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (cell[1] as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ (cell[2] as u64).wrapping_mul(0x1656_67b1_9e37_79f9);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn finds_the_targets_around_a_point() {
        let track = Track {
            position_m: [20.0, -30.0, 10.0],
            direction: [0.6, 0.0, 0.8],
            time_ns: 0.0,
        };
        let targets = Targets::new(&Detector::icecube86(), &track);
        assert_eq!(targets.len(), 5083);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut found = 0;
        for _ in 0..5_000 {
            let point = [0; 3].map(|_| 500.0 * (2.0 * dice::unit(&mut rng) - 1.0));
            let by_cell: Vec<usize> = targets.around(point).map(|(index, _)| index).collect();
            let all = targets.targets.iter().enumerate();
            let by_search: Vec<usize> = all
                .filter(|(_, target)| target.holds(point))
                .map(|(index, _)| index)
                .collect();
            assert_eq!(by_cell, by_search);
            found += by_cell.len();
        }
        assert!(found > 30, "{found}");
    }

    /// However large a target is, it detects as many of the photons that come from one side as the true DOM.
    #[test]
    fn a_target_detects_what_its_dom_would() {
        let detector = Detector::icecube86();
        let track = Track {
            position_m: [0.0; 3],
            direction: [0.0, 0.0, 1.0],
            time_ns: 0.0,
        };
        let targets = Targets::new(&detector, &track);
        for (target, dom) in targets
            .targets
            .iter()
            .zip(detector.doms.values())
            .step_by(500)
        {
            let volume = PI * target.radius_m.powi(2) * 2.0 * target.half_height_m;
            let area = target.per_metre * volume / dom.relative_efficiency;
            assert!((area - 0.085_64).abs() < 1e-4, "{area}");
        }
    }
}
