//! `skyscan report`

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::replay::read_report;
use super::{Failure, bad_input, print};
use crate::scenario::report::compare;
use crate::scenario::results::Report;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compare two reports of replays: ratios with 95 % intervals
    ///
    /// Points are paired by variant and number of workers. For a comparison that the machine's mood does not
    /// decide, let one scenario have both as variants, with interleaved = true and several repeats.
    ///
    /// Example: skyscan report compare before/mva-check after/mva-check
    Compare {
        /// The one that is divided by: a folder that `skyscan replay --out` made, or its report.json, or a digest
        #[arg(value_name = "A")]
        first: PathBuf,
        /// The other one
        #[arg(value_name = "B")]
        second: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    let Command::Compare { first, second } = command;
    let (a, b) = (read(first)?, read(second)?);
    let text = compare::text(&a, &b).ok_or_else(|| {
        bad_input(anyhow!(
            "{} and {} share no point: no variant with the same number of workers",
            first.display(),
            second.display()
        ))
    })?;
    print(&text)?;
    Ok(0)
}

fn read(path: &Path) -> Result<Report, Failure> {
    match path.is_dir() {
        true => read_report(&path.join("report.json")),
        false => read_report(path),
    }
}
