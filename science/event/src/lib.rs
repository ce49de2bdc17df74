#![doc = include_str!("../README.md")]
//!
//! A physics event: the light that one neutrino left in the detector.
//!
//! Positions are in metres in detector coordinates (x east, y grid north, z up), times in
//! nanoseconds after the start of the event's data-acquisition (Q-frame) header, charges in
//! photoelectrons (PE).

mod alert;
mod archive;
pub mod bounds;
mod content;
pub mod detector;
mod excluded;
mod frame;
mod header;
mod limits;
mod mask;
pub mod names;
mod own_format;
mod pickle;
mod pulse_map;
pub mod python_json;
mod read;
mod read_error;
mod seeds;
mod series;
mod stream;
mod superdst;
mod union;
mod view;
mod zstd;

pub use alert::Claim;
pub use own_format::{write_json, write_json_for};
pub use read::{EventSummary, ReadOptions, Reading, list, read, read_noted, survey};
pub use read_error::ReadError;
pub use view::{BrightestDom, ClaimView, EventView, SeedView};

use serde::{Deserialize, Serialize};

/// An optical module, named by its string and its number on that string (from 1, top down).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DomId {
    /// String number as the detector names it.
    pub string: u16,
    /// Number on the string, from 1.
    pub dom: u16,
}

/// Light recorded by one DOM, unfolded from its waveform.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// The DOM that saw it.
    pub dom: DomId,
    /// Start time.
    pub time_ns: f64,
    /// Charge in photoelectrons.
    pub charge_pe: f32,
    /// Width.
    pub width_ns: f32,
    /// Hard local coincidence: a neighbouring DOM saw light within a microsecond.
    pub hlc: bool,
}

/// A span of time in which a DOM must not be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExcludedWindow {
    /// The DOM concerned.
    pub dom: DomId,
    /// Start of the span.
    pub start_ns: f64,
    /// End of the span.
    pub stop_ns: f64,
}

/// A first guess that came with the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// Key of the guess in its source, for example `OnlineL2_SplineMPE`.
    pub name: String,
    /// Where the particle comes from; absent for a vertex without a direction.
    pub direction: Option<DetectorDirection>,
    /// A point on the track, or the vertex.
    pub position_m: [f64; 3],
    /// When the particle is there.
    pub time_ns: f64,
}

/// A direction in detector coordinates: where the particle comes **from**.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorDirection {
    /// Angle from straight up, 0 to pi.
    pub zenith_rad: f64,
    /// Angle from x towards y, 0 to 2 pi.
    pub azimuth_rad: f64,
}

/// A physics event, ready to be scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Run number.
    pub run_id: u32,
    /// Event number within the run.
    pub event_id: u32,
    /// Start of the event (P-frame header), UTC as a modified Julian date. Fixes the sky.
    pub mjd: f64,
    /// Alert stream, for example `GOLD`; empty if unknown.
    pub stream: String,
    /// Name of the pulse series the pulses were read from.
    pub pulse_series: String,
    /// In-ice pulses, ordered by DOM, then by time.
    pub pulses: Vec<Pulse>,
    /// Calibration errata and saturation windows, ordered by DOM, then by time.
    pub excluded: Vec<ExcludedWindow>,
    /// First guesses in the order of the source.
    pub seeds: Vec<Seed>,
    /// What really happened, if the event was made by a simulation; no reconstruction looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Seed>,
}

impl DetectorDirection {
    /// Unit vector in detector coordinates that points to where the particle comes from.
    pub fn unit_vector(self) -> [f64; 3] {
        let (sin_zenith, cos_zenith) = libm::sincos(self.zenith_rad);
        let (sin_azimuth, cos_azimuth) = libm::sincos(self.azimuth_rad);
        [
            sin_zenith * cos_azimuth,
            sin_zenith * sin_azimuth,
            cos_zenith,
        ]
    }
}
