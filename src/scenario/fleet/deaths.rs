//! When a worker's machine is taken away.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scenario::setup::{PoolLoss, Preemption};

/// The times at which one machine is taken away, in seconds since the fleet began.
#[derive(Debug)]
pub(super) struct Deaths {
    per_s: f64,
    rng: ChaCha8Rng,
    pool: Option<Pool>,
}

/// The zone's losses, as every machine of the zone draws them, and whom they hit.
#[derive(Debug)]
struct Pool {
    loss: PoolLoss,
    zone_rng: ChaCha8Rng,
    own_rng: ChaCha8Rng,
    event_s: f64,
    /// When the next event that hits this machine does.
    hit_s: f64,
}

impl Deaths {
    /// `own_seed` is the machine's, `zone_seed` that of all machines of its zone.
    pub(super) fn new(preemption: Preemption, own_seed: u64, zone_seed: u64) -> Self {
        let pool = preemption.pool.map(|loss| {
            let mut pool = Pool {
                loss,
                zone_rng: ChaCha8Rng::seed_from_u64(zone_seed),
                own_rng: ChaCha8Rng::seed_from_u64(!own_seed),
                event_s: 0.0,
                hit_s: 0.0,
            };
            pool.advance();
            pool
        });
        Self {
            per_s: preemption.per_min / 60.0,
            rng: ChaCha8Rng::seed_from_u64(own_seed),
            pool,
        }
    }

    /// When a machine that comes now is taken away.
    pub(super) fn next_after(&mut self, now_s: f64) -> f64 {
        let own_s = now_s + exponential(&mut self.rng) / self.per_s;
        let Some(pool) = &mut self.pool else {
            return own_s;
        };
        while pool.hit_s <= now_s {
            pool.advance();
        }
        own_s.min(pool.hit_s)
    }
}

impl Pool {
    fn advance(&mut self) {
        // A share of 0 hits nobody, ever.
        if self.loss.share <= 0.0 {
            self.hit_s = f64::INFINITY;
            return;
        }
        loop {
            self.event_s += 3600.0 * exponential(&mut self.zone_rng) / self.loss.per_hour;
            let (chosen, when): (f64, f64) = (self.own_rng.random(), self.own_rng.random());
            if chosen < self.loss.share {
                self.hit_s = self.event_s + when * self.loss.within_s;
                return;
            }
        }
    }
}

fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -libm::log(1.0 - rng.random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Preemption = Preemption {
        per_min: 0.05,
        back_after_s: 60.0,
        notice_s: None,
        notice_share: None,
        pool: None,
    };

    #[test]
    fn machines_live_as_long_as_they_should_on_average() {
        let n = 5000;
        let lives = (0..n).map(|own| Deaths::new(ALONE, own, 0).next_after(100.0) - 100.0);
        let mean = lives.sum::<f64>() / n as f64;
        assert!((mean - 1200.0).abs() < 60.0, "{mean}");
    }

    #[test]
    fn a_zone_goes_together() {
        let loss = PoolLoss {
            per_hour: 1.0,
            share: 0.5,
            within_s: 120.0,
        };
        let with_pool = Preemption {
            per_min: 1e-9,
            pool: Some(loss),
            ..ALONE
        };
        let mut deaths: Vec<f64> = (0..1000)
            .map(|own| Deaths::new(with_pool, own, 7).next_after(0.0))
            .collect();
        deaths.sort_by(f64::total_cmp);
        // The first event takes half of them within two minutes.
        let first = deaths[0];
        let n_first = deaths.iter().filter(|s| **s < first + 120.0).count();
        assert!((440..560).contains(&n_first), "{n_first}");
        let elsewhere = Deaths::new(with_pool, 1, 8).next_after(0.0);
        assert!(deaths.iter().all(|s| (s - elsewhere).abs() > 1e-6));
    }
}
