//! Which worker is in which zone, and when it comes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scenario::setup::{Fleet, Ramp};

/// Where and when the workers of a fleet come, by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placement {
    /// Number of the zone.
    pub(super) zone: Vec<usize>,
    /// Since the fleet began; those beyond the end never come.
    pub(super) comes_s: Vec<f64>,
}

impl Placement {
    /// Spreads a fleet over zones with these shares of it. Neighbours in number are in different
    /// zones, so that all zones fill up together.
    pub(super) fn of(fleet: &Fleet, shares: &[f64], seed: u64) -> Self {
        let n = fleet.n_coming();
        let zone = spread(n, shares);
        let comes_s = match fleet.ramp {
            Ramp::Step => vec![0.0; n],
            Ramp::Linear { workers_per_s } | Ramp::Capped { workers_per_s, .. } => {
                (0..n).map(|number| number as f64 / workers_per_s).collect()
            }
            Ramp::Saturating {
                time_constant_s,
                all_after_s,
            } => {
                let reached = 1.0 - libm::exp(-all_after_s / time_constant_s);
                let comes_s = |number: usize| {
                    let share = number as f64 / n as f64;
                    -time_constant_s * libm::log(1.0 - share * reached)
                };
                (0..n).map(comes_s).collect()
            }
            Ramp::Zonal {
                workers_per_s,
                begins_within_s,
            } => zonal(&zone, shares, workers_per_s, begins_within_s, seed),
        };
        Self { zone, comes_s }
    }
}

/// Gives each worker to the zone that is owed most.
fn spread(n: usize, shares: &[f64]) -> Vec<usize> {
    let total: f64 = shares.iter().sum();
    let mut owed = vec![0.0; shares.len()];
    let next = |_| {
        for (owed, share) in owed.iter_mut().zip(shares) {
            *owed += share / total;
        }
        let most = owed.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let zone = owed.iter().position(|owed| *owed == most).unwrap_or(0);
        owed[zone] -= 1.0;
        zone
    };
    (0..n).map(next).collect()
}

fn zonal(
    zone: &[usize],
    shares: &[f64],
    workers_per_s: f64,
    begins_within_s: f64,
    seed: u64,
) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let total: f64 = shares.iter().sum();
    let begins_s: Vec<f64> = shares
        .iter()
        .map(|_| begins_within_s * rng.random::<f64>())
        .collect();
    let mut n_before = vec![0usize; shares.len()];
    let comes_s = zone.iter().map(|&zone| {
        let rate = workers_per_s * shares[zone] / total;
        let comes_s = begins_s[zone] + n_before[zone] as f64 / rate;
        n_before[zone] += 1;
        comes_s
    });
    comes_s.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(ramp: Ramp, workers: usize, shares: &[f64]) -> Placement {
        let fleet = Fleet {
            workers,
            slots: std::num::NonZeroU16::MIN,
            processes: 1,
            ramp,
            boot_s: 0.0,
            speeds: Vec::new(),
        };
        Placement::of(&fleet, shares, 1)
    }

    #[test]
    fn zones_get_their_shares_at_any_time() {
        let placed = placed(Ramp::Step, 1000, &[3.0, 1.0]);
        for n in [4, 40, 1000] {
            let first = placed.zone[..n].iter().filter(|zone| **zone == 0).count();
            assert!(
                (first as f64 - 0.75 * n as f64).abs() <= 1.0,
                "{first} of {n}"
            );
        }
    }

    #[test]
    fn ramps_have_their_known_points() {
        let linear = placed(
            Ramp::Linear {
                workers_per_s: 50.0,
            },
            1001,
            &[1.0],
        );
        assert_eq!(linear.comes_s[1000], 20.0);
        let capped = Ramp::Capped {
            workers_per_s: 50.0,
            most: 200,
        };
        assert_eq!(placed(capped, 1000, &[1.0]).comes_s.len(), 200);
        // Two thirds after 1800 s, all after 7200 s: a GPU burst over three clouds.
        let saturating = Ramp::Saturating {
            time_constant_s: 1682.0,
            all_after_s: 7200.0,
        };
        let placed_s = placed(saturating, 3000, &[1.0]).comes_s;
        assert!((placed_s[2000] - 1800.0).abs() < 5.0, "{}", placed_s[2000]);
        assert!(
            (6500.0..7200.0).contains(&placed_s[2999]),
            "{}",
            placed_s[2999]
        );
    }

    #[test]
    fn zones_begin_on_their_own() {
        let ramp = Ramp::Zonal {
            workers_per_s: 10.0,
            begins_within_s: 300.0,
        };
        let placed = placed(ramp, 1000, &[1.0; 4]);
        let of_zone = |zone: usize| {
            let both = placed.zone.iter().zip(&placed.comes_s);
            both.filter(move |(of, _)| **of == zone).map(|(_, s)| *s)
        };
        let begins: Vec<f64> = (0..4).filter_map(|zone| of_zone(zone).next()).collect();
        assert!(begins.iter().all(|s| (0.0..300.0).contains(s)));
        assert!(
            begins
                .windows(2)
                .all(|pair| (pair[0] - pair[1]).abs() > 0.1)
        );
        let gaps: Vec<f64> = of_zone(2).take(2).collect();
        assert!((gaps[1] - gaps[0] - 0.4).abs() < 1e-9);
    }
}
