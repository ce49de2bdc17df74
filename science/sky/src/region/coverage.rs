//! Coverage files: which likelihood differences hold the source how often, found by a study of
//! simulated events.
//!
//! A file has a table for each reconstruction and, where the study shows that it matters, for events
//! with few and with many hit DOMs: containment against `2 (llh - llh_best)`. Between its rows a level is
//! linear in Wilks' level of the same containment, which is exact for a likelihood that is too narrow by
//! a factor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::wilks_level;

/// The format that is written and read.
pub const COVERAGE_FORMAT: &str = "skyscan-coverage-1";

/// Largest file in bytes; one of two reconstructions has a few thousand.
pub const LARGEST_COVERAGE: u64 = 1 << 20;

/// A level above this is none: the calibrated ones of IceCube reach 64.2.
const HIGHEST_LEVEL: f64 = 1e4;

/// A floor above this is none: nobody can point any more.
const LARGEST_FLOOR_DEG: f64 = 10.0;

/// Containments that every table must reach.
const NEEDED: f64 = 0.9;

/// What a study found, as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageTable {
    /// [`COVERAGE_FORMAT`].
    pub format: String,
    /// Name of the detector whose events they were.
    pub detector: String,
    /// Where the numbers come from.
    pub study: StudyNote,
    /// By name of the reconstruction.
    pub recos: BTreeMap<String, RecoCoverage>,
}

/// Where the numbers of a coverage file come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyNote {
    /// Program and version.
    pub producer: String,
    /// Which numerics its reconstructions had.
    pub numerics: u32,
    /// How the light of the events was made.
    pub light: String,
    /// Seed of the events.
    pub seed: u64,
    /// Seeds of further studies whose events are in it, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_seeds: Vec<u64>,
    /// Number of events.
    pub n_events: u64,
    /// From and to which energy.
    pub energies_gev: [f64; 2],
    /// The ices that the events were in, beside what the reconstruction takes for the truth.
    pub ices: Vec<String>,
}

/// The tables of one reconstruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoCoverage {
    /// Width along each axis of a shift of the whole event that its likelihood knows nothing of.
    pub floor_deg: f64,
    /// From few hit DOMs to many; the first one begins with 0.
    pub classes: Vec<DomClass>,
}

/// The table of events with so many hit DOMs or more, up to the next class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomClass {
    /// Fewest hit DOMs.
    pub fewest_doms: usize,
    /// Events that the table stands on.
    pub n_events: u64,
    /// Containment and threshold on `2 (llh - llh_best)`, both rising.
    pub levels: Vec<[f64; 2]>,
}

/// Why a coverage file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// It is no coverage file, or a number in it makes no sense.
    #[error("no coverage file that can be used: {0}")]
    Malformed(String),
    /// The study did not look at this reconstruction.
    #[error("the coverage file knows no reco {reco:?}; it has {known}")]
    UnknownReco {
        /// The one that was asked for.
        reco: String,
        /// Those that it has.
        known: String,
    },
}

/// A coverage file that was read and makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    table: CoverageTable,
    sha256: String,
}

impl Coverage {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// If it is not a coverage file, or a number in it makes no sense.
    pub fn from_json(text: &[u8]) -> Result<Self, CoverageError> {
        let malformed = CoverageError::Malformed;
        let table: CoverageTable =
            serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        table.check().map_err(malformed)?;
        let digits = |byte: &u8| format!("{byte:02x}");
        Ok(Self {
            table,
            sha256: Sha256::digest(text).iter().map(digits).collect(),
        })
    }

    /// What it says.
    pub fn table(&self) -> &CoverageTable {
        &self.table
    }

