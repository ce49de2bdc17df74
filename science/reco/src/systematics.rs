//! Systematics: what may be different from the description of a telescope, as a set of cases to be looked at.
//!
//! A systematic changes scattering and absorption, everywhere or between heights, the refrozen holes, the efficiency
//! of DOMs, or their timing. A set of them is a JSON file (format `skyscan-systematics-1`). What is not known of the
//! telescope is what the set says: each of its systematics is as likely as the next.

mod change;
mod draw;

pub use draw::{MOST_FACTOR, drawn};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::light::hole_ice::HoleIce;

const FORMAT: &str = "skyscan-systematics-1";
/// Larger sets are refused: a thousand scans.
const MOST_SYSTEMATICS: usize = 1_000;
/// Largest file of a set in bytes; the full one that ships has 50 kB.
pub const LARGEST_SET: u64 = 4 << 20;
/// No more layers are changed one by one.
const MOST_BANDS: usize = 300;
/// A factor on scattering, absorption or efficiency.
const FACTORS: std::ops::RangeInclusive<f64> = 0.2..=5.0;
/// The spread of times of strings; beyond that the first light of an event is in no order any more.
const SPREADS_NS: std::ops::RangeInclusive<f64> = 0.0..=100.0;
/// Characters of a name.
const LONGEST_NAME: usize = 60;

/// A case of what may be different. What it does not name is as described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Systematic {
    /// What it is called in tables; unique in its set.
    pub name: String,
    /// Factor on the scattering coefficient everywhere.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub scattering: f64,
    /// Factor on the absorption coefficient everywhere.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub absorption: f64,
    /// Factors on top of these, between heights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// The refrozen holes.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub hole_ice: HoleIce,
    /// Factor on the efficiency of every DOM.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub dom_efficiency: f64,
    /// Offsets of the times of strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// Lower and upper height in detector coordinates (m), then factors on scattering and absorption of the layers whose
/// middles lie between.
pub type Band = [f64; 4];

/// Every string has an offset of its own, common to its DOMs, drawn from a normal distribution: cables, and where it
/// hangs. An offset of every DOM for itself would say nothing new: likelihoods have a jitter that has room for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Standard deviation.
    pub spread_ns: f64,
    /// Seed of the offsets.
    pub seed: u64,
}

/// A set of systematics. The first one has the number 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystematicSet {
    format: String,
    /// What the set is called.
    pub name: String,
    /// Where its numbers come from.
    pub sources: Vec<String>,
    /// One at least.
    pub systematics: Vec<Systematic>,
}

/// Why a file is no set of systematics.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystematicsError {
    /// Not of this form.
    #[error("not a set of systematics (format {FORMAT}): {0}")]
    Form(String),
    /// A number or name in it makes no sense.
    #[error("systematic {name:?}: {what}")]
    Senseless {
        /// Which systematic.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// The sum of twelve even numbers, less six: normal enough, and the same bits everywhere.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts are JSON")
}

fn one() -> f64 {
    1.0
}

fn is_one(factor: &f64) -> bool {
    *factor == 1.0
}

fn is_usual(hole_ice: &HoleIce) -> bool {
    *hole_ice == HoleIce::default()
}

impl Systematic {
    /// Everything as described, under a name.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            scattering: 1.0,
            absorption: 1.0,
            bands: Vec::new(),
            hole_ice: HoleIce::default(),
            dom_efficiency: 1.0,
            timing: None,
        }
    }

    fn check(&self) -> Result<(), SystematicsError> {
        let wrong = |what: String| SystematicsError::Senseless {
            name: self.name.chars().take(LONGEST_NAME).collect(),
            what,
        };
        if !is_name(&self.name) {
            return Err(wrong(NO_NAME.to_owned()));
        }
        let in_bands = self
            .bands
            .iter()
            .flat_map(|[_, _, scattering, absorption]| [*scattering, *absorption]);
        let factors = [self.scattering, self.absorption, self.dom_efficiency];
        if let Some(factor) = factors
            .into_iter()
            .chain(in_bands)
            .find(|x| !FACTORS.contains(x))
        {
            let (least, most) = (FACTORS.start(), FACTORS.end());
            return Err(wrong(format!(
                "{factor} is no factor from {least} to {most}"
            )));
        }
        if self.bands.len() > MOST_BANDS {
            return Err(wrong(format!("more than {MOST_BANDS} bands")));
        }
        if let Some([low, high, ..]) = self
            .bands
            .iter()
            .find(|[low, high, ..]| low.partial_cmp(high) != Some(std::cmp::Ordering::Less))
        {
            return Err(wrong(format!(
                "a band from {low} m up to {high} m is upside down"
            )));
        }
        match self.timing {
            Some(Timing { spread_ns, .. }) if !SPREADS_NS.contains(&spread_ns) => Err(wrong(
                format!("times of strings spread by 0 to 100 ns, not {spread_ns}"),
            )),
            _ => Ok(()),
        }
    }
}

