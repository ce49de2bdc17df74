//! How much light of a shower comes to a DOM, and when, learned from simulated photons.
//!
//! A shower is a point that shines along a direction. The network is told where a DOM is beside it and what the ice
//! around both is like ([`Place::features`]); it answers the parameters of the delays ([`super::components`]), behind
//! light of 600 nm that comes straight, and the logarithm of the photoelectrons per GeV beside those of light that
//! spreads near the shower and diffuses far from it:
//!
//! ```text
//! usual(r) = K exp(-r / l_p) / (4 pi l_c r tanh(r / l_c))
//! l_p = sqrt(l_a l_e / 3),  l_c = l_e / (3 exp(-l_e / l_a))
//! ```
//!
//! (as in M. G. Aartsen et al., JINST 9 (2014) P03009; `l_e`, `l_a`: lengths of effective scattering and absorption by
//! their means over the straight way). Beyond [`FARTHEST_M`] nothing is known.

use std::sync::Arc;

use super::components::{Components, N_PARAMETERS};
use super::features::N_FEATURES;
use super::file::{LearnedFileError, Provenance, decode, encode};
use super::network::Network;
use crate::light::PHASE_INDEX;
use crate::light::cherenkov::{dot, subtract};
use crate::light::elementary::{exp, ln, tanh};
use crate::light::hole_ice::HoleIce;
use crate::light::ice::Ice;

/// How many numbers the network answers: those of the delays, then the amount.
pub const N_ANSWERS: usize = N_PARAMETERS + 1;
/// No DOM is nearer to a shower, which is metres long itself.
pub const NEAREST_M: f64 = 2.0;
/// Light is learned up to this distance.
pub const FARTHEST_M: f64 = 300.0;
const FORMAT: &str = "skyscan-learned-showers-1";
/// `K`: photons per GeV times the area of a DOM times a third, which is what it sees of light from all sides.
const USUAL_M2: f64 = 370.0;
/// The power with which showers emit less beside the Cherenkov angle (`science/photons`, emission).
const PEAK_POWER: f64 = 0.39;

/// What the ice around a DOM is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DomIce {
    z_m: f64,
    told: [f64; 4],
}

/// What the ice around a shower is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShowerIce {
    z_m: f64,
    told: [f64; 3],
}

fn ln_scattering(ice: &Ice, from_m: f64, to_m: f64) -> f64 {
    ln(ice.mean(from_m, to_m).scattering_per_m)
}

/// Logarithms of scattering around a height, above and below.
fn scattering_about(ice: &Ice, z_m: f64) -> [f64; 3] {
    [(-12.0, 12.0), (12.0, 60.0), (-60.0, -12.0)]
        .map(|(from_m, to_m)| ln_scattering(ice, z_m + from_m, z_m + to_m))
}

impl DomIce {
    /// Before it is known.
    pub(crate) fn nowhere() -> Self {
        Self {
            z_m: 0.0,
            told: [0.0; 4],
        }
    }

    /// At a height.
    pub fn new(ice: &Ice, z_m: f64) -> Self {
        let [around, above, below] = scattering_about(ice, z_m);
        let absorbed = ln(ice.mean(z_m - 40.0, z_m + 40.0).absorption_per_m);
        Self {
            z_m,
            told: [around, above, below, absorbed],
        }
    }
}

impl ShowerIce {
    /// At a height.
    pub fn new(ice: &Ice, z_m: f64) -> Self {
        Self {
            z_m,
            told: scattering_about(ice, z_m),
        }
    }
}

/// Where a DOM is beside a shower, as far as flat layers can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Distance.
    pub distance_m: f64,
    /// Cosine between the direction of the shower and that to the DOM.
    pub cos_angle: f64,
    /// Vertical component of the direction to the DOM.
    pub upward: f64,
    /// Vertical component of the direction of the shower.
    pub shower_upward: f64,
}

impl Place {
    /// Of a DOM beside a shower that goes to `direction`.
    pub fn new(shower_m: [f64; 3], direction: [f64; 3], dom_m: [f64; 3]) -> Self {
        let way = subtract(dom_m, shower_m);
        let distance_m = dot(way, way).sqrt().max(NEAREST_M);
        let toward = way.map(|x| x / distance_m);
        Self {
            distance_m,
            cos_angle: dot(toward, direction),
            upward: toward[2],
            shower_upward: direction[2],
        }
    }

    /// What the network is told, and the usual amount in photoelectrons per GeV.
    pub fn features(
        &self,
        ice: &Ice,
        shower: &ShowerIce,
        dom: &DomIce,
    ) -> ([f64; N_FEATURES], f64) {
        let &Self {
            distance_m,
            cos_angle,
            upward,
            shower_upward,
        } = self;
        let between = ice.mean(shower.z_m, dom.z_m);
        let (scattering, absorption) = (between.scattering_per_m, between.absorption_per_m);
        let scattered = distance_m * scattering;
        let direct = exp(-scattered);
        let off_peak = (cos_angle - 1.0 / PHASE_INDEX).abs().max(1e-6);
        let peak = exp(PEAK_POWER * ln(off_peak));
        let features = [
            ln(1.0 + distance_m / 10.0),
            distance_m / 150.0,
            ln(1.0 + scattered),
            ln(1.0 + distance_m * absorption),
            upward,
            cos_angle,
            peak,
            peak * direct,
            cos_angle / (1.0 + scattered),
            shower_upward,
            ln(scattering),
            ln(absorption),
            dom.told[0],
            dom.told[1],
            dom.told[2],
            dom.told[3],
            shower.told[0],
            shower.told[1],
            shower.told[2],
        ];
        (features, usual_per_gev(distance_m, scattering, absorption))
    }
}

