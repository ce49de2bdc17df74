//! The answers to the open questions of the talk, written from [digests](super::results::digest) of replays.
//!
//! A pure function of the digests: sentences, tables and charts are computed from their numbers, so the
//! page says what was found, whatever that is, and writing it again changes nothing. A question whose
//! replay is missing says by which command it is had.
//!
//! Decision: Answers are computed, not written (`docs/decisions.md`).

mod assumed;
mod figures;
mod known;
mod numbers;
mod page;
mod questions;
mod reach;
mod say;
mod slide;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::results::Report;
use crate::drawing;
use crate::output::OutputError;
use crate::output::file::{make_folder, write_atomically};
use known::Known;

/// Name of the page.
pub const PAGE: &str = "ANSWERS.md";
/// Folder of its charts, beside it.
pub const CHARTS: &str = "answers";

/// Writes the page and its charts into a folder; returns the files, the page last.
///
/// # Errors
/// If the folder or a file cannot be written or a chart not be drawn.
pub fn write_all(
    dir: &Path,
    digests: BTreeMap<String, Report>,
) -> Result<Vec<PathBuf>, OutputError> {
    let known = Known::new(digests);
    let charts_dir = dir.join(CHARTS);
    make_folder(&charts_dir)?;
    let mut files = Vec::new();
    for (name, figure) in figures::all(&known) {
        let drawn = |source| OutputError::Draw {
            path: charts_dir.join(&name),
            source,
        };
        let svg = drawing::svg(&figure).map_err(drawn)?;
        files.push(write_atomically(&charts_dir, &name, |out| {
            out.write_all(svg.as_bytes())
        })?);
    }
    let page = page::markdown(&known);
    files.push(write_atomically(dir, PAGE, |out| {
        out.write_all(page.as_bytes())
    })?);
    Ok(files)
}

#[cfg(test)]
mod tests;
