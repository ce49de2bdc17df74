//! What a study leaves in its folder as it goes on: its design, a line for each answer, and the maps. A
//! study that was ended, however, is taken up from there.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::design::{Design, Ice};
use crate::event::DetectorDirection;
use crate::output::OutputError;
use crate::output::file::{make_folder, write_atomically};
use crate::reco::systematics::SystematicSet;

const DESIGN: &str = "study.json";
const ANSWERS: &str = "answers.jsonl";
const MAPS: &str = "maps";
/// Digits of a set's hash in the names of its maps.
const SET_DIGITS: usize = 16;

/// What a reconstruction said of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Number of the event in the study.
    pub event: u64,
    /// Seed of its light.
    pub seed: u64,
    /// What it was in.
    pub ice: Ice,
    /// Energy of the muon.
    pub energy_gev: f64,
    /// DOMs that saw light.
    pub hit_doms: usize,
    /// When it came.
    pub mjd: f64,
    /// Where the muon came from.
    pub truth: DetectorDirection,
    /// Name of the reconstruction.
    pub reco: String,
    /// Over what its map is averaged; nothing if it is that of the telescope as described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systematics: Option<SetId>,
    /// The map that it made.
    pub outcome: Outcome,
}

/// A set of systematics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetId {
    /// What it calls itself.
    pub name: String,
    /// SHA-256 of what is in it, in hexadecimal.
    pub sha256: String,
}

impl From<&SystematicSet> for SetId {
    fn from(set: &SystematicSet) -> Self {
        Self {
            name: set.name.clone(),
            sha256: set.sha256_hex(),
        }
    }
}

impl Answer {
    /// What made it: a reconstruction, and the systematics that it is averaged over.
    pub fn maker(&self) -> String {
        maker(&self.reco, self.systematics.as_ref())
    }
}

fn maker(reco: &str, systematics: Option<&SetId>) -> String {
    match systematics {
        None => reco.to_owned(),
        Some(SetId { name, .. }) => format!("{reco}, systematics {name}"),
    }
}

/// What became of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has a map.
    Map {
        /// Its SHA-256.
        sha256: String,
        /// `-ln L` with the true direction, fitted like a pixel, with the true vertex as one more start; nothing
        /// beside a map that is averaged.
        llh_truth: Option<f64>,
        /// Time that workers spent on the scan that it is of: the only number that differs from run to run.
        busy_s: f64,
    },
    /// The reconstruction cannot use the event, for this reason.
    Unusable(String),
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file cannot be read or added to.
    #[error("cannot use {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file in it was not written by a study.
    #[error("{path} is not as a study leaves it: {what}")]
    Malformed {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It has the events of another study.
    #[error(
        "{0} holds another study, of other events or maps: give its options, or another folder"
    )]
    Other(PathBuf),
}

/// A study's folder.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    answers: BTreeMap<(u64, String, Option<SetId>), Answer>,
    file: File,
}

impl Folder {
    /// The design of the study that a folder holds.
    ///
    /// # Errors
    /// If it holds none.
    pub fn design(dir: &Path) -> Result<Design, FolderError> {
        let path = dir.join(DESIGN);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| malformed(&path, &error)),
            Err(source) => Err(FolderError::File { path, source }),
        }
    }

    /// Makes the folder, or takes up what a study of the same design left in it.
    ///
    /// # Errors
    /// If it cannot be used, or holds another study.
    pub fn open(dir: &Path, design: &Design) -> Result<Self, FolderError> {
        make_folder(&dir.join(MAPS))?;
        let path = dir.join(DESIGN);
        let text = serde_json::to_vec_pretty(design).map_err(|error| malformed(&path, &error))?;
        match fs::read(&path) {
            Ok(there) => {
                let there: Design =
                    serde_json::from_slice(&there).map_err(|error| malformed(&path, &error))?;
                if &there != design {
                    return Err(FolderError::Other(dir.to_path_buf()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_atomically(dir, DESIGN, |out| out.write_all(&text))?;
            }
            Err(source) => return Err(FolderError::File { path, source }),
        }
        let path = dir.join(ANSWERS);
        let at_fault = |source| FolderError::File {
            path: path.clone(),
            source,
        };
        let mut text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(at_fault)?,
        };
        // A line without an end is one that was being written when the program was killed.
        let whole = text
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        text.truncate(whole);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(at_fault)?;
        file.set_len(whole as u64).map_err(at_fault)?;
        let mut folder = Self {
            dir: dir.to_path_buf(),
            answers: BTreeMap::new(),
            file,
        };
        for line in text
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let answer = serde_json::from_slice(line).map_err(|error| malformed(&path, &error))?;
            folder.keep(answer);
        }
        Ok(folder)
    }

    fn keep(&mut self, answer: Answer) {
        let Answer {
            event,
            reco,
            systematics,
            ..
        } = &answer;
        let key = (*event, reco.clone(), systematics.clone());
        self.answers.insert(key, answer);
    }

    /// Whether there is an answer already.
    pub fn has(&self, event: u64, reco: &str, systematics: Option<&SetId>) -> bool {
        let key = (event, reco.to_owned(), systematics.cloned());
        self.answers.contains_key(&key)
    }

    /// Adds an answer, whose map is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, answer: Answer) -> Result<(), FolderError> {
        let path = || self.dir.join(ANSWERS);
        let mut line = serde_json::to_vec(&answer).map_err(|error| malformed(&path(), &error))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|source| FolderError::File {
                path: path(),
                source,
            })?;
        self.keep(answer);
        Ok(())
    }

    /// All answers, by event, then by reconstruction, then by systematics, without them first.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.answers.values()
    }

    /// Where the maps are, each by its [`map_name`].
    pub fn maps(&self) -> PathBuf {
        self.dir.join(MAPS)
    }

    /// Where reports go.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Name of the file with the map of an answer.
