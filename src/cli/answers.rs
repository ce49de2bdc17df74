//! `skyscan answers`

use std::path::PathBuf;

use super::{Failure, bad_input, failed, tell};
use crate::scenario::answers;
use crate::scenario::results::digest;

/// Write the answers to the talk's open questions from digests of replays
///
/// A digest is the report of a replay without the detail of each run. From those in a folder a page is
/// made, ANSWERS.md, with its charts in answers/: nothing else enters, so the same digests give the same
/// bytes.
///
/// Example: skyscan answers scenarios/reports --out answers
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the digests
    #[arg(value_name = "DIR")]
    digests: PathBuf,
    /// First make digests of these reports (report.json of `skyscan replay --out`) and put them there;
    /// each takes the place of an older one of its scenario
    #[arg(long, value_name = "REPORT", num_args = 1..)]
    add: Vec<PathBuf>,
    /// Folder for the page and its charts
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    for report in &arguments.add {
        let file = digest::add(report, &arguments.digests).map_err(bad_input)?;
        tell(&format!("wrote {}", file.display()));
    }
    let digests = digest::all(&arguments.digests).map_err(bad_input)?;
    let n_digests = digests.len();
    let files = answers::write_all(&arguments.out, digests).map_err(failed)?;
    tell(&format!(
        "wrote {} files to {} from {n_digests} digests",
        files.len(),
        arguments.out.display()
    ));
    Ok(0)
}
