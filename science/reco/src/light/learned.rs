//! When photons arrive, learned from simulated ones: four components whose shapes a small network says.
//!
//! The network is told where a DOM hangs beside a track and what the ice around both is like ([`mod@features`]); it
//! answers the parameters of a density in closed form ([`components`]). Learning is somebody else's work; what was
//! learned comes as a file ([`mod@file`]).

pub mod components;
pub mod features;
pub mod file;
pub mod network;
pub mod photons;
pub mod showers;

use super::SPEED_OF_LIGHT_M_PER_NS;
use super::ice::Ice;
use components::{Components, N_PARAMETERS, parameters_of};
use features::{Place, features_of};
use file::Provenance;
use network::Network;

/// Delay of the Cherenkov front per metre of distance from the track, beyond the moment when the particle passes the
/// foot of the perpendicular: `(n_g n_p - 1) / (c sqrt(n_p^2 - 1))`. Learned delays are behind it.
///
/// It is that of light of 600 nm, which hardly any detected light overtakes (indices of Price and Woschnagg, Astropart.
/// Phys. 15 (2001) 97).
pub fn front_delay_per_metre_ns() -> f64 {
    let (phase, group) = FRONT_INDICES;
    (phase * group - 1.0) / (phase * phase - 1.0).sqrt() / SPEED_OF_LIGHT_M_PER_NS
}

/// Time per metre of light of 600 nm that comes straight: learned delays of showers are behind it.
pub fn front_ns_per_metre() -> f64 {
    FRONT_INDICES.1 / SPEED_OF_LIGHT_M_PER_NS
}

/// Phase and group index at 600 nm: the polynomials of the paper there.
const FRONT_INDICES: (f64, f64) = (1.309_394, 1.327_472);

/// What was learned: how late light is, anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedLight {
    /// Says the parameters of the density.
    pub network: Network<N_PARAMETERS>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl LearnedLight {
    /// The delays of light at a place; `bare` as in [`features::features`].
    pub fn delays(&self, ice: &Ice, place: &Place, bare: f64) -> Components {
        let parameters = self.parameters(ice, &[*place], bare);
        Components(parameters.map(|[parameter]| parameter))
    }

    /// The same at several places: each parameter of all of them.
    #[inline(always)]
    pub(crate) fn parameters<const N: usize>(
        &self,
        ice: &Ice,
        places: &[Place; N],
        bare: f64,
    ) -> [[f64; N]; N_PARAMETERS] {
        let outputs = self.network.outputs_of(&features_of(ice, places, bare));
        parameters_of(outputs, &places.map(|place| place.distance_m))
    }
}
