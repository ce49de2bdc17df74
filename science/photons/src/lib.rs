#![doc = include_str!("../README.md")]
//!
//! In reading order: [`optics`] has what depends on colour, [`medium`] the layers, [`scattering`] the angles;
//! [`flight`] takes one photon through them, [`emission`] says where a particle sends it. Lengths in metres, times in
//! nanoseconds, wavelengths in nanometres. [`learn`] learns densities of delays from [`sample`]s.

mod blocks;
mod dice;
pub mod emission;
pub mod event;
pub mod flight;
pub mod front;
pub mod learn;
pub mod medium;
pub mod optics;
pub mod sample;
pub mod scattering;

pub use sample::Sample;