    /// Levels for an event with so many hit DOMs; without that number the widest ones.
    ///
    /// # Errors
    /// If the file does not know the reconstruction.
    pub fn levels(
        &self,
        reco: &str,
        n_doms: Option<usize>,
    ) -> Result<CoverageLevels, CoverageError> {
        let found = self.table.recos.get(reco);
        let found = found.ok_or_else(|| CoverageError::UnknownReco {
            reco: reco.to_owned(),
            known: (self.table.recos.keys().cloned())
                .collect::<Vec<String>>()
                .join(", "),
        })?;
        let of = |class: &DomClass| CoverageLevels {
            levels: class.levels.clone(),
            floor_deg: found.floor_deg,
            n_events: class.n_events,
            sha256: self.sha256.clone(),
        };
        let classes = found.classes.iter();
        Ok(match n_doms {
            Some(n_doms) => classes
                .rev()
                .find(|class| class.fewest_doms <= n_doms)
                .map_or_else(|| of(&found.classes[0]), of),
            None => classes
                .map(of)
                .max_by(|a, b| a.level(NEEDED).total_cmp(&b.level(NEEDED)))
                .unwrap_or_else(|| of(&found.classes[0])),
        })
    }
}

impl CoverageTable {
    fn check(&self) -> Result<(), String> {
        if self.format != COVERAGE_FORMAT {
            return Err(format!(
                "format is {:?}, not {COVERAGE_FORMAT:?}",
                self.format
            ));
        }
        if self.recos.is_empty() {
            return Err("it has no reco".to_owned());
        }
        for (reco, coverage) in &self.recos {
            coverage
                .check()
                .map_err(|what| format!("reco {reco:?}: {what}"))?;
        }
        Ok(())
    }
}

impl RecoCoverage {
    fn check(&self) -> Result<(), String> {
        if !(0.0..=LARGEST_FLOOR_DEG).contains(&self.floor_deg) {
            return Err(format!(
                "the floor is {:?} degrees, not 0 to {LARGEST_FLOOR_DEG}",
                self.floor_deg
            ));
        }
        if self
            .classes
            .first()
            .is_none_or(|first| first.fewest_doms != 0)
        {
            return Err("its first class does not begin with 0 DOMs".to_owned());
        }
        let mut pairs = self.classes.windows(2);
        if pairs.any(|pair| pair[1].fewest_doms <= pair[0].fewest_doms) {
            return Err("its classes of DOMs do not rise".to_owned());
        }
        self.classes.iter().try_for_each(DomClass::check)
    }
}

impl DomClass {
    fn check(&self) -> Result<(), String> {
        let mut before = [0.0, 0.0];
        for &[containment, level] in &self.levels {
            let rises = containment > before[0] && containment < 1.0;
            if !rises || !(before[1]..=HIGHEST_LEVEL).contains(&level) {
                return Err(format!(
                    "containment {containment:?} with level {level:?} does not follow {before:?}"
                ));
            }
            before = [containment, level];
        }
        match before[0] >= NEEDED {
            true => Ok(()),
            false => Err(format!(
                "its levels end at a containment of {:?}, below {NEEDED}",
                before[0]
            )),
        }
    }
}

/// Levels that a study found, for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageLevels {
    /// Containment and level, both rising.
    levels: Vec<[f64; 2]>,
    floor_deg: f64,
    n_events: u64,
    sha256: String,
}

impl CoverageLevels {
    /// Threshold on `2 (llh - llh_best)` for a containment; beyond the table's end in proportion to
    /// Wilks' level.
    pub fn level(&self, containment: f64) -> f64 {
        let (low, high) = self.around(|row| row[0] >= containment);
        let [from, at, to] = [low[0], containment, high[0]].map(wilks_level);
        low[1] + (high[1] - low[1]) * (at - from) / (to - from)
    }

    /// The largest containment that the study saw; levels beyond it only go on from there.
    pub fn reaches(&self) -> f64 {
        self.levels
            .last()
            .map_or(0.0, |[containment, _]| *containment)
    }

    /// The containment whose threshold this is.
    pub fn containment(&self, level: f64) -> f64 {
        let (low, high) = self.around(|row| row[1] >= level);
        let [from, to] = [low[0], high[0]].map(wilks_level);
        let rise = high[1] - low[1];
        let share = if rise > 0.0 {
            (level - low[1]) / rise
        } else {
            0.0
        };
        -libm::expm1(-0.5 * (from + (to - from) * share).max(0.0))
    }

    /// The rows to interpolate between: below and from the first one that is far enough; at the end,
    /// nothing and the last one.
    fn around(&self, is_enough: impl Fn(&[f64; 2]) -> bool) -> ([f64; 2], [f64; 2]) {
        let nothing = [0.0, 0.0];
        let last = self.levels.last().copied().unwrap_or(nothing);
        match self.levels.iter().position(is_enough) {
            None => (nothing, last),
            Some(0) => (nothing, self.levels[0]),
            Some(n) => (self.levels[n - 1], self.levels[n]),
        }
    }

