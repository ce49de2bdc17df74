//! What the network is told of a DOM beside a track, and of the ice around both: things that any layered ice can tell,
//! so that another ice needs no other network.

use crate::light::PHASE_INDEX;
use crate::light::cherenkov::{cotangent, sine};
use crate::light::elementary::ln;
use crate::light::ice::Ice;

/// How many there are.
pub const N_FEATURES: usize = 19;

/// A DOM beside an infinite track, as far as flat layers can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Distance of the DOM from the track, m.
    pub distance_m: f64,
    /// Position round the track: 1 straight above it, -1 straight below.
    pub cos_round: f64,
    /// Height of the DOM in detector coordinates, m.
    pub dom_z_m: f64,
    /// Cosine of the zenith angle from which the particle comes.
    pub cos_zenith: f64,
}

/// What it is told about light of a bare muon (1) or of the showers along it (0).
#[inline(always)]
pub fn features(ice: &Ice, place: &Place, bare: f64) -> [f64; N_FEATURES] {
    let &Place {
        distance_m,
        cos_round,
        dom_z_m,
        cos_zenith,
    } = place;
    let sin_zenith = (1.0 - cos_zenith * cos_zenith).max(0.0).sqrt();
    let outward_z = cos_round * sin_zenith;
    let upward = sine() * outward_z - cos_zenith / PHASE_INDEX;
    let foot_z = dom_z_m - distance_m * outward_z;
    let emission_z = foot_z + distance_m * cotangent() * cos_zenith;

    let way_m = distance_m / sine();
    let between = ice.mean(emission_z, dom_z_m);
    let scattering = |from, to| ice.mean(from, to).scattering_per_m;
    let mut logarithms = [
        1.0 + distance_m / 10.0,
        1.0 + way_m * between.scattering_per_m,
        1.0 + way_m * between.absorption_per_m,
        between.scattering_per_m,
        between.absorption_per_m,
        scattering(dom_z_m - 12.0, dom_z_m + 12.0),
        scattering(dom_z_m + 12.0, dom_z_m + 60.0),
        scattering(dom_z_m - 60.0, dom_z_m - 12.0),
        scattering(foot_z - 12.0, foot_z + 12.0),
        scattering(foot_z - 60.0, foot_z + 60.0),
        scattering(emission_z - 15.0, emission_z + 15.0),
        ice.mean(dom_z_m - 40.0, dom_z_m + 40.0).absorption_per_m,
    ];
    for x in &mut logarithms {
        *x = ln(*x);
    }
    let [far, scattered, absorbed, of_way @ ..] = logarithms;
    let mut features = [0.0; N_FEATURES];
    features[0] = far;
    features[1] = distance_m / 150.0;
    features[2] = scattered;
    features[3] = absorbed;
    features[4] = upward;
    features[5] = cos_round;
    features[6] = cos_zenith;
    features[7] = sin_zenith;
    features[8] = outward_z;
    features[9..18].copy_from_slice(&of_way);
    features[18] = bare;
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::light::cherenkov::Track;
    use skyscan_event::detector::Detector;

    /// The same geometry from a track and a DOM.
    #[test]
    fn heights_and_directions_are_those_of_the_track() {
        let track = Track {
            position_m: [10.0, -20.0, 30.0],
            direction: [0.36, -0.48, -0.8],
            time_ns: 0.0,
        };
        let dom = [40.0, 60.0, -7.0];
        let approach = track.approach(dom);
        let place = Place {
            distance_m: approach.distance_m,
            cos_round: approach.outward[2] / 0.6,
            dom_z_m: dom[2],
            cos_zenith: 0.8,
        };
        let ice = Ice::new(&Detector::icecube86().ice);
        let found = features(&ice, &place, 0.0);
        let upward = track.direction[2] / PHASE_INDEX + sine() * approach.outward[2];
        assert!((found[4] - upward).abs() < 1e-12);
        let mean = ice.mean(track.emission_z_m(&approach), dom[2]);
        assert!((found[9] - libm::log(mean.scattering_per_m)).abs() < 1e-9);
    }

    #[test]
    fn are_finite_everywhere() {
        let ice = Ice::new(&Detector::icecube86().ice);
        for distance_m in [0.0, 0.1, 30.0, 900.0] {
            for cos_round in [-1.0, 0.0, 1.0] {
                for cos_zenith in [-1.0, 0.3, 1.0] {
                    for dom_z_m in [-2_000.0, 0.0, 2_000.0] {
                        let place = Place {
                            distance_m,
                            cos_round,
                            dom_z_m,
                            cos_zenith,
                        };
                        let found = features(&ice, &place, 1.0);
                        assert!(found.iter().all(|x| x.is_finite()), "{place:?} {found:?}");
                    }
                }
            }
        }
    }
}
