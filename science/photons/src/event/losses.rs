//! What a muon loses on its way, and where: showers as a Poisson process, the rest evenly.
//!
//! With `v` the share of the energy that one interaction takes, the number per metre is
//!
//! ```text
//! bremsstrahlung, photonuclear:  b (4/3 (1 - v) + v^2) / v
//! pairs:                         c / (v (v + m_e / m_mu)^(3/2)),  c such that the mean loss is b
//! ```
//!
//! (bremsstrahlung of a screened nucleus, and the photonuclear one falls alike; pairs fall with a power of 2 to 3 above
//! `m_e / m_mu`: S. Navas et al. (Particle Data Group), Phys. Rev. D 110 (2024) 030001, "Passage of particles through
//! matter", muon energy loss at high energy). What is below half a GeV counts as even.

use rand_chacha::ChaCha8Rng;

use crate::dice;

/// Density of the ice, metres of water equivalent per metre.
const ICE: f64 = 0.917;
/// Ionisation, GeV per m (D. Chirkin, W. Rhode, "Muon Monte Carlo", hep-ph/0407075).
const IONISATION_GEV_PER_M: f64 = 0.26 * ICE;
/// Mean losses by kind as a share of the energy, per m (D. E. Groom, N. V. Mokhov, S. I. Striganov, Atomic Data and
/// Nuclear Data Tables 78 (2001) 183, for ice and above 1 TeV).
const BREMSSTRAHLUNG_PER_M: f64 = 1.3e-4 * ICE;
const PAIRS_PER_M: f64 = 1.6e-4 * ICE;
const PHOTONUCLEAR_PER_M: f64 = 0.45e-4 * ICE;
/// Losses below this are even.
const CUT_GEV: f64 = 0.5;
/// Mass of the electron over that of the muon.
const KNEE: f64 = 0.510_999 / 105.658;

/// One loss that makes a shower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    /// Distance along the track from where the muon starts.
    pub along_m: f64,
    /// Energy of the shower.
    pub energy_gev: f64,
    /// Whether it is one of hadrons.
    pub hadrons: bool,
}

/// The losses of a muon over `length_m`; where it stops, the list ends, too, and so does the way that comes with it.
pub(crate) fn draw(energy_gev: f64, length_m: f64, rng: &mut ChaCha8Rng) -> (Vec<Loss>, f64) {
    let mut losses = Vec::new();
    let mut energy = energy_gev;
    let mut along_m = 0.0;
    loop {
        let before = Rates::at(energy);
        let step_m = dice::exponential(rng) / before.hard().max(1e-9);
        let stops_after_m = energy / before.even_gev_per_m;
        if along_m + step_m.min(stops_after_m) >= length_m {
            return (losses, length_m);
        }
        along_m += step_m.min(stops_after_m);
        energy -= step_m * before.even_gev_per_m;
        if energy <= CUT_GEV {
            return (losses, along_m);
        }
        // The rate has fallen with the energy since: what is too much is thinned out.
        let now = Rates::at(energy);
        let kind = dice::unit(rng) * before.hard();
        if kind >= now.hard() {
            continue;
        }
        let cut = CUT_GEV / energy;
        let (share, hadrons) = if kind < now.pairs {
            (pair_share(cut, rng), false)
        } else {
            let photonuclear = PHOTONUCLEAR_PER_M / (PHOTONUCLEAR_PER_M + BREMSSTRAHLUNG_PER_M);
            (radiative_share(cut, rng), dice::unit(rng) < photonuclear)
        };
        losses.push(Loss {
            along_m,
            energy_gev: share * energy,
            hadrons,
        });
        energy -= share * energy;
    }
}

/// How often a muon of one energy loses more than the cut, and what it loses evenly.
#[derive(Clone, Copy, Debug)]
struct Rates {
    /// Bremsstrahlung and photonuclear interactions, per m.
    radiative: f64,
    /// Pairs, per m.
    pairs: f64,
    even_gev_per_m: f64,
}