/// Photoelectrons per GeV that a standard DOM sees, in the mean over all sides and as far as diffusion can tell.
fn usual_per_gev(distance_m: f64, scattering_per_m: f64, absorption_per_m: f64) -> f64 {
    let propagation_m = 1.0 / (3.0 * scattering_per_m * absorption_per_m).sqrt();
    let diffusion_m = exp(absorption_per_m / scattering_per_m) / (3.0 * scattering_per_m);
    let spread = diffusion_m * distance_m * tanh(distance_m / diffusion_m);
    USUAL_M2 * exp(-distance_m / propagation_m) / (4.0 * std::f64::consts::PI * spread)
}

/// Light of a shower in a DOM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShowerLight {
    /// Photoelectrons per GeV in a standard DOM.
    pub per_gev: f64,
    /// When they come, behind the front of [`super::front_ns_per_metre`].
    pub delays: Components,
}

/// What was learned of showers.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedShowers {
    /// Says the parameters of the delays and the amount.
    pub network: Network<N_ANSWERS>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl LearnedShowers {
    /// The light of a shower at a place.
    pub fn light(&self, ice: &Ice, place: &Place, shower: &ShowerIce, dom: &DomIce) -> ShowerLight {
        let (features, usual) = place.features(ice, shower, dom);
        let answers = self.network.outputs(&features);
        let (delays, amount) = split(&answers);
        ShowerLight {
            per_gev: usual * exp(amount),
            delays: Components::from_outputs(&delays, place.distance_m),
        }
    }

    /// The amount alone.
    pub fn per_gev(&self, ice: &Ice, place: &Place, shower: &ShowerIce, dom: &DomIce) -> f64 {
        let (features, usual) = place.features(ice, shower, dom);
        usual * exp(split(&self.network.outputs(&features)).1)
    }

    /// What ships with the program: learned in the ice of IceCube, with holes of either kind.
    pub fn shipped(hole_ice: HoleIce) -> Self {
        let file: &[u8] = match hole_ice {
            HoleIce::H2 => include_bytes!("icecube86-showers.json"),
            HoleIce::Older => include_bytes!("icecube86-showers-older-holes.json"),
        };
        Self::read(file).expect("the files that ship are checked by a test")
    }

    /// The same light behind other holes.
    pub(crate) fn behind(self: &Arc<Self>, hole_ice: HoleIce) -> Arc<Self> {
        match hole_ice {
            HoleIce::H2 => Arc::clone(self),
            HoleIce::Older => Arc::new(Self::shipped(HoleIce::Older)),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it has another form, or its weights are damaged or not numbers.
    pub fn read(bytes: &[u8]) -> Result<Self, LearnedFileError> {
        let (network, provenance) = decode(FORMAT, bytes)?;
        Ok(Self {
            network,
            provenance,
        })
    }

    /// The file; the weights are rounded to 32 bits.
    pub fn to_json(&self) -> String {
        encode(FORMAT, &self.network, &self.provenance)
    }
}

/// The answers about delays, and that about the amount.
pub fn split(answers: &[f64; N_ANSWERS]) -> ([f64; N_PARAMETERS], f64) {
    let mut delays = [0.0; N_PARAMETERS];
    delays.copy_from_slice(&answers[..N_PARAMETERS]);
    (delays, answers[N_PARAMETERS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_event::detector::Detector;

    fn light(shower_m: [f64; 3], direction: [f64; 3], dom_m: [f64; 3]) -> ShowerLight {
        let ice = Ice::new(&Detector::icecube86().ice);
        LearnedShowers::shipped(HoleIce::H2).light(
            &ice,
            &Place::new(shower_m, direction, dom_m),
            &ShowerIce::new(&ice, shower_m[2]),
            &DomIce::new(&ice, dom_m[2]),
        )
    }

    #[test]
    fn what_ships_was_learned_behind_the_holes_that_it_is_asked_for() {
        for hole_ice in [HoleIce::H2, HoleIce::Older] {
            let shipped = LearnedShowers::shipped(hole_ice);
            assert_eq!(shipped.provenance.hole_ice, hole_ice);
            assert_eq!(
                LearnedShowers::read(shipped.to_json().as_bytes()).unwrap(),
                shipped
            );
        }
    }

    /// Clear ice about 2,400 m deep.
    #[test]
    fn a_shower_shines_forward_and_less_from_afar() {
        let up = [0.0, 0.0, 1.0];
        let at = |x, z| light([0.0, 0.0, -450.0], up, [x, 0.0, -450.0 + z]);
        let (ahead, behind) = (at(30.0, 25.0), at(30.0, -25.0));
        assert!(ahead.per_gev > 1.5 * behind.per_gev, "{ahead:?} {behind:?}");
        assert!(ahead.delays.quantile_ns(0.5) < behind.delays.quantile_ns(0.5));
        let far = at(120.0, 100.0);
        assert!(far.per_gev < 0.05 * ahead.per_gev && far.per_gev > 0.0);
        assert!(far.delays.quantile_ns(0.5) > 2.0 * ahead.delays.quantile_ns(0.5));
    }

    #[test]
    fn light_is_finite_everywhere() {
        for dom in [
            [0.0, 0.0, 0.0],
            [0.1, 0.0, 0.0],
            [290.0, 0.0, 0.0],
            [0.0, 0.0, 280.0],
        ] {
            for z in [-900.0, -100.0, 900.0] {
                let light = light([0.0, 0.0, z], [0.6, 0.0, -0.8], [dom[0], 0.0, dom[2] + z]);
                assert!(
                    light.per_gev.is_finite() && light.per_gev > 0.0,
                    "{light:?}"
                );
            }
        }
    }
}
