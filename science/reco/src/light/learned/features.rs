//! What the network is told of a DOM beside a track, and of the ice around both: things that any layered ice can tell,
//! so that another ice needs no other network.

use crate::light::PHASE_INDEX;
use crate::light::cherenkov::{cotangent, sine};
use crate::light::elementary::ln;
use crate::light::ice::{Ice, MeanIces, Sums};

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
pub fn features(ice: &Ice, place: &Place, bare: f64) -> [f64; N_FEATURES] {
    features_of(ice, &[*place], bare).map(|[feature]| feature)
}

/// The same of several places: each feature of all of them.
#[inline(always)]
pub(crate) fn features_of<const N: usize>(
    ice: &Ice,
    places: &[Place; N],
    bare: f64,
) -> [[f64; N]; N_FEATURES] {
    let [mut distance, mut way, mut cos_round, mut cos_zenith] = [[0.0; N]; 4];
    let [mut sin_zenith, mut outward, mut upward] = [[0.0; N]; 3];
    let [mut dom, mut foot, mut emission] = [[0.0; N]; 3];
    for (n, place) in places.iter().enumerate() {
        distance[n] = place.distance_m;
        cos_round[n] = place.cos_round;
        cos_zenith[n] = place.cos_zenith;
        dom[n] = place.dom_z_m;
    }
    for n in 0..N {
        sin_zenith[n] = (1.0 - cos_zenith[n] * cos_zenith[n]).max(0.0).sqrt();
        outward[n] = cos_round[n] * sin_zenith[n];
        upward[n] = sine() * outward[n] - cos_zenith[n] / PHASE_INDEX;
        foot[n] = dom[n] - distance[n] * outward[n];
        emission[n] = foot[n] + distance[n] * cotangent() * cos_zenith[n];
        way[n] = distance[n] / sine();
    }

    let at_dom = ice.sums(&dom);
    let between = ice.sums(&emission).means(&at_dom);
    let (below, above) = (near(ice, &dom, -12.0), near(ice, &dom, 12.0));

    let mut features = [[0.0; N]; N_FEATURES];
    for n in 0..N {
        features[0][n] = 1.0 + distance[n] / 10.0;
        features[2][n] = 1.0 + way[n] * between.scattering_per_m[n];
        features[3][n] = 1.0 + way[n] * between.absorption_per_m[n];
    }
    features[9] = between.scattering_per_m;
    features[10] = between.absorption_per_m;
    features[11] = below.means(&above).scattering_per_m;
    features[12] = above.means(&near(ice, &dom, 60.0)).scattering_per_m;
    features[13] = near(ice, &dom, -60.0).means(&below).scattering_per_m;
    features[14] = around(ice, &foot, 12.0).scattering_per_m;
    features[15] = around(ice, &foot, 60.0).scattering_per_m;
    features[16] = around(ice, &emission, 15.0).scattering_per_m;
    features[17] = around(ice, &dom, 40.0).absorption_per_m;
    for i in [0, 2, 3, 9, 10, 11, 12, 13, 14, 15, 16, 17] {
        for x in &mut features[i] {
            *x = ln(*x);
        }
    }
    for (feature, distance) in features[1].iter_mut().zip(distance) {
        *feature = distance / 150.0;
    }
    features[4] = upward;
    features[5] = cos_round;
    features[6] = cos_zenith;
    features[7] = sin_zenith;
    features[8] = outward;
    features[18] = [bare; N];
    features
}

/// Up to so much above these heights.
#[inline(always)]
fn near<const N: usize>(ice: &Ice, z_m: &[f64; N], above_m: f64) -> Sums<N> {
    let mut moved = *z_m;
    for z in &mut moved {
        *z += above_m;
    }
    ice.sums(&moved)
}

/// From so much below these heights to so much above.
#[inline(always)]
fn around<const N: usize>(ice: &Ice, z_m: &[f64; N], reach_m: f64) -> MeanIces<N> {
    near(ice, z_m, -reach_m).means(&near(ice, z_m, reach_m))
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
