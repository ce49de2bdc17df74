//! Synthetic events with known truth: muon tracks in our own light model, seeded, reproducible.
//!
//! A track crosses the detector; every DOM draws a Poisson number of photons around the
//! expectation of [`crate::light::amount`]; each photon is late by a draw from the gamma density
//! of [`crate::light::arrival`] and smeared by the readout. Light losses along the track are
//! smooth: there are no cascades on it. What the DOMs make of it: [`crate::readout`].

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Normal, Poisson};

use crate::light::arrival::{JITTER_NS, effective_distance_m, rate_per_ns};
use crate::light::cherenkov::{Track, add_scaled, sine};
use crate::light::ice::Ice;
use crate::light::{PHASE_INDEX, amount};
use crate::readout::{self, Detected, MOST_DRAWN, TRACK_TIME_NS};
use skyscan_event::detector::{Detector, Dom};
use skyscan_event::{DetectorDirection, DomId, Event, Pulse, Seed};

/// What to generate. The same recipe always gives the same event.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Where the muon comes from; isotropic if absent.
    pub direction: Option<DetectorDirection>,
    /// Its energy; log-uniform from 3 TeV to 1 PeV if absent.
    pub energy_gev: Option<f64>,
    /// When it comes.
    pub mjd: f64,
}

/// The muon of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Its way: the point lies well inside the detector.
    pub track: Track,
    /// Where it comes from.
    pub direction: DetectorDirection,
    /// Its energy.
    pub energy_gev: f64,
}

/// When an event is that may be at any time, in UTC days.
const SOME_MJD: f64 = 60_000.0;

impl Recipe {
    /// A muon of this energy from anywhere, on 25 February 2023.
    pub fn of(seed: u64, energy_gev: f64) -> Self {
        Self {
            seed,
            direction: None,
            energy_gev: Some(energy_gev),
            mjd: SOME_MJD,
        }
    }

    /// Draws what the recipe leaves open.
    pub fn muon(&self, detector: &Detector, rng: &mut ChaCha8Rng) -> Muon {
        let direction = self.direction.unwrap_or_else(|| isotropic(rng));
        let energy_gev = self
            .energy_gev
            .unwrap_or_else(|| libm::exp(rng.random_range(libm::log(3e3)..libm::log(1e6))));
        let track = Track {
            position_m: inner_point(detector, rng),
            direction: direction.unit_vector().map(|x| -x),
            time_ns: TRACK_TIME_NS,
        };
        Muon {
            track,
            direction,
            energy_gev,
        }
    }

    /// The event of a muon that was seen as these pulses.
    pub fn event(&self, muon: &Muon, mut pulses: BTreeMap<DomId, Vec<Pulse>>) -> Event {
        readout::mark_coincidences(&mut pulses);
        Event {
            run_id: 0,
            event_id: u32::try_from(self.seed % 1_000_000_000).expect("below a billion"),
            mjd: self.mjd,
            stream: "SYNTHETIC".to_owned(),
            pulse_series: "synthetic".to_owned(),
            pulses: pulses.into_values().flatten().collect(),
            excluded: vec![],
            seeds: vec![],
            truth: Some(Seed {
                name: format!("muon of {:.0} GeV", muon.energy_gev),
                direction: Some(muon.direction),
                position_m: muon.track.position_m,
                time_ns: muon.track.time_ns,
            }),
        }
    }
}

/// Generates one event.
pub fn generate(detector: &Detector, recipe: &Recipe) -> Event {
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
    let muon = recipe.muon(detector, &mut rng);
    let ice = Ice::new(&detector.ice);
    let mut pulses: BTreeMap<DomId, Vec<Pulse>> = BTreeMap::new();
    for (&id, dom) in &detector.doms {
        let photons = track_photons(&muon, dom, &ice, &mut rng);
        let seen = readout::pulses(id, photons, &mut rng);
        if !seen.is_empty() {
            pulses.insert(id, seen);
        }
    }
    recipe.event(&muon, pulses)
}

fn isotropic(rng: &mut ChaCha8Rng) -> DetectorDirection {
    let zenith_rad = libm::acos(rng.random_range(-1.0..1.0));
    DetectorDirection {
        zenith_rad,
        azimuth_rad: rng.random_range(0.0..std::f64::consts::TAU),
    }
}

/// A point well inside the detector: on the way from its centre to one of its DOMs.
fn inner_point(detector: &Detector, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let chosen = rng.random_range(0..detector.doms.len());
    let dom = detector
        .doms
        .values()
        .nth(chosen)
        .expect("an index below the number of DOMs");
    let center = detector.center_m();
    let outward = [0, 1, 2].map(|i| dom.position_m[i] - center[i]);
    add_scaled(center, outward, 0.8)
}

/// The photons of a muon that a DOM detects.
fn track_photons(muon: &Muon, dom: &Dom, ice: &Ice, rng: &mut ChaCha8Rng) -> Vec<Detected> {
    let track = &muon.track;
    let approach = track.approach(dom.position_m);
    let mean = ice.mean(track.emission_z_m(&approach), dom.position_m[2]);
    let expected = dom.relative_efficiency
        * amount::expected_photoelectrons(
            approach.distance_m,
            muon.energy_gev,
            mean.scattering_per_m,
            mean.absorption_per_m,
        );
    let Ok(number) = Poisson::new(expected) else {
        return Vec::new();
    };
    let number: f64 = number.sample(rng);
    let drawn = number.min(MOST_DRAWN);
    let upward = track.direction[2] / PHASE_INDEX + sine() * approach.outward[2];
    let xi = effective_distance_m(approach.distance_m, upward) * mean.scattering_per_m;
    let delay = Gamma::new(xi, 1.0 / rate_per_ns(mean.absorption_per_m)).expect("positive shape");
    let jitter = Normal::new(0.0, JITTER_NS).expect("a positive width");
    let direct = track.direct_light_ns(&approach);
    (0..drawn as u64)
        .map(|_| Detected {
            time_ns: direct + delay.sample(rng) + jitter.sample(rng),
            weight: number / drawn,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(seed: u64) -> Recipe {
        Recipe::of(seed, 1e5)
    }

    #[test]
    fn the_same_recipe_gives_the_same_event() {
        let detector = Detector::icecube86();
        assert_eq!(
            generate(&detector, &recipe(7)),
            generate(&detector, &recipe(7))
        );
        assert_ne!(
            generate(&detector, &recipe(7)).pulses,
            generate(&detector, &recipe(8)).pulses
        );
    }

    #[test]
    fn light_comes_after_the_muon_and_marks_neighbours() {
        let event = generate(&Detector::icecube86(), &recipe(3));
        let coincident: Vec<&Pulse> = event.pulses.iter().filter(|pulse| pulse.hlc).collect();
        assert!(coincident.len() > 100, "{}", coincident.len());
        // The detector is about 1.5 km across: light takes some 7 us, the muon 5.
        let late = coincident
            .iter()
            .filter(|p| (p.time_ns - TRACK_TIME_NS).abs() < 6_000.0);
        assert!(late.count() > coincident.len() * 9 / 10);
        assert!(
            event.pulses.iter().any(|pulse| !pulse.hlc),
            "no noise at all"
        );
    }

    #[test]
    fn pulses_are_ordered_by_dom_and_time() {
        let event = generate(&Detector::icecube86(), &recipe(5));
        let order = |p: &Pulse| (p.dom, p.time_ns);
        assert!(
            event
                .pulses
                .windows(2)
                .all(|pair| order(&pair[0]) <= order(&pair[1]))
        );
    }
}
