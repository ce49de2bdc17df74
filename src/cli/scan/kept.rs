//! What journals there are, and what that means for a scan.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::cli::{Failure, bad_input, failed};
use crate::journal::{self, Asked, Contents, Journal, JournalError};

/// What there is to go on from.
#[derive(Debug)]
pub(in crate::cli) enum Kept {
    /// Nothing is kept.
    Nowhere,
    /// A journal that is to be written, and what is in it.
    Open(Journal, Box<Contents>),
    /// The scan is finished.
    Finished(Box<Contents>),
}

/// The journal for a scan, if one is to be kept: a new one, or that of the same scan which is finished.
///
/// # Errors
/// If there is one that is not finished, or of other settings, or that cannot be used.
pub(super) fn begin(path: Option<&Path>, asked: &Asked) -> Result<Kept, Failure> {
    let Some(path) = path else {
        return Ok(Kept::Nowhere);
    };
    if !path.exists() {
        let journal = Journal::create(path, asked).map_err(failed)?;
        let contents = journal::read(path).map_err(failed)?;
        return Ok(Kept::Open(journal, Box::new(contents)));
    }
    let contents = journal::read(path).map_err(bad_input)?;
    contents.fits_here(path).map_err(bad_input)?;
    let differences = asked.differences(&contents.asked);
    let shown = path.display();
    if !differences.is_empty() {
        return Err(bad_input(anyhow!(
            "{shown} is of another scan ({}): choose another --out, or move it away",
            differences.join("; ")
        )));
    }
    if contents.is_finished {
        return Ok(Kept::Finished(Box::new(contents)));
    }
    // Whoever scans into it now has to end first.
    journal::refuse_held(path).map_err(bad_input)?;
    Err(bad_input(anyhow!(
        "{shown} is of this very scan, which is not finished: go on with it by skyscan scan --resume \
         {shown}, or move it away"
    )))
}

/// The journal that a path leads to.
///
/// # Errors
/// If there is none, or there are several to choose from.
pub(super) fn find(path: &Path) -> Result<PathBuf, Failure> {
    let found = journal::at(path).map_err(bad_input)?;
    let listed = |journals: &[PathBuf]| {
        let lines = journals.iter().map(|path| path.display().to_string());
        lines.collect::<Vec<String>>().join(", ")
    };
    match (&found.unfinished[..], &found.finished[..]) {
        ([journal], _) | ([], [journal]) => Ok(journal.clone()),
        ([], []) => Err(bad_input(anyhow!(
            "{} has no journal of a scan",
            path.display()
        ))),
        ([], finished) => Err(bad_input(anyhow!(
            "every scan in {} is finished: {}",
            path.display(),
            listed(finished)
        ))),
        (several, _) => Err(bad_input(anyhow!(
            "{} scans in {} are not finished, give --resume one of them: {}",
            several.len(),
            path.display(),
            listed(several)
        ))),
    }
}

/// Opens a journal to go on with it.
///
/// # Errors
/// If it cannot be used, or another Scanner has it.
pub(super) fn resume(path: &Path) -> Result<Kept, Failure> {
    let (journal, contents) = Journal::resume(path).map_err(|error| match error {
        JournalError::Io { .. } | JournalError::Sqlite { .. } => failed(error),
        error => bad_input(error),
    })?;
    let contents = Box::new(contents);
    Ok(match journal {
        Some(journal) => Kept::Open(journal, contents),
        None => Kept::Finished(contents),
    })
}

/// Removes a journal in which there is nothing to go on from, after a scan that failed.
pub(super) fn discard_if_vain(path: &Path) {
    let has_fit = |contents: &Contents| contents.atlas.nominal.best().is_some();
    if let Ok((Some(journal), contents)) = Journal::resume(path)
        && !has_fit(&contents)
        && let Err(error) = journal.discard()
    {
        tracing::warn!("{error}");
    }
}
