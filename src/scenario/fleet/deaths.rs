//! When a worker's machine goes: it is taken away, or its zone vanishes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scenario::setup::{Absence, PoolLoss, Preemption};

/// The times at which one machine goes, in seconds since the fleet began.
#[derive(Debug)]
pub(super) struct Deaths {
    taken: Option<Taken>,
    /// When its zone is away, the first time first.
    away: Vec<Absence>,
}

/// A machine's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Death {
    pub(super) at_s: f64,
    /// When its zone is back, if it goes with its zone: nobody gives notice of that.
    pub(super) zone_back_s: Option<f64>,
}

/// The times at which it is taken away.
#[derive(Debug)]
struct Taken {
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
    pub(super) fn new(
        preemption: Option<Preemption>,
        away: Vec<Absence>,
        own_seed: u64,
        zone_seed: u64,
    ) -> Self {
        let taken = preemption.map(|preemption| Taken::new(preemption, own_seed, zone_seed));
        Self { taken, away }
    }

    /// How a machine that comes now ends, if it does.
    pub(super) fn next_after(&mut self, now_s: f64) -> Option<Death> {
        let taken = self.taken.as_mut().map(|taken| Death {
            at_s: taken.next_after(now_s),
            zone_back_s: None,
        });
        let away = self.away.iter().find(|away| away.until_s > now_s);
        let vanishes = away.map(|away| Death {
            at_s: away.from_s.max(now_s),
            zone_back_s: Some(away.until_s),
        });
        let both = taken.into_iter().chain(vanishes);
        both.min_by(|a, b| a.at_s.total_cmp(&b.at_s))
    }

    /// When a machine comes that would come now: its zone has to be there.
    pub(super) fn comes_s(&self, now_s: f64) -> f64 {
        self.away.iter().fold(now_s, |at_s, away| {
            match (away.from_s..away.until_s).contains(&at_s) {
                true => away.until_s,
                false => at_s,
            }
        })
    }
}

impl Taken {
    fn new(preemption: Preemption, own_seed: u64, zone_seed: u64) -> Self {
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

    fn next_after(&mut self, now_s: f64) -> f64 {
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

    fn taken_after(now_s: f64, preemption: Preemption, own_seed: u64, zone_seed: u64) -> f64 {
        let mut deaths = Deaths::new(Some(preemption), Vec::new(), own_seed, zone_seed);
        deaths.next_after(now_s).unwrap().at_s
    }

    #[test]
    fn a_zone_that_is_away_takes_and_brings_all() {
        let away = |from_s, until_s| Absence {
            zone: 0,
            from_s,
            until_s,
        };
        let mut deaths = Deaths::new(None, vec![away(10.0, 30.0), away(30.0, 50.0)], 1, 2);
        let death = |at_s, zone_back_s| {
            Some(Death {
                at_s,
                zone_back_s: Some(zone_back_s),
            })
        };
        assert_eq!(deaths.next_after(0.0), death(10.0, 30.0));
        assert_eq!(deaths.next_after(20.0), death(20.0, 30.0));
        assert_eq!(deaths.next_after(50.0), None);
        let comes = [5.0, 10.0, 29.0, 50.0].map(|now_s| deaths.comes_s(now_s));
        assert_eq!(comes, [5.0, 50.0, 50.0, 50.0]);
        assert_eq!(Deaths::new(None, Vec::new(), 1, 2).next_after(0.0), None);
    }

    #[test]
    fn machines_live_as_long_as_they_should_on_average() {
        let n = 5000;
        let lives = (0..n).map(|own| taken_after(100.0, ALONE, own, 0) - 100.0);
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
            .map(|own| taken_after(0.0, with_pool, own, 7))
            .collect();
        deaths.sort_by(f64::total_cmp);
        // The first event takes half of them within two minutes.
        let first = deaths[0];
        let n_first = deaths.iter().filter(|s| **s < first + 120.0).count();
        assert!((440..560).contains(&n_first), "{n_first}");
        let elsewhere = taken_after(0.0, with_pool, 1, 8);
        assert!(deaths.iter().all(|s| (s - elsewhere).abs() > 1e-6));
    }
}
