//! What a journal holds, for whoever only looks and for whoever goes on.

use std::path::Path;

use super::JournalError;
use super::asked::Asked;
use skyscan_reco::NUMERICS;
use skyscan_scan::{Atlas, TaskCounts};

/// What a journal holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The numerics of its likelihoods.
    pub numerics: i64,
    /// The release that made it.
    pub release: String,
    /// What was asked.
    pub asked: Asked,
    /// Every point that was accepted.
    pub atlas: Atlas,
    /// What the tasks came to; what was out when a Scanner died is in none of them.
    pub counts: TaskCounts,
    /// Time that workers spent on accepted results.
    pub busy_seconds: f64,
    /// How many Scanners wrote to it so far.
    pub n_epochs: i64,
    /// Commits so far, the first of which holds what was asked.
    pub n_batches: i64,
    /// Waves that were begun.
    pub n_waves: usize,
    /// Whether the plan was fulfilled.
    pub is_finished: bool,
}

impl Contents {
    /// Whether more of what is computed here fits to it, bit by bit.
    ///
    /// # Errors
    /// If its numerics are others than those of this release.
    pub fn fits_here(&self, path: &Path) -> Result<(), JournalError> {
        let ours = i64::from(NUMERICS);
        match self.numerics == ours {
            true => Ok(()),
            false => Err(JournalError::Numerics {
                path: path.to_path_buf(),
                found: self.numerics,
                ours,
                release: skyscan_event::names::clean(&self.release, 100),
            }),
        }
    }
}
