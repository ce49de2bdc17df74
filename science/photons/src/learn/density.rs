//! The densities that a network can learn to say.

use skyscan_reco::light::learned::components::{self, Components, N_PARAMETERS};
use skyscan_reco::light::learned::photons::Photons;

/// A density of delays whose parameters a network answers.
pub(super) trait Density<const OUTPUTS: usize> {
    /// What is seen of the light: of a photon, its delay in ns.
    type Seen: Copy + std::fmt::Debug + Send + Sync;
    /// What the network answers before it has learned anything.
    const FIRST_OFFSETS: [f64; OUTPUTS];
    /// Width of the Gaussian that delays are smeared with, ns.
    const JITTER_NS: f64;

    /// Log density (per ns) of what is seen at a distance, and its derivatives by what the network answers.
    fn ln_density(
        outputs: &[f64; OUTPUTS],
        distance_m: f64,
        seen: Self::Seen,
    ) -> (f64, [f64; OUTPUTS]);
}

/// Four components in closed form ([`skyscan_reco::light::learned::components`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct FourComponents;

impl Density<N_PARAMETERS> for FourComponents {
    type Seen = f64;
    const FIRST_OFFSETS: [f64; N_PARAMETERS] =
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.7, -0.5, -1.5];
    const JITTER_NS: f64 = components::JITTER_NS;

    fn ln_density(
        outputs: &[f64; N_PARAMETERS],
        distance_m: f64,
        delay_ns: f64,
    ) -> (f64, [f64; N_PARAMETERS]) {
        let components = Components::from_outputs(outputs, distance_m);
        let first = components.first(delay_ns, Photons::ONE);
        let slopes = components.by_outputs(&first.by_parameter);
        (first.ln_density, slopes)
    }
}
