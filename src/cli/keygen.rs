//! `skyscan keygen`

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::number::from_one;
use super::{Failure, bad_input, failed, print};
use crate::transport::keys::{self, KeyError};

/// Make the keys of a place, of its workers, and tokens to join it
///
/// A scanner (or relay) has a folder of keys: its own, and the list of those it lets in. What is made for a worker
/// is a folder of its own inside, to be taken there over a way that you trust; one may serve all workers of a zone.
/// To withdraw a worker, remove DIR/workers/NAME.pub, or the token in DIR/tokens: its session ends within a second.
///
/// Example: skyscan keygen keys --worker zone-1
///
/// Then: skyscan scan event.json --transport zmqs://0.0.0.0:5555 --keys keys --workers 0, and elsewhere
/// skyscan worker --transport zmqs://scanner.example:5555 --keys for-zone-1
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the place's keys; they are made if there are none
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Make a key for this worker or zone, and let it in
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    worker: Option<String>,
    /// Make a token with which workers join whose keys are not known
    #[arg(long)]
    token: bool,
    /// How many workers may join with the token; one that is started again is another one
    #[arg(long, value_name = "N", default_value = "100", requires = "token", value_parser = from_one::<NonZeroU32>)]
    uses: NonZeroU32,
    /// How long the token holds, in hours
    #[arg(long, value_name = "HOURS", default_value = "24", requires = "token", value_parser = from_one::<NonZeroU32>)]
    hours: NonZeroU32,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let dir = &arguments.dir;
    let is_place = keys::has_keys(dir);
    if !is_place {
        keys::make(dir).map_err(failed)?;
        print(&format!(
            "made   {}: keys of the scanner; nobody else may read them",
            dir.display()
        ))?;
    }
    let given = match (&arguments.worker, arguments.token) {
        (Some(name), _) => {
            let added = keys::add_worker(dir, name);
            Some(added.map_err(|error| match error {
                KeyError::Name(_) => bad_input(error),
                error => failed(error),
            })?)
        }
        (None, true) => {
            let valid_for = Duration::from_secs(u64::from(arguments.hours.get()) * 3600);
            Some(keys::add_token(dir, valid_for, arguments.uses.get()).map_err(failed)?)
        }
        (None, false) => None,
    };
    match given {
        Some(given) => print(&to_be_taken(&given))?,
        None if is_place => print(&format!(
            "{} has keys already; --worker NAME or --token makes more",
            dir.display()
        ))?,
        None => {}
    }
    Ok(0)
}

fn to_be_taken(given: &Path) -> String {
    format!(
        "made   {}: take this folder to the worker, which needs --keys with its path there",
        given.display()
    )
}
