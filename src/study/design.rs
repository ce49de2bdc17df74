//! What decides on the events of a study. The same design always gives the same events.
//!
//! Energies are spread evenly in their logarithm, directions over the whole sky, ices take turns. An event
//! that would not have triggered is drawn again, with the next seed.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::event::detector::Detector;
use crate::event::{DomId, Event};
use crate::photons::event::Generator;
use crate::reco::light::hole_ice::HoleIce;
use crate::sky::Nside;
use crate::synthetic::{Recipe, generate};

/// When the events come: directions are spread over the whole sky anyway.
const MJD: f64 = 60_000.0;
/// Seeds of one event: it is drawn again so often at most.
const SEEDS_PER_EVENT: u64 = 1_000;
/// Seeds of one study: a million events.
const SEEDS_PER_STUDY: u64 = 1_000_000 * SEEDS_PER_EVENT;
/// Hit DOMs with light in a neighbour that make a trigger (IceCube's simple multiplicity trigger; Aartsen et
/// al., JINST 12 (2017) P03012, section 6.4).
const TRIGGER_DOMS: usize = 8;

/// How the light of the events is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// Drawn from the density of arrival times that `pandel-mpe` fits with; tracks without showers.
    Density,
    /// Photon by photon through the ice, from the track and the showers on it.
    Photons,
    /// The same of a shower of electrons alone, for `cascade`.
    Shower,
}

impl Light {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Density => "density",
            Self::Photons => "photons",
            Self::Shower => "shower",
        }
    }
}

/// Ice beside that of the detector's description: its inverse lengths times these.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ice {
    /// Scattering.
    pub scattering: f64,
    /// Absorption.
    pub absorption: f64,
    /// The refrozen ice around the modules, which light that is drawn from a density knows nothing of.
    pub hole: HoleIce,
}

impl Default for Ice {
    fn default() -> Self {
        Self {
            scattering: 1.0,
            absorption: 1.0,
            hole: HoleIce::default(),
        }
    }
}

impl Ice {
    /// `scattering 1.1, absorption 1, older holes`.
    pub fn words(&self) -> String {
        let hole = match self.hole {
            HoleIce::H2 => "",
            HoleIce::Older => ", older holes",
        };
        format!(
            "scattering {}, absorption {}{hole}",
            self.scattering, self.absorption
        )
    }

    fn of(self, detector: &Detector) -> Detector {
        let mut changed = detector.clone();
        for layer in &mut changed.ice {
            layer.scattering_length_m /= self.scattering;
            layer.absorption_length_m /= self.absorption;
        }
        changed
    }
}

/// What decides on events and their maps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// How their light is made.
    pub light: Light,
    /// Studies with different seeds have no event in common.
    pub seed: u64,
    /// From and to which energy.
    pub energies_gev: [f64; 2],
    /// The ices, which take turns.
    pub ices: Vec<Ice>,
    /// Resolutions of the scans.
    pub nsides: Vec<Nside>,
    /// Whether a scan ends where a round tells the shape of the region.
    pub until_resolved: bool,
    /// `2 (llh - llh_best)` that the finest round encloses.
    pub enclosed: f64,
    /// Name of the detector.
    pub detector: String,
    /// Which numerics the reconstructions have: others give other maps.
    pub numerics: u32,
}

/// An event and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its number in the study.
    pub number: u64,
    /// Seed of its light.
    pub seed: u64,
    /// Energy of the muon.
    pub energy_gev: f64,
    /// What it was in.
    pub ice: Ice,
    /// What was seen.
    pub event: Event,
}

impl Design {
    /// The event with this number.
    ///
    /// # Errors
    /// If none of many draws triggers: a detector that sees nothing.
    pub fn make(&self, number: u64, detector: &Detector) -> Result<Made, String> {
        let ice = self.ices[(number % self.ices.len() as u64) as usize];
        let changed = ice.of(detector);
        let first = self
            .seed
            .wrapping_mul(SEEDS_PER_STUDY)
            .wrapping_add(number * SEEDS_PER_EVENT);
        for seed in first..first + SEEDS_PER_EVENT {
            let energy_gev = self.energy_gev(seed);
            let recipe = Recipe {
                seed,
                direction: None,
                energy_gev: Some(energy_gev),
                mjd: MJD,
            };
            let event = match self.light {
                Light::Density => generate(&changed, &recipe),
                // Several events are made at once, each on its own thread.
                Light::Photons => Generator::new(&changed, ice.hole).generate(&recipe, 1),
                Light::Shower => Generator::new(&changed, ice.hole).generate_shower(&recipe, 1),
            };
            if triggers(&event) {
                return Ok(Made {
                    number,
                    seed,
                    energy_gev,
                    ice,
                    event,
                });
            }
        }
        Err(format!(
            "none of {SEEDS_PER_EVENT} events from seed {first} on triggers"
        ))
    }

    fn energy_gev(&self, seed: u64) -> f64 {
        let [low, high] = self.energies_gev.map(libm::log);
        // Another sequence than that of the light, which begins with the same seed.
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        libm::exp(low + (high - low) * rng.random::<f64>())
    }
}

fn triggers(event: &Event) -> bool {
    let coincident = event.pulses.iter().filter(|pulse| pulse.hlc);
    let doms: BTreeSet<DomId> = coincident.map(|pulse| pulse.dom).collect();
    doms.len() >= TRIGGER_DOMS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design() -> Design {
        Design {
            light: Light::Density,
            seed: 3,
            energies_gev: [1e3, 1e7],
            ices: [(1.1, 1.0), (1.0, 0.9)]
                .map(|(scattering, absorption)| Ice {
                    scattering,
                    absorption,
                    ..Ice::default()
                })
                .to_vec(),
            nsides: Vec::new(),
            until_resolved: true,
            enclosed: 20.0,
            detector: "IceCube-86".to_owned(),
            numerics: 1,
        }
    }

    #[test]
    fn a_number_always_gives_the_same_event_and_another_one_another() {
        let detector = Detector::icecube86();
        let (design, other) = (
            design(),
            Design {
                seed: 4,
                ..design()
            },
        );
        let made = design.make(5, &detector).unwrap();
        assert_eq!(made, design.make(5, &detector).unwrap());
        assert_eq!(made.ice.absorption, 0.9);
        assert!((1e3..1e7).contains(&made.energy_gev));
        for others in [design.make(7, &detector), other.make(5, &detector)] {
            let others = others.unwrap();
            assert_ne!(made.event.truth, others.event.truth);
            assert_ne!(made.energy_gev, others.energy_gev);
        }
        assert!(triggers(&made.event));
    }

    #[test]
    fn energies_are_even_in_their_logarithm() {
        let mut decades = [0; 4];
        for seed in 0..4000 {
            let above = (design().energy_gev(seed) / 1e3).log10();
            decades[above as usize] += 1;
        }
        // Three standard deviations of a thousand of four thousand.
        assert!(
            decades.iter().all(|n| (920..1080).contains(n)),
            "{decades:?}"
        );
    }

    #[test]
    fn more_scattering_is_a_shorter_length() {
        let detector = Detector::icecube86();
        let dusty = Ice {
            scattering: 1.25,
            absorption: 0.5,
            ..Ice::default()
        }
        .of(&detector);
        let (before, after) = (detector.ice[3], dusty.ice[3]);
        assert!(
            (after.scattering_length_m * 1.25 / before.scattering_length_m - 1.0).abs() < 1e-12
        );
        assert!((after.absorption_length_m * 0.5 / before.absorption_length_m - 1.0).abs() < 1e-12);
    }
}
