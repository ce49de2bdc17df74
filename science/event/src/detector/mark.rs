//! How an event file names the detector that it is for.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::names::{LONGEST_NAME, clean};
use super::Detector;

/// Name and content of a detector's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorMark {
    /// For example `IceCube-86`.
    pub name: String,
    /// SHA-256 over the description as compact JSON, in hexadecimal digits.
    pub sha256: String,
}

impl DetectorMark {
    /// Without what could harm a terminal.
    pub(in super::super) fn cleaned(self) -> Self {
        Self {
            name: clean(&self.name, LONGEST_NAME),
            sha256: clean(&self.sha256, 64),
        }
    }
}

impl Detector {
    /// The mark of this description: the same for two files that differ in white space only.
    pub fn mark(&self) -> DetectorMark {
        let text = serde_json::to_vec(self).expect("a description has neither maps nor NaN in it");
        let digits = |byte: &u8| format!("{byte:02x}");
        DetectorMark {
            name: self.name.clone(),
            sha256: Sha256::digest(text).iter().map(digits).collect(),
        }
    }
}
