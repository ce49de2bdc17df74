//! Simulated light: photons that scatter in layered ice.
//!
//! [`optics`] has what depends on colour, [`medium`] the layers, [`scattering`] the angles, [`flight`] takes one photon
//! through them; [`emission`] says where a particle sends it. [`sample`] sees photons pass virtual DOMs, for densities
//! to be learned from; [`learn`] does so. Lengths in metres, times in nanoseconds, wavelengths in nanometres.

mod blocks;
mod dice;
pub mod emission;
pub mod flight;
pub mod learn;
pub mod medium;
pub mod optics;
pub mod sample;
pub mod scattering;

pub use sample::Sample;
