//! Energies of showers, by the algorithm of L. B. Lucy (Astron. J. 79 (1974) 745) and W. H. Richardson (J. Opt. Soc.
//! Am. 62 (1972) 55): each step multiplies every energy by the mean of what is seen over what is expected, and none
//! makes the likelihood worse, nor an energy negative.
//!
//! Neighbours on a track trade energy slowly so. After two steps a leap is tried as far as their difference tells (R.
//! Varadhan and C. Roland, Scand. J. Stat. 35 (2008) 335, scheme S3), and taken back where it makes the likelihood
//! worse.

use super::Matrix;
use super::bins::{Bins, MOST_BINS, Watched};

/// An energy of which so few photoelectrons per GeV reach any DOM is not to be told.
const LEAST_PER_GEV: f64 = 1e-3;
/// A first guess, GeV.
const FIRST_GEV: f64 = 100.0;
/// An energy that has died out comes back from this share of the mean.
const REVIVED: f64 = 1e-3;

/// No leap leaves less than this of an energy.
const LEAST_LEFT: f64 = 1e-3;

/// Energies, in GeV, of the showers of a matrix.
#[derive(Clone, Debug)]
pub(crate) struct Energies {
    pub(crate) gev: Vec<f64>,
    /// Weighted photoelectrons per GeV of each.
    norms: Vec<f64>,
}

/// What is expected of a DOM.
fn expected(dom: &Watched, entries: &[(u32, Bins)], gev: &[f64]) -> Bins {
    let mut mu = dom.noise_pe;
    for (shower, per_gev) in entries {
        let energy = gev[*shower as usize];
        if energy > 0.0 {
            for (mu, per_gev) in mu.iter_mut().zip(per_gev) {
                *mu += energy * per_gev;
            }
        }
    }
    mu
}

/// What was seen, or what is expected where the least of it was seen.
fn seen(dom: &Watched, mu: &Bins) -> Bins {
    std::array::from_fn(|i| match dom.is_least[i] {
        true => dom.charge_pe[i].max(mu[i]),
        false => dom.charge_pe[i],
    })
}

/// `mu - n + n ln(n / mu)`.
fn misfit(n: f64, mu: f64) -> f64 {
    if n > 0.0 {
        mu - n + n * libm::log(n / mu)
    } else {
        mu
    }
}

/// Where two steps lead to if they go on as they do; none if they stand still.
fn leap(begin: &[f64], first: &[f64], second: &[f64]) -> Option<Vec<f64>> {
    let triples = || begin.iter().zip(first).zip(second);
    let (mut moved, mut bent) = (0.0, 0.0);
    for ((a, b), c) in triples() {
        moved += (b - a) * (b - a);
        bent += (c - 2.0 * b + a) * (c - 2.0 * b + a);
    }
    if bent <= 0.0 {
        return None;
    }
    let far = (moved / bent).sqrt().max(1.0);
    let of = |((a, b), c): ((&f64, &f64), &f64)| {
        let leapt = a + 2.0 * far * (b - a) + far * far * (c - 2.0 * b + a);
        leapt.max(LEAST_LEFT * c)
    };
    Some(triples().map(of).collect())
}

impl Energies {
    /// From a guess, or from the first one.
    pub(crate) fn new(watched: &[Watched], matrix: &Matrix, guess: Option<&[f64]>) -> Self {
        let mut norms = matrix.dark_per_gev.clone();
        for (dom, entries) in watched.iter().zip(matrix.by_dom()) {
            for (shower, per_gev) in entries {
                norms[*shower as usize] += dom.weight * per_gev.iter().sum::<f64>();
            }
        }
        let gev = match guess {
            None => vec![FIRST_GEV; norms.len()],
            Some(guess) => {
                let mean = guess.iter().sum::<f64>() / guess.len().max(1) as f64;
                guess.iter().map(|e| e.max(REVIVED * mean)).collect()
            }
        };
        let told = |(gev, norm): (f64, &f64)| if *norm < LEAST_PER_GEV { 0.0 } else { gev };
        Self {
            gev: gev.into_iter().zip(&norms).map(told).collect(),
            norms,
        }
    }