impl Rates {
    fn at(energy_gev: f64) -> Self {
        let cut = CUT_GEV / energy_gev;
        if cut >= 1.0 {
            return Self {
                radiative: 0.0,
                pairs: 0.0,
                even_gev_per_m: IONISATION_GEV_PER_M,
            };
        }
        let b = BREMSSTRAHLUNG_PER_M + PHOTONUCLEAR_PER_M;
        let radiative = 4.0 / 3.0 * (cut - 1.0 - libm::log(cut)) + 0.5 * (1.0 - cut * cut);
        let radiative_below = 4.0 / 3.0 * (cut - 0.5 * cut * cut) + cut * cut * cut / 3.0;
        let pairs = pairs_above(cut) - pairs_above(1.0);
        let pairs_below = 2.0 * (1.0 / KNEE.sqrt() - 1.0 / (cut + KNEE).sqrt());
        Self {
            radiative: b * radiative,
            pairs: pair_norm() * pairs,
            even_gev_per_m: IONISATION_GEV_PER_M
                + energy_gev * (b * radiative_below + pair_norm() * pairs_below),
        }
    }

    fn hard(&self) -> f64 {
        self.radiative + self.pairs
    }
}

/// `c` of the spectrum of pairs.
fn pair_norm() -> f64 {
    PAIRS_PER_M / (2.0 * (1.0 / KNEE.sqrt() - 1.0 / (1.0 + KNEE).sqrt()))
}

/// Integral of `1 / (v (v + k)^(3/2))` from `v` to infinity.
fn pairs_above(v: f64) -> f64 {
    let (root, knee) = ((v + KNEE).sqrt(), KNEE.sqrt());
    // (root - knee) / (root + knee), without losing its digits for small v.
    let ratio = v / (root + knee).powi(2);
    -libm::log(ratio) / (KNEE * knee) - 2.0 / (KNEE * root)
}

/// Uniform in the logarithm between `cut` and 1.
fn logarithmic(cut: f64, rng: &mut ChaCha8Rng) -> f64 {
    libm::exp(libm::log(cut) * dice::unit(rng))
}

fn radiative_share(cut: f64, rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let v = logarithmic(cut, rng);
        if dice::unit(rng) < 1.0 - v + 0.75 * v * v {
            return v;
        }
    }
}

fn pair_share(cut: f64, rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let v = logarithmic(cut, rng);
        let ratio = (cut + KNEE) / (v + KNEE);
        if dice::unit(rng) < ratio * ratio.sqrt() {
            return v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Over 10 m the energy hardly changes, so the mean of many muons is the sum of the three b.
    #[test]
    fn mean_losses_are_those_that_were_put_in() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (n, length_m, energy) = (200_000, 10.0, 1e5);
        let even = Rates::at(energy).even_gev_per_m;
        let mut lost = 0.0;
        let mut squares = 0.0;
        for _ in 0..n {
            let (losses, way_m) = draw(energy, length_m, &mut rng);
            assert_eq!(way_m, length_m);
            let one = losses.iter().map(|loss| loss.energy_gev).sum::<f64>();
            lost += one;
            squares += one * one;
        }
        let expected = length_m * (0.26 + 3.35e-4 * energy) * 0.917;
        let found = lost / f64::from(n) + even * length_m;
        let error = (squares / f64::from(n)).sqrt() / f64::from(n).sqrt();
        assert!(
            (found - expected).abs() < 5.0 * error,
            "{found} {expected} +- {error}"
        );
        assert!(error < 0.03 * expected);
    }

    #[test]
    fn numbers_of_losses_are_integrals_of_their_spectra() {
        for cut in [5e-7, 1e-4, 0.02] {
            // Midpoint rule in the logarithm.
            let n = 200_000;
            let step = -libm::log(cut) / f64::from(n);
            let integral = |f: &dyn Fn(f64) -> f64| -> f64 {
                (0..n)
                    .map(|i| libm::exp(libm::log(cut) + (f64::from(i) + 0.5) * step))
                    .map(|v| f(v) * v * step)
                    .sum()
            };
            let rates = Rates::at(CUT_GEV / cut);
            let pairs = pair_norm() * integral(&|v| 1.0 / (v * libm::pow(v + KNEE, 1.5)));
            assert!((rates.pairs / pairs - 1.0).abs() < 1e-6, "{cut}: {pairs}");
            let b = BREMSSTRAHLUNG_PER_M + PHOTONUCLEAR_PER_M;
            let radiative = b * integral(&|v| (4.0 / 3.0 * (1.0 - v) + v * v) / v);
            assert!(
                (rates.radiative / radiative - 1.0).abs() < 1e-6,
                "{cut}: {radiative}"
            );
        }
    }

    #[test]
    fn a_slow_muon_stops() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (_, way_m) = draw(10.0, 1_000.0, &mut rng);
        assert!((10.0..60.0).contains(&way_m), "{way_m}");
    }
}
