//! Simulated light: photons that scatter in layered ice.

pub mod sample;

pub use sample::Sample;
