//! Digests: reports without the detail of each run, small enough to be kept in the repository.
//!
//! A digest is a report in every other way: set-up, sources, machine, means with intervals, formulas and a
//! [tally](super::Tally) of its repeats. Only a complete replay of full size has one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::point;
use super::{FORMAT, Report};
use crate::output::OutputError;
use crate::output::file::{make_folder, write_atomically};

/// Why there is no digest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Path of the file or folder.
        path: PathBuf,
        /// Reason that was given.
        source: std::io::Error,
    },
    /// A file is no report.
    #[error("{path} is no report of a replay")]
    Senseless {
        /// Path of the file or folder.
        path: PathBuf,
        /// Reason that was given.
        source: serde_json::Error,
    },
    /// Nothing may be said from it.
    #[error("{path} answers nothing: it is {why}")]
    Unfit {
        /// Path of the file or folder.
        path: PathBuf,
        /// What makes it unfit.
        why: &'static str,
    },
    /// The digest cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
}

/// Puts the digest of a report into a folder, under the name of its scenario; returns the file.
///
/// # Errors
/// If the file is no report, or that of a quick form or of a replay that was stopped.
pub fn add(report: &Path, folder: &Path) -> Result<PathBuf, DigestError> {
    let path = report.to_path_buf();
    let report = read(report)?;
    let unfit = |why| DigestError::Unfit {
        path: path.clone(),
        why,
    };
    if report.is_quick {
        return Err(unfit("a quick form"));
    }
    if report.is_changed {
        return Err(unfit("changed on the command line"));
    }
    if !report.complete {
        return Err(unfit("incomplete"));
    }
    make_folder(folder)?;
    let digest = digest(report);
    let name = format!("{}.json", digest.scenario);
    Ok(write_atomically(folder, &name, |out| {
        serde_json::to_writer_pretty(&mut *out, &digest)?;
        writeln!(out)
    })?)
}

/// The digests of a folder by the names of their scenarios.
///
/// # Errors
/// If the folder cannot be read, or one of its JSON files is no report.
pub fn all(folder: &Path) -> Result<BTreeMap<String, Report>, DigestError> {
    let failed = |source| DigestError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let report = read(&path)?;
            found.insert(report.scenario.clone(), report);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Report, DigestError> {
    let text = fs::read(path).map_err(|source| DigestError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let report: Report =
        serde_json::from_slice(&text).map_err(|source| DigestError::Senseless {
            path: path.to_path_buf(),
            source,
        })?;
    match report.format == FORMAT {
        true => Ok(report),
        false => Err(DigestError::Unfit {
            path: path.to_path_buf(),
            why: "of another format",
        }),
    }
}

/// What the runs come to is reckoned again: the report may be of an older version that told less.
fn digest(mut report: Report) -> Report {
    for point in &mut report.points {
        if !point.runs.is_empty() {
            let runs = std::mem::take(&mut point.runs);
            *point = point::of_runs(point.variant.clone(), point.setup.clone(), runs);
        }
        point.runs.clear();
    }
    report
}
