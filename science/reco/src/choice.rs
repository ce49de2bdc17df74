//! Which reconstruction an event asks for, as IceCube's second catalogue of alerts has it: `segmented` for streams of
//! events that start inside (HESE) and above 50 TeV, `photon-mpe` else (IceCat-2, 2026, uses millipede and SplineMPE
//! so).
//!
//! The energy is that of a muon that loses in the mean what the event loses within the telescope: the direction is
//! `linefit`'s best of 3,072, the losses there are `segmented`'s. Losses come in lumps, so that it is right within a
//! factor of a few; how it lies beside simulated muons was not counted.

use std::f64::consts::FRAC_PI_2;

use super::line_fit::LineFit;
use super::segmented::Segmented;
use super::{KernelError, Likelihood, PixelRequest, Problem};
use skyscan_event::DetectorDirection;
use skyscan_sky::Nside;
use skyscan_sky::map::PixelOutcome;

/// From this energy of the muon on, GeV.
pub const FROM_GEV: f64 = 5e4;
/// The stream that wants its losses told apart whatever its energy.
const STREAM: &str = "HESE";
/// Directions that are tried.
const NSIDE: u32 = 16;

/// A reconstruction, and why it is the one.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its name.
    pub reco: &'static str,
    /// A sentence without a full stop.
    pub why: String,
}

/// Chooses for an event.
///
/// # Errors
/// If it has too few hits for any of them.
pub fn choose(problem: &Problem) -> Result<Choice, KernelError> {
    let stream = &problem.event.stream;
    if stream.to_uppercase().contains(STREAM) {
        return Ok(Choice {
            reco: "segmented",
            why: format!("its stream is {stream}"),
        });
    }
    let energy_gev = muon_energy_gev(problem)?;
    let (reco, side) = match energy_gev >= FROM_GEV {
        true => ("segmented", "above"),
        false => ("photon-mpe", "below"),
    };
    let (energy, limit) = (energy_gev / 1e3, FROM_GEV / 1e3);
    Ok(Choice {
        reco,
        why: format!("a muon of about {energy:.0} TeV would be as bright, {side} {limit:.0} TeV"),
    })
}

/// The energy of a muon that is as bright.
///
/// # Errors
/// If the event has too few hits.
pub fn muon_energy_gev(problem: &Problem) -> Result<f64, KernelError> {
    let line = LineFit.for_event(problem)?;
    let nside = Nside::try_from(NSIDE).expect("a power of two");
    let directions = nside.pixels().map(|pixel| {
        let center = pixel.center();
        DetectorDirection {
            zenith_rad: FRAC_PI_2 - center.dec_rad,
            azimuth_rad: center.ra_rad,
        }
    });
    let request = |direction| PixelRequest {
        direction,
        seeds: vec![],
    };
    let llh = |direction: &DetectorDirection| match line.fit(&request(*direction)) {
        PixelOutcome::Fitted(fit) => fit.llh,
        PixelOutcome::Failed(_) => f64::INFINITY,
    };
    let best = directions
        .map(|direction| (llh(&direction), direction))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, direction)| direction)
        .expect("a sky has pixels");
    let segmented = Segmented::default().for_event(problem)?;
    Ok(segmented.muon_energy_gev(&request(best)))
}
