#![doc = include_str!("../README.md")]
//!
//! Reconstructions: what a pixel's likelihood is, and how a task is evaluated.
//!
//! A [`Likelihood`] is the physics: pure, one direction at a time. A [`Kernel`] evaluates a whole
//! task and may take its time doing so, in threads, in another process or not at all; the actors
//! know only kernels. A [`Reco`] makes the kernel for one event.

pub mod cascade;
pub mod choice;
pub mod compute;
pub mod external;
pub mod hits;
pub mod light;
pub mod line_fit;
pub mod minimize;
pub mod pandel_mpe;
pub mod photon_mpe;
mod plane;
#[cfg(test)]
mod promises;
pub mod readout;
pub mod segmented;
pub mod synthetic;
pub mod systematics;
mod unfolding;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use systematics::{Systematic, SystematicSet};

use skyscan_event::detector::Detector;
use skyscan_event::{DetectorDirection, Event};
use skyscan_sky::map::PixelOutcome;

/// Raised whenever the same event and configuration give other bits than before: by a change of a built-in likelihood,
/// of its search, or of what was learned.
pub const NUMERICS: u32 = 3;

/// Everything that a reconstruction needs to know, beside the direction. The same for all tasks of
/// a scan: it travels once, packed, as the payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The event.
    pub event: Event,
    /// The telescope that saw it.
    pub detector: Detector,
    /// Name of the reconstruction, for example `pandel-mpe`.
    pub reco: String,
    /// Other ice and timing to be looked at beside those of the detector, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systematics: Option<SystematicSet>,
}

/// A point on a track and when the particle is there: where a minimisation may start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VertexSeed {
    /// Position in detector coordinates.
    pub position_m: [f64; 3],
    /// Time.
    pub time_ns: f64,
}

/// One direction to be tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelRequest {
    /// Where the particle comes from.
    pub direction: DetectorDirection,
    /// Optima of the coarser pixels around this one; empty in the first round.
    pub seeds: Vec<VertexSeed>,
}

/// Asks running kernels to stop early. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks every holder of a clone to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a kernel could not be made or a task not be evaluated as a whole. A pixel that fails alone
/// is a [`PixelOutcome::Failed`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The event gives the reconstruction nothing to work with.
    #[error("reco {reco} cannot use this event: {reason}")]
    Unusable {
        /// The reconstruction.
        reco: String,
        /// What is missing.
        reason: String,
    },
    /// It was asked to stop; nothing is wrong with the task.
    #[error("the evaluation was stopped")]
    Stopped,
    /// The code of the reconstruction panicked.
    #[error("the reconstruction panicked: {0}")]
    Panicked(String),
    /// The external program gave no answer.
    #[error(transparent)]
    Program(#[from] external::ProgramError),
}

/// Evaluates tasks for one event.
pub trait Kernel: std::fmt::Debug + Send + Sync + 'static {
    /// Evaluates the requests of one task; the outcomes come in the same order.
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>>;
}

/// A reconstruction by name: makes kernels.
pub trait Reco: std::fmt::Debug + Send + Sync + 'static {
    /// The name that scans ask for.
    fn name(&self) -> &str;

    /// Prepares a kernel for an event; may take a second of computing.
    ///
    /// # Errors
    /// If the event cannot be used.
    fn prepare(&self, problem: &Problem) -> Result<Arc<dyn Kernel>, KernelError>;

    /// The same reconstruction as it is under a systematic, to be prepared with [`Systematic::applied`].
    ///
    /// # Errors
    /// If the systematic changes what it knows nothing of; the text says what.
    fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
        let _ = systematic;
        Err(format!("{} knows ice and timing of its own", self.name()))
    }

    /// The kernel of a reconstruction that looks at no event; it takes no time.
    fn prepare_blindly(&self) -> Option<Arc<dyn Kernel>> {
        None
    }
}

/// The physics of a reconstruction: a pure function of the event and the request.
pub trait Likelihood: std::fmt::Debug + Send + Sync + 'static {
    /// Finds the best hypothesis with this direction.
    fn fit(&self, request: &PixelRequest) -> PixelOutcome;
}

/// The reconstructions built into this program.
pub fn built_in() -> Vec<Arc<dyn Reco>> {
    vec![
        Arc::new(photon_mpe::PhotonMpe::default()),
        Arc::new(pandel_mpe::PandelMpe::default()),
        Arc::new(segmented::Segmented::default()),
        Arc::new(cascade::Cascade::default()),
        Arc::new(line_fit::LineFit),
    ]
}