    /// Makes so many leaps of three steps each.
    pub(crate) fn improve(&mut self, watched: &[Watched], matrix: &Matrix, n_leaps: usize) {
        for _ in 0..n_leaps {
            let begin = self.gev.clone();
            self.step(watched, matrix);
            let first = self.gev.clone();
            self.step(watched, matrix);
            let second = self.gev.clone();
            let known = self.llh(watched, matrix);
            let Some(leap) = leap(&begin, &first, &second) else {
                return;
            };
            self.gev = leap;
            self.step(watched, matrix);
            if self.llh(watched, matrix) > known {
                self.gev = second;
                self.step(watched, matrix);
            }
        }
    }

    fn step(&mut self, watched: &[Watched], matrix: &Matrix) {
        let mut gains = vec![0.0; self.gev.len()];
        for (dom, entries) in watched.iter().zip(matrix.by_dom()) {
            let mu = expected(dom, entries, &self.gev);
            let seen = seen(dom, &mu);
            let ratio: Bins = std::array::from_fn(|i| match seen[i] > 0.0 {
                true => dom.weight * seen[i] / mu[i],
                false => 0.0,
            });
            for (shower, per_gev) in entries {
                let gain: f64 = (0..MOST_BINS).map(|i| ratio[i] * per_gev[i]).sum();
                gains[*shower as usize] += gain;
            }
        }
        for ((gev, gain), norm) in self.gev.iter_mut().zip(&gains).zip(&self.norms) {
            if *gev > 0.0 {
                *gev *= gain / norm;
            }
        }
    }

    /// `-llh`.
    pub(crate) fn llh(&self, watched: &[Watched], matrix: &Matrix) -> f64 {
        let dark = self.gev.iter().zip(&matrix.dark_per_gev);
        let mut sum: f64 = dark.map(|(gev, per_gev)| gev * per_gev).sum();
        for (dom, entries) in watched.iter().zip(matrix.by_dom()) {
            let mu = expected(dom, entries, &self.gev);
            let seen = seen(dom, &mu);
            let of_dom: f64 = (0..MOST_BINS).map(|i| misfit(seen[i], mu[i])).sum();
            sum += dom.weight * of_dom;
        }
        sum
    }

    /// `w (1 - n / mu)` in each span of each DOM: by how much `-llh` grows with what is expected.
    pub(crate) fn pulls(&self, watched: &[Watched], matrix: &Matrix) -> Vec<Bins> {
        let pull = |(dom, entries): (&Watched, &[(u32, Bins)])| {
            let mu = expected(dom, entries, &self.gev);
            let seen = seen(dom, &mu);
            std::array::from_fn(|i| match mu[i] > 0.0 {
                true => dom.weight * (1.0 - seen[i] / mu[i]),
                false => 0.0,
            })
        };
        watched.iter().zip(matrix.by_dom()).map(pull).collect()
    }
}

/// By how much `-llh` grows, with these pulls, from one matrix to another of the same showers, a little moved.
pub(crate) fn rise(gev: &[f64], pulls: &[Bins], from: &Matrix, to: &Matrix) -> f64 {
    let dark = from.dark_per_gev.iter().zip(&to.dark_per_gev);
    let mut sum: f64 = (gev.iter().zip(dark))
        .map(|(gev, (from, to))| gev * (to - from))
        .sum();
    for (pulls, (from, to)) in pulls.iter().zip(from.by_dom().zip(to.by_dom())) {
        let pulled = |entries: &[(u32, Bins)]| -> f64 {
            let one = |(shower, per_gev): &(u32, Bins)| {
                let pulled: f64 = (0..MOST_BINS).map(|i| pulls[i] * per_gev[i]).sum();
                gev[*shower as usize] * pulled
            };
            entries.iter().map(one).sum()
        };
        sum += pulled(to) - pulled(from);
    }
    sum
}
