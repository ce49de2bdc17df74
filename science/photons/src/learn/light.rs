//! From nothing to learned light: photons are simulated in the ice of a telescope, and learned from.

use super::{Course, learn, provenance};
use crate::optics::HoleIce;
use crate::sample::{Settings, draw};
use skyscan_event::detector::Detector;
use skyscan_reco::light::ice::Ice;
use skyscan_reco::light::learned::LearnedLight;

/// How far learning has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Learning {
    /// All photons are simulated, and were seen so many times.
    Simulated {
        /// Samples there are.
        n_samples: usize,
    },
    /// A step is done.
    Stepped {
        /// How many are done.
        n_steps: u64,
        /// Mean log density (per ns) of its samples before it.
        ln_density: f64,
    },
}

/// Learns how late light is from so many simulated photons; none where none is ever seen. The same arguments always
/// give the same; `told` hears how far it is.
pub fn learn_light(
    detector: &Detector,
    n_photons: u64,
    hole_ice: HoleIce,
    course: Course,
    mut told: impl FnMut(Learning),
) -> Option<LearnedLight> {
    let settings = Settings {
        seed: course.seed,
        photons: n_photons,
        hole_ice,
    };
    let samples = draw(&detector.ice, &settings);
    let n_samples = samples.len();
    told(Learning::Simulated { n_samples });
    let ice = Ice::new(&detector.ice);
    let network = learn(&samples, &ice, course, |n_steps, ln_density| {
        told(Learning::Stepped {
            n_steps,
            ln_density,
        });
    })?;
    Some(LearnedLight {
        network,
        provenance: provenance(detector, hole_ice, course, n_photons, n_samples),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_reco::light::learned::components::JITTER_NS;
    use skyscan_reco::light::learned::features::Place;

    const SHORT: Course = Course {
        seed: 3,
        n_steps: 300,
    };

    fn places() -> Vec<Place> {
        let mut places = Vec::new();
        for distance_m in [10.0, 30.0, 60.0, 100.0, 150.0] {
            for dom_z_m in [300.0, -80.0, -400.0] {
                for cos_zenith in [-0.7, 0.0, 0.7] {
                    places.push(Place {
                        distance_m,
                        cos_round: 0.3,
                        dom_z_m,
                        cos_zenith,
                    });
                }
            }
        }
        places
    }

    /// A few photons and steps tell the same of when light comes as what ships: medians within 40 %, 15 % in the mean.
    #[test]
    fn a_short_run_agrees_with_what_ships() {
        let detector = Detector::icecube86();
        let ice = Ice::new(&detector.ice);
        let shipped = LearnedLight::shipped(HoleIce::H2);
        let short = learn_light(&detector, 20_000, HoleIce::H2, SHORT, |_| ()).unwrap();
        let places = places();
        let mut sum = 0.0;
        for place in &places {
            let [ours, theirs] =
                [&short, &shipped].map(|light| light.delays(&ice, place, 0.0).quantile_ns(0.5));
            // Close to the track the jitter is all there is.
            let off = (ours - theirs).abs() / (theirs + JITTER_NS);
            assert!(off < 0.4, "{place:?}: {ours} {theirs}");
            sum += off;
        }
        assert!(sum / (places.len() as f64) < 0.15, "{sum}");
        assert_eq!(shipped.provenance.ice_sha256, short.provenance.ice_sha256);
    }

    #[test]
    fn the_same_seed_gives_the_same_file() {
        let detector = Detector::icecube86();
        let few = Course {
            seed: 3,
            n_steps: 5,
        };
        let learned = |seed| {
            let course = Course { seed, ..few };
            learn_light(&detector, 500, HoleIce::H2, course, |_| ())
                .unwrap()
                .to_json()
        };
        assert_eq!(learned(3), learned(3));
        assert_ne!(learned(3), learned(4));
    }
}