pub fn map_name(answer: &Answer) -> String {
    let Answer { event, reco, .. } = answer;
    match &answer.systematics {
        None => format!("{event:06}.{reco}.npz"),
        // Names of sets may have any letters.
        Some(SetId { sha256, .. }) => {
            let digits = sha256.get(..SET_DIGITS).unwrap_or(sha256);
            format!("{event:06}.{reco}.systematics-{digits}.npz")
        }
    }
}

fn malformed(path: &Path, error: &serde_json::Error) -> FolderError {
    FolderError::Malformed {
        path: path.to_path_buf(),
        what: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::design::Light;

    fn design() -> Design {
        Design {
            light: Light::Density,
            seed: 1,
            energies_gev: [1e3, 1e7],
            ices: vec![],
            nsides: vec![],
            until_resolved: true,
            enclosed: 20.0,
            detector: String::new(),
            numerics: 1,
        }
    }

    fn answer(event: u64) -> Answer {
        Answer {
            event,
            seed: 7,
            ice: Ice {
                scattering: 1.1,
                absorption: 1.0,
                ..Ice::default()
            },
            energy_gev: 1234.5,
            hit_doms: 40,
            mjd: 60_000.0,
            truth: DetectorDirection {
                zenith_rad: 1.0,
                azimuth_rad: 2.0,
            },
            reco: "pandel-mpe".to_owned(),
            systematics: None,
            outcome: Outcome::Unusable("no light".to_owned()),
        }
    }

    #[test]
    fn what_was_added_is_there_again_but_for_half_a_line() {
        let dir = std::env::temp_dir().join(format!("skyscan-study-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let mut folder = Folder::open(&dir, &design()).unwrap();
        folder.add(answer(0)).unwrap();
        folder.add(answer(1)).unwrap();
        drop(folder);
        // Killed while it wrote the second one.
        let path = dir.join(ANSWERS);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut folder = Folder::open(&dir, &design()).unwrap();
        let has = |folder: &Folder, event| folder.has(event, "pandel-mpe", None);
        assert!(has(&folder, 0) && !has(&folder, 1));
        folder.add(answer(1)).unwrap();
        drop(folder);
        assert_eq!(fs::read(&path).unwrap(), text);
        // Under systematics it is another answer.
        let set = SetId::from(&SystematicSet::quick());
        let averaged = Answer {
            systematics: Some(set.clone()),
            ..answer(1)
        };
        let mut folder = Folder::open(&dir, &design()).unwrap();
        assert!(!folder.has(1, "pandel-mpe", Some(&set)));
        folder.add(averaged.clone()).unwrap();
        drop(folder);
        let folder = Folder::open(&dir, &design()).unwrap();
        assert_eq!(
            folder.answers().cloned().collect::<Vec<_>>(),
            [answer(0), answer(1), averaged.clone()]
        );
        assert_ne!(map_name(&averaged), map_name(&answer(1)));
        let other = Design {
            seed: 2,
            ..design()
        };
        assert!(matches!(
            Folder::open(&dir, &other),
            Err(FolderError::Other(_))
        ));
        fs::remove_dir_all(dir).unwrap();
    }
}
