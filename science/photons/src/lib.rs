#![doc = include_str!("../README.md")]
//!
//! In reading order: [`optics`] has what depends on colour, `medium` the layers, `scattering` the angles;
//! `flight` takes one photon through them, `emission` says where a particle sends it. Lengths in metres, times in
//! nanoseconds, wavelengths in nanometres. [`event`] makes events, [`learn`] learns densities of delays from what
//! `sample` draws.

mod blocks;
mod dice;
mod emission;
pub mod event;
mod flight;
mod front;
pub mod learn;
mod medium;
pub mod optics;
mod sample;
mod scattering;