    /// Width along each axis of a shift of the whole event that its likelihood knows nothing of.
    pub fn floor_deg(&self) -> f64 {
        self.floor_deg
    }

    /// Events that the levels stand on.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// SHA-256 of the file in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> CoverageTable {
        let class = |fewest_doms, factor: f64| DomClass {
            fewest_doms,
            n_events: 200,
            levels: [0.25, 0.5, 0.9, 0.99]
                .map(|share| [share, factor * wilks_level(share)])
                .to_vec(),
        };
        CoverageTable {
            format: COVERAGE_FORMAT.to_owned(),
            detector: "IceCube-86".to_owned(),
            study: StudyNote {
                producer: "skyscan 0.1.0".to_owned(),
                numerics: 1,
                light: "photons".to_owned(),
                seed: 1,
                more_seeds: Vec::new(),
                n_events: 400,
                energies_gev: [1e3, 1e7],
                ices: vec!["scattering 1.1, absorption 1".to_owned()],
            },
            recos: [(
                "pandel-mpe".to_owned(),
                RecoCoverage {
                    floor_deg: 0.2,
                    classes: vec![class(0, 1.5), class(100, 2.0)],
                },
            )]
            .into(),
        }
    }

    fn read(table: &CoverageTable) -> Result<Coverage, CoverageError> {
        Coverage::from_json(&serde_json::to_vec(table).unwrap())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = serde_json::to_vec(&table()).unwrap();
        let coverage = Coverage::from_json(&text).unwrap();
        assert_eq!(coverage.table(), &table());
        assert_eq!(coverage.sha256.len(), 64);
        assert_ne!(
            Coverage::from_json(&[&text[..], b"\n"].concat())
                .unwrap()
                .sha256,
            coverage.sha256
        );
    }

    #[test]
    fn levels_follow_the_number_of_doms() {
        let coverage = read(&table()).unwrap();
        let factor = |n_doms| {
            let levels = coverage.levels("pandel-mpe", n_doms).unwrap();
            levels.level(0.9) / wilks_level(0.9)
        };
        for (n_doms, expected) in [
            (Some(0), 1.5),
            (Some(99), 1.5),
            (Some(100), 2.0),
            (None, 2.0),
        ] {
            assert!((factor(n_doms) - expected).abs() < 1e-12, "{n_doms:?}");
        }
        let error = coverage.levels("millipede", None).unwrap_err();
        assert!(error.to_string().contains("it has pandel-mpe"), "{error}");
    }

    #[test]
    fn any_containment_has_its_level_and_back() {
        let levels = read(&table())
            .unwrap()
            .levels("pandel-mpe", Some(0))
            .unwrap();
        for containment in [0.05, 0.25, 0.37, 0.68, 0.9, 0.95, 0.99, 0.995] {
            let level = levels.level(containment);
            assert!((level - 1.5 * wilks_level(containment)).abs() < 1e-12);
            assert!((levels.containment(level) - containment).abs() < 1e-12);
        }
        assert_eq!(levels.containment(0.0), 0.0);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_reason() {
        type Damage = fn(&mut CoverageTable);
        let damages: [(Damage, &str); 7] = [
            (|t| t.format = "other".to_owned(), "format"),
            (|t| t.recos.clear(), "no reco"),
            (|t| first(t).floor_deg = -0.1, "floor"),
            (|t| first(t).classes[0].fewest_doms = 3, "begin with 0"),
            (|t| first(t).classes[1].fewest_doms = 0, "do not rise"),
            (
                |t| first(t).classes[0].levels[1][1] = 0.1,
                "does not follow",
            ),
            (|t| first(t).classes[0].levels.truncate(2), "below 0.9"),
        ];
        for (damage, expected) in damages {
            let mut damaged = table();
            damage(&mut damaged);
            let error = read(&damaged).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Coverage::from_json(b"{}").is_err());
    }

    fn first(table: &mut CoverageTable) -> &mut RecoCoverage {
        table.recos.get_mut("pandel-mpe").unwrap()
    }
}
