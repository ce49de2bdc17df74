//! How light travels from a particle to a DOM.
//!
//! [`cherenkov`] holds the geometry of light emitted by a muon track, [`ice`] the layered medium,
//! [`hole_ice`] what a DOM sees of light from below and above, [`arrival`] when the first photon comes,
//! [`learned`] the same, learned from simulated photons, [`amount`] how many come.

pub mod amount;
pub mod arrival;
pub mod cherenkov;
pub(crate) mod elementary;
pub mod hole_ice;
pub mod ice;
pub(crate) mod lanes;
pub mod learned;

/// Speed of light in vacuum, exact by definition of the metre.
pub const SPEED_OF_LIGHT_M_PER_NS: f64 = 0.299_792_458;
/// Group index of ice at 400 nm: light pulses travel at `c / GROUP_INDEX`.
///
/// Price and Woschnagg, Astropart. Phys. 15 (2001) 97, "Role of group and phase velocity in
/// high-energy neutrino observatories".
pub const GROUP_INDEX: f64 = 1.356_34;
/// Phase index of ice at 400 nm: sets the Cherenkov angle. Same source.
pub const PHASE_INDEX: f64 = 1.319_5;
