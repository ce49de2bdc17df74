//! What one photon says about arrival times: when it passes a virtual DOM, seen from the track.

mod draw;
mod showers;

pub(crate) use draw::{Settings, draw};
pub(crate) use showers::{ShowerSample, draw_showers, shower};

/// The passage of one photon at a virtual DOM beside an infinite track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Distance of the DOM from the track, m.
    pub distance_m: f64,
    /// Position of the DOM round the track: 1 straight above it, -1 straight below, 0 beside it or for a vertical
    /// track.
    pub cos_round: f64,
    /// Height of the DOM in detector coordinates, m.
    pub dom_z_m: f64,
    /// Cosine of the zenith angle from which the particle comes: 1 for a track straight down.
    pub cos_zenith: f64,
    /// Whether the light is of the bare muon, at the Cherenkov angle; of a shower along the track otherwise.
    pub bare: bool,
    /// How long after the Cherenkov front it comes, ns.
    pub delay_ns: f64,
    /// How many detected photons it stands for; only ratios matter.
    pub weight: f64,
}