/// What [`is_name`] asks for.
const NO_NAME: &str = "a name is of 1 to 60 characters that can be printed";

/// Whether it can stand in a table on a terminal.
fn is_name(text: &str) -> bool {
    let n_chars = text.chars().count();
    (1..=LONGEST_NAME).contains(&n_chars) && !text.chars().any(char::is_control)
}

impl SystematicSet {
    /// A set.
    ///
    /// # Errors
    /// If it is empty or too large, or a number or name in it makes no sense.
    pub fn new(
        name: String,
        sources: Vec<String>,
        systematics: Vec<Systematic>,
    ) -> Result<Self, SystematicsError> {
        let set = Self {
            format: FORMAT.to_owned(),
            name,
            sources,
            systematics,
        };
        set.check()?;
        Ok(set)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it has another form, or a number or name in it makes no sense.
    pub fn read(bytes: &[u8]) -> Result<Self, SystematicsError> {
        let set: Self =
            serde_json::from_slice(bytes).map_err(|e| SystematicsError::Form(e.to_string()))?;
        set.check()?;
        Ok(set)
    }

    /// The small set that ships: each effect for itself.
    pub fn quick() -> Self {
        Self::read(include_bytes!("systematics/quick.json"))
            .expect("the file that ships is checked by a test")
    }

    /// The large set that ships: drawn from the published uncertainties.
    pub fn full() -> Self {
        Self::read(include_bytes!("systematics/full.json"))
            .expect("the file that ships is checked by a test")
    }

    /// The systematic of a number, counted from 1.
    pub fn get(&self, number: u32) -> Option<&Systematic> {
        self.systematics.get((number as usize).checked_sub(1)?)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.systematics.len() as u32
    }

    /// Never: a set has one at least.
    pub fn is_empty(&self) -> bool {
        self.systematics.is_empty()
    }

    /// SHA-256 over its systematics, in hexadecimal digits: what maps depend on. Name and sources are not in it.
    pub fn sha256_hex(&self) -> String {
        Sha256::digest(text(&self.systematics))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The file: a line for each systematic.
    pub fn to_json(&self) -> String {
        let lines = |texts: Vec<String>| {
            let lines: Vec<String> = texts.iter().map(|text| format!("    {text}")).collect();
            lines.join(",\n")
        };
        let (format, name) = (text(&self.format), text(&self.name));
        let sources = lines(self.sources.iter().map(text).collect());
        let systematics = lines(self.systematics.iter().map(text).collect());
        format!(
            "{{\n  \"format\": {format},\n  \"name\": {name},\n  \"sources\": [\n{sources}\n  ],\n  \
             \"systematics\": [\n{systematics}\n  ]\n}}\n"
        )
    }

    fn check(&self) -> Result<(), SystematicsError> {
        let form = |what: String| Err(SystematicsError::Form(what));
        if self.format != FORMAT {
            return form(format!(
                "the format is {:?}",
                self.format.chars().take(40).collect::<String>()
            ));
        }
        if !is_name(&self.name) {
            return form(format!("of its own name: {NO_NAME}"));
        }
        if self.systematics.is_empty() || self.systematics.len() > MOST_SYSTEMATICS {
            return form(format!(
                "it has {} systematics, not 1 to {MOST_SYSTEMATICS}",
                self.systematics.len()
            ));
        }
        for (n_before, systematic) in self.systematics.iter().enumerate() {
            systematic.check()?;
            if self.systematics[..n_before]
                .iter()
                .any(|other| other.name == systematic.name)
            {
                return form(format!("two systematics are called {:?}", systematic.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
