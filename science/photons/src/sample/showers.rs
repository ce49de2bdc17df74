//! Path sampling of showers: photons of points that shine along a direction, seen at virtual DOMs on their way.
//!
//! A shower is anywhere between two heights, in any direction, and emits one photon. What DOMs at points of its path
//! would see is kept as in [`super::draw`]; a weight is the number of photoelectrons per GeV, so that the sum of
//! weights in a volume, beside the volume and the number of photons, is what a DOM there sees in the mean.

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;

use skyscan_event::detector::IceLayer;
use skyscan_reco::light::learned::showers::{FARTHEST_M, NEAREST_M, Place};

use super::draw::{FAINT, HALF_HEIGHT_M, KEPT, SPACING_M, SURVIVAL, Settings, boost};
use crate::blocks::in_blocks;
use crate::dice;
use crate::emission::ShowerLight;
use crate::event::{DOM_RADIUS_M, PHOTONS_PER_GEV};
use crate::flight::{Photon, fly};
use crate::front::Front;
use crate::medium::Medium;
use crate::optics::Spectrum;

/// Photons of one block.
const BLOCK: u64 = 4096;

/// The passage of one photon of a shower at a virtual DOM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShowerSample {
    pub place: Place,
    pub shower_z_m: f64,
    pub dom_z_m: f64,
    /// How long after straight light of the front it comes, ns.
    pub delay_ns: f64,
    /// Photoelectrons per GeV.
    pub weight: f64,
}

/// A shower somewhere: its height and direction.
pub(crate) fn shower(rng: &mut ChaCha8Rng) -> (f64, [f64; 3]) {
    let z_m = HALF_HEIGHT_M * (2.0 * dice::unit(rng) - 1.0);
    (z_m, dice::isotropic(rng))
}

/// Draws samples in an ice on so many threads.
pub(crate) fn draw_showers(
    n_threads: usize,
    ice: &[IceLayer],
    settings: &Settings,
) -> Vec<ShowerSample> {
    let medium = Medium::new(ice);
    let (spectrum, shower_light) = (Spectrum::cherenkov(), ShowerLight::new());
    let front = Front::new();
    let per_point = PHOTONS_PER_GEV * SPACING_M * PI * DOM_RADIUS_M * DOM_RADIUS_M;
    let follow = |rng: &mut ChaCha8Rng, samples: &mut Vec<ShowerSample>| {
        let (z_m, direction) = shower(rng);
        let position_m = [0.0, 0.0, z_m];
        let color = spectrum.draw(rng);
        let mut standing = 1.0;
        let photon = Photon::new(position_m, shower_light.direction(direction, rng));
        fly(photon, color, &medium, SPACING_M, rng, |photon, rng| {
            let here_m = photon.position_m;
            let place = Place::new(position_m, direction, here_m);
            let left = standing * libm::exp(-photon.absorbed);
            let boosted = left * boost(place.distance_m);
            let upward = photon.direction[2];
            let kept = (KEPT * boosted * settings.hole_ice.acceptance(upward)).min(1.0);
            let is_near = (NEAREST_M..FARTHEST_M).contains(&place.distance_m);
            if dice::unit(rng) < kept && is_near {
                samples.push(ShowerSample {
                    place,
                    shower_z_m: z_m,
                    dom_z_m: here_m[2],
                    delay_ns: photon.path_m * color.ns_per_m - front.of_point_ns(place.distance_m),
                    weight: per_point * left * settings.hole_ice.sensitivity(upward) / kept,
                });
            }
            if boosted >= FAINT {
                return true;
            }
            standing /= SURVIVAL;
            dice::unit(rng) < SURVIVAL
        });
    };
    let n_blocks = settings.photons.div_ceil(BLOCK);
    let blocks = in_blocks(settings.seed, n_blocks, n_threads, |block, rng| {
        let mut samples = Vec::new();
        for _ in block * BLOCK..((block + 1) * BLOCK).min(settings.photons) {
            follow(rng, &mut samples);
        }
        samples
    });
    blocks.into_iter().flatten().collect()
}
