//! When the photons come that one DOM detects, drawn from weighted times of some that might.
//!
//! A bright DOM detects more photons than were followed to it, and its first one comes before all of these. So in the
//! earliest twelfth of the times, or the earliest twelve, the number that has come is a power of the delay behind the
//! front, by the estimate of B. M. Hill, Ann. Stat. 3 (1975) 1163.

use rand_chacha::ChaCha8Rng;

use skyscan_reco::readout::{Detected, MOST_DRAWN};

use crate::dice;

/// The power is estimated from so many times, if they are not more than this share of all.
const MOST_EARLY: usize = 12;
const EARLY_SHARE: usize = 12;
/// Delays below this count as this, ns.
const LEAST_DELAY_NS: f64 = 0.1;

/// What photons mean to one DOM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expected {
    pub time_ns: f64,
    /// Photons to be expected.
    pub number: f64,
}

/// All of them, by time.
#[derive(Debug)]
pub(crate) struct Arrivals {
    front_ns: f64,
    times_ns: Vec<f64>,
    /// Photons to be expected up to each time.
    sums: Vec<f64>,
    early: Option<Early>,
}

/// How the earliest light rises.
#[derive(Clone, Copy, Debug)]
struct Early {
    /// Photons until the delay; before, the number is a power of the delay.
    number: f64,
    delay_ns: f64,
    power: f64,
}

impl Arrivals {
    /// Nothing comes before `front_ns`.
    pub(crate) fn new(front_ns: f64, mut expected: Vec<Expected>) -> Self {
        expected.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
        let mut sum = 0.0;
        let sums: Vec<f64> = expected
            .iter()
            .map(|one| {
                sum += one.number;
                sum
            })
            .collect();
        let early = expected.get(..(expected.len() / EARLY_SHARE).min(MOST_EARLY));
        Self {
            front_ns,
            early: early.and_then(|early| Early::of(front_ns, early)),
            times_ns: expected.iter().map(|one| one.time_ns).collect(),
            sums,
        }
    }

    /// The photons that the DOM detects, each at the time it gets there.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<Detected> {
        let Some(&sum) = self.sums.last() else {
            return Vec::new();
        };
        let number = dice::poisson(sum, rng) as f64;
        let drawn = number.min(MOST_DRAWN);
        let mut shares: Vec<f64> = (0..drawn as u64).map(|_| dice::unit(rng)).collect();
        if number > drawn {
            // The first of those that are drawn stands where the first of all would.
            let first = -libm::expm1(-dice::exponential(rng) / number);
            if let Some(least) = shares.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                *least = first;
            }
        }
        shares
            .into_iter()
            .map(|share| Detected {
                time_ns: self.time_ns(share * sum),
                weight: number / drawn,
            })
            .collect()
    }

    /// The time until which so many photons come.
    fn time_ns(&self, number: f64) -> f64 {
        match self.early {
            Some(early) if number < early.number => {
                let share = libm::pow(number / early.number, 1.0 / early.power);
                self.front_ns + early.delay_ns * share
            }
            _ => {
                let index = self.sums.partition_point(|sum| *sum <= number);
                self.times_ns[index.min(self.times_ns.len() - 1)]
            }
        }
    }
}

impl Early {
    fn of(front_ns: f64, expected: &[Expected]) -> Option<Self> {
        let delay_ns = |one: &Expected| (one.time_ns - front_ns).max(LEAST_DELAY_NS);
        let (last, before) = expected.split_last()?;
        let number: f64 = before.iter().map(|one| one.number).sum();
        let logarithms: f64 = before
            .iter()
            .map(|one| one.number * libm::log(delay_ns(last) / delay_ns(one)))
            .sum();
        (logarithms > 0.0).then(|| Self {
            number: number + last.number,
            delay_ns: delay_ns(last),
            power: number / logarithms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn as_many_photons_come_as_are_to_be_expected() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let expected = |time_ns, number| Expected { time_ns, number };
        let arrivals = Arrivals::new(0.0, vec![expected(200.0, 1.5), expected(100.0, 0.5)]);
        let n = 20_000;
        let drawn: Vec<Detected> = (0..n).flat_map(|_| arrivals.draw(&mut rng)).collect();
        let count = |time: f64| drawn.iter().filter(|d| d.time_ns == time).count() as f64;
        // Five standard deviations.
        assert!((count(100.0) / f64::from(n) - 0.5).abs() < 0.025);
        assert!((count(200.0) / f64::from(n) - 1.5).abs() < 0.044);
        let bright = Arrivals::new(0.0, vec![expected(100.0, 3e4)]).draw(&mut rng);
        assert_eq!(bright.len(), 500);
        let sum: f64 = bright.iter().map(|d| d.weight).sum();
        assert!((sum / 3e4 - 1.0).abs() < 0.03);
        assert!(Arrivals::new(0.0, Vec::new()).draw(&mut rng).is_empty());
    }

    /// Delays with the distribution function `(t / 100 ns)^power` up to 100 ns: the median of the first of `n` is at
    /// `100 ns (1 - 2^(-1/n))^(1/power)`, though only 60 are known.
    #[test]
    fn the_first_photon_comes_before_all_that_were_followed() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (power, n) in [(1.0, 50.0), (2.0, 400.0), (3.0, 400.0), (3.0, 5_000.0)] {
            let mut first: Vec<f64> = (0..300)
                .map(|_| {
                    let time = |_| 1e4 + 100.0 * libm::pow(dice::unit(&mut rng), 1.0 / power);
                    let times: Vec<f64> = (0..60).map(time).collect();
                    let expected = |&time_ns: &f64| Expected {
                        time_ns,
                        number: n / 60.0,
                    };
                    let arrivals = Arrivals::new(1e4, times.iter().map(expected).collect());
                    let drawn = arrivals.draw(&mut rng);
                    drawn
                        .iter()
                        .map(|d| d.time_ns - 1e4)
                        .fold(f64::INFINITY, f64::min)
                })
                .collect();
            first.sort_by(f64::total_cmp);
            let expected = 100.0 * libm::pow(1.0 - libm::exp2(-1.0 / n), 1.0 / power);
            let ratio = first[150] / expected;
            assert!((0.8..1.25).contains(&ratio), "power {power}, {n}: {ratio}");
        }
    }
}
