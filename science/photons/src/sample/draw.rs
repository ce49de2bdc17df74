//! Path sampling: photons of tracks anywhere in the ice, seen at virtual DOMs on their way.
//!
//! A track is infinite and comes from anywhere with equal probability; it emits one photon, at a height uniform between
//! two limits. DOMs are thought of at points of its path, 25 m apart in the mean; what they would see is kept with a
//! probability that grows with the distance from the track, so that distant DOMs get samples, too. A photon that
//! hardly counts any more is ended by chance (Russian roulette); survivors count the more.

use rand_chacha::ChaCha8Rng;

use skyscan_event::detector::IceLayer;
use skyscan_reco::light::cherenkov::Track;

use super::Sample;
use crate::blocks::{all_cores, in_blocks};
use crate::dice;
use crate::emission::{self, ShowerLight};
use crate::flight::{Photon, fly};
use crate::front::Front;
use crate::medium::Medium;
use crate::optics::{HoleIce, Spectrum};

/// Emission points lie between plus and minus this height.
pub(super) const HALF_HEIGHT_M: f64 = 750.0;
/// Mean distance of virtual DOMs on the path of a photon.
pub(super) const SPACING_M: f64 = 25.0;
/// Samples are kept more often by a factor of e with every so many metres from the track, as light gets fainter ...
const REACH_M: f64 = 45.0;
/// ... up to this distance.
const FARTHEST_M: f64 = 250.0;
/// This share of what is left of a photon is kept: small enough that few samples have to stand for more than others.
pub(super) const KEPT: f64 = 0.3;
/// A photon that counts less than this plays roulette ...
pub(super) const FAINT: f64 = 0.25;
/// ... and survives with this probability.
pub(super) const SURVIVAL: f64 = 0.5;
/// Photons of one block.
const BLOCK: u64 = 4096;

/// What to draw. The same settings always give the same samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Seed of all random numbers.
    pub seed: u64,
    /// How many photons are emitted: each gives some three samples.
    pub photons: u64,
    /// How DOMs take light from different directions.
    pub hole_ice: HoleIce,
}

/// Draws samples in an ice, on all cores. Every other photon is of the bare muon.
///
/// The weights give far samples their true, small share.
pub(crate) fn draw(ice: &[IceLayer], settings: &Settings) -> Vec<Sample> {
    draw_on(all_cores(), ice, settings)
}

/// How much more often samples at this distance are kept than light comes there.
pub(super) fn boost(distance_m: f64) -> f64 {
    libm::exp(distance_m.min(FARTHEST_M) / REACH_M)
}

fn draw_on(n_threads: usize, ice: &[IceLayer], settings: &Settings) -> Vec<Sample> {
    let scene = Scene {
        medium: Medium::new(ice),
        spectrum: Spectrum::cherenkov(),
        shower: ShowerLight::new(),
        hole_ice: settings.hole_ice,
    };
    let n_blocks = settings.photons.div_ceil(BLOCK);
    let blocks = in_blocks(settings.seed, n_blocks, n_threads, |block, rng| {
        let mut samples = Vec::new();
        for photon in block * BLOCK..((block + 1) * BLOCK).min(settings.photons) {
            scene.follow(photon % 2 == 0, rng, &mut samples);
        }
        samples
    });
    let mut all = Vec::with_capacity(blocks.iter().map(Vec::len).sum());
    for block in blocks {
        all.extend(block);
    }
    all
}

struct Scene {
    medium: Medium,
    spectrum: Spectrum,
    shower: ShowerLight,
    hole_ice: HoleIce,
}

