//! Finds where in the sky a neutrino came from, fast enough to point a telescope.
//!
//! The modules in reading order; each one uses only those above it:
//!
//! - [`event`]: a physics event and the detector that saw it, read from every format in use.
//! - [`sky`]: HEALPix pixels, coordinates, the likelihood map, contours and regions.
//! - [`light`]: Cherenkov light in layered ice.
//! - [`synthetic`]: events with known truth.
//! - [`reco`]: what the likelihood of a direction is.
//! - [`photons`]: light that is simulated, events of it, what is learned from it.
//! - [`scan`]: which directions are tried when; pure.
//! - [`protocol`]: what Scanner and Workers say to each other.
//! - [`journal`]: what a scan accepted, durable.
//! - [`actors`]: Scanner, Refiner, Worker.
//! - [`telemetry`]: what Prometheus is told.
//! - [`drawing`]: pages of outlines, text and pictures, as PNG or SVG.
//! - [`output`]: result file, summary, plots.
//! - [`transport`]: from a URL to a transport.
//! - [`scenario`]: replays of scans, with simulated fleets.
//! - [`study`]: events with known truth scanned, and what the answers are worth.
//! - [`estimate`]: what a scan will take on which fleet.
//! - [`deploy`]: files that start workers on a cluster.
//! - [`cli`]: the command line.
//!
//! Decision: What is computed is a crate, what travels is a crate, the program is the rest (`docs/decisions.md`).

pub mod actors;
pub mod cli;
pub mod deploy;
pub mod estimate;
pub mod scenario;
pub mod study;
pub mod telemetry;
pub mod transport;

pub use skyscan_event as event;
pub use skyscan_journal as journal;
pub use skyscan_output as output;
pub use skyscan_output::drawing;
pub use skyscan_photons as photons;
pub use skyscan_reco as reco;
pub use skyscan_reco::{light, synthetic};
pub use skyscan_scan as scan;
pub use skyscan_scan::protocol;
pub use skyscan_sky as sky;