impl Scene {
    /// Follows one photon of a track of its own.
    fn follow(&self, bare: bool, rng: &mut ChaCha8Rng, samples: &mut Vec<Sample>) {
        let track = Track {
            position_m: [0.0, 0.0, HALF_HEIGHT_M * (2.0 * dice::unit(rng) - 1.0)],
            direction: dice::isotropic(rng),
            time_ns: 0.0,
        };
        let color = self.spectrum.draw(rng);
        let direction = if bare {
            emission::bare(track.direction, color, rng)
        } else {
            self.shower.direction(track.direction, rng)
        };
        let across = (1.0 - track.direction[2] * track.direction[2])
            .max(0.0)
            .sqrt();
        let front = Front::new();
        // Roulette: how many photons this one stands for.
        let mut standing = 1.0;
        let photon = Photon::new(track.position_m, direction);
        fly(
            photon,
            color,
            &self.medium,
            SPACING_M,
            rng,
            |photon, rng| {
                let approach = track.approach(photon.position_m);
                let left = standing * libm::exp(-photon.absorbed);
                let boosted = left * boost(approach.distance_m);
                let acceptance = self.hole_ice.acceptance(photon.direction[2]);
                let kept = (KEPT * boosted * acceptance).min(1.0);
                if dice::unit(rng) < kept {
                    samples.push(Sample {
                        distance_m: approach.distance_m,
                        cos_round: if across > 1e-9 {
                            (approach.outward[2] / across).clamp(-1.0, 1.0)
                        } else {
                            0.0
                        },
                        dom_z_m: photon.position_m[2],
                        cos_zenith: -track.direction[2],
                        bare,
                        delay_ns: photon.path_m * color.ns_per_m
                            - front.of_track_ns(approach.along_m, approach.distance_m),
                        weight: KEPT * left * acceptance / kept,
                    });
                }
                if boosted >= FAINT {
                    return true;
                }
                standing /= SURVIVAL;
                dice::unit(rng) < SURVIVAL
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::{group_index, phase_index};
    use rand::SeedableRng;
    use skyscan_event::detector::Detector;

    const FEW: Settings = Settings {
        seed: 11,
        photons: 20_000,
        hole_ice: HoleIce::H2,
    };

    #[test]
    fn samples_do_not_depend_on_the_number_of_threads() {
        let ice = Detector::icecube86().ice;
        let one = draw_on(1, &ice, &FEW);
        assert_eq!(one, draw_on(3, &ice, &FEW));
        assert_ne!(one, draw_on(3, &ice, &Settings { seed: 12, ..FEW }));
    }

    #[test]
    fn samples_are_of_both_kinds_of_light_and_of_all_distances() {
        let samples = draw(&Detector::icecube86().ice, &FEW);
        let per_photon = samples.len() as f64 / FEW.photons as f64;
        assert!((1.5..6.0).contains(&per_photon), "{per_photon}");
        let bare = samples.iter().filter(|sample| sample.bare).count();
        assert!((0.3..0.7).contains(&(bare as f64 / samples.len() as f64)));
        let share_beyond = |distance| {
            samples
                .iter()
                .filter(|sample| sample.distance_m > distance)
                .count() as f64
                / samples.len() as f64
        };
        assert!(share_beyond(50.0) > 0.2 && share_beyond(150.0) > 0.02);
        // Light of bare muons is never before the front; hardly any is as red as to be faster than 600 nm.
        let early = samples
            .iter()
            .filter(|sample| sample.bare && sample.delay_ns < -1.0);
        assert!((early.count() as f64) < 1e-3 * samples.len() as f64);
    }

    /// One colour that nothing scatters: bare light comes exactly with its Cherenkov front, which is behind that of
    /// 600 nm by the difference of `(n_g n_p - 1) / (c sqrt(n_p^2 - 1))` per metre.
    #[test]
    fn where_nothing_scatters_light_comes_with_the_front() {
        for wavelength_nm in [350.0, 400.0, 600.0] {
            let scene = Scene {
                medium: Medium::uniform(0.0, 0.1),
                spectrum: Spectrum::single(wavelength_nm),
                shower: ShowerLight::new(),
                hole_ice: HoleIce::H2,
            };
            let per_metre = |wavelength_nm: f64| {
                let (phase, group) = (phase_index(wavelength_nm), group_index(wavelength_nm));
                (group * phase - 1.0) / (phase * phase - 1.0).sqrt() / 0.299_792_458
            };
            let later = per_metre(wavelength_nm) - per_metre(600.0);
            let mut rng = ChaCha8Rng::seed_from_u64(6);
            let mut samples = Vec::new();
            for _ in 0..4_000 {
                scene.follow(true, &mut rng, &mut samples);
            }
            assert!(samples.len() > 100);
            for sample in samples {
                let expected = later * sample.distance_m;
                assert!(
                    (sample.delay_ns - expected).abs() < 1e-8,
                    "{sample:?} {expected}"
                );
            }
        }
    }
}
