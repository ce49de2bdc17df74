//! Result files read back: skyscan's own and those of IceCube's scanner, JSON and npz.
//!
//! Files written before April 2023 by IceCube's scanner have every declination with the wrong sign,
//! and nothing in them says so. Rows of its version 1 are younger than that and right; those of
//! version 0 may be either, so whoever reads one has to say which it is.

mod blocks;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::EventIdentity;
use crate::conventions::DECLINATION;
use crate::doubt::{self, Doubt};
use blocks::Block;
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::{Equatorial, Nside, Pixel};

/// The sign of the declinations in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declination {
    /// Positive to the north.
    Standard,
    /// The wrong sign: the map is mirrored back when it is read.
    Mirrored,
}

/// A map with what its file says of it.
#[derive(Clone, Debug)]
pub struct ScanFile {
    /// Every pixel, in the standard convention.
    pub map: SkyMap,
    /// The rounds that the file calls complete.
    pub complete: BTreeSet<Nside>,
    /// Run and event number, from the file or from its name.
    pub run_and_event: Option<(u32, u32)>,
    /// Start of the event, UTC as a modified Julian date.
    pub mjd: Option<f64>,
    /// Alert stream; empty if unknown.
    pub stream: String,
    /// Name of the reconstruction; empty if unknown.
    pub reco: String,
    /// What the event itself gave reason to doubt: the map does not tell that.
    pub event_doubts: Vec<Doubt>,
    /// How the declinations stood in the file.
    pub declination: Declination,
}

impl ScanFile {
    /// The event, if the file tells its numbers and its date; `mjd` stands in for a missing date.
    pub fn identity(&self, mjd: Option<f64>) -> Option<EventIdentity> {
        let (run_id, event_id) = self.run_and_event?;
        Some(EventIdentity {
            run_id,
            event_id,
            mjd: self.mjd.or(mjd)?,
            stream: self.stream.clone(),
        })
    }
}

/// A result file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanFileError {
    /// It cannot be opened.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no result file, or a damaged one.
    #[error("{path} is no result file that can be used: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Nobody can tell the sign of its declinations.
    #[error(
        "{0} has version 0, which says nothing about the sign of its declinations: give --declination \
         mirrored if it was written before April 2023, else --declination standard"
    )]
    UnknownDeclination(PathBuf),
    /// It says itself how its declinations are to be read, and not so.
    #[error("{0} has declinations of the standard sign: leave --declination mirrored out")]
    NotMirrored(PathBuf),
}

/// Reads a result file; `declination` is for files that do not tell.
pub fn read(path: &Path, declination: Option<Declination>) -> Result<ScanFile, ScanFileError> {
    let bytes = std::fs::read(path).map_err(|source| ScanFileError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let malformed = |what: String| ScanFileError::Malformed {
        path: path.to_path_buf(),
        what,
    };
    let blocks = blocks::read(&bytes).map_err(malformed)?;
    let declination = match (blocks.iter().all(tells_declination), declination) {
        (true, Some(Declination::Mirrored)) => {
            return Err(ScanFileError::NotMirrored(path.to_path_buf()));
        }
        (true, _) => Declination::Standard,
        (false, Some(told)) => told,
        (false, None) => return Err(ScanFileError::UnknownDeclination(path.to_path_buf())),
    };
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    assemble(blocks, declination, &name.unwrap_or_default()).map_err(malformed)
}

/// Whether the file says what it is, or is of a version that came after the sign was put right.
fn tells_declination(block: &Block) -> bool {
    block.text("declination") == DECLINATION || block.has_positions
}

fn assemble(
    blocks: Vec<Block>,
    declination: Declination,
    file_name: &str,
) -> Result<ScanFile, String> {
    let mut file = ScanFile {
        map: SkyMap::default(),
        complete: BTreeSet::new(),
        run_and_event: None,
        mjd: None,
        stream: String::new(),
        reco: String::new(),
        event_doubts: Vec::new(),
        declination,
    };
    let place = |nside: Nside, index: u64| -> Result<Pixel, String> {
        let pixel = Pixel::new(nside, index).map_err(|error| error.to_string())?;
        Ok(match declination {
            Declination::Standard => pixel,
            Declination::Mirrored => {
                let Equatorial { ra_rad, dec_rad } = pixel.center();
                nside.containing(Equatorial {
                    ra_rad,
                    dec_rad: -dec_rad,
                })
            }
        })
    };
    for block in blocks {
        let said = block.text("declination");
        if !said.is_empty() && said != DECLINATION {
            return Err(format!("its declination is {said:?}, which is unknown"));
        }
        let number = |key: &str| {
            let number = block.metadata.get(key).and_then(Value::as_u64);
            number.and_then(|number| u32::try_from(number).ok())
        };
        if let Some(both) = number("run_id").zip(number("event_id")) {
            file.run_and_event = Some(both);
        }
        let mjd = block.metadata.get("mjd").and_then(Value::as_f64);
        file.mjd = mjd.or(file.mjd);
        for (kept, key) in [(&mut file.stream, "event_type"), (&mut file.reco, "reco")] {
            if kept.is_empty() {
                *kept = block.text(key).to_owned();
            }
        }
        if file.event_doubts.is_empty() {
            file.event_doubts = doubt::named(block.text("quality"));
        }
        if block.metadata.get("complete") != Some(&Value::Bool(false)) {
            file.complete.insert(block.nside);
        }
        for (index, numbers) in &block.rows {
            let [llh, inside, total, x, y, z, time_ns] = *numbers;
            let known = |energy: f64| (!energy.is_nan()).then_some(energy);
            let outcome = if llh.is_finite() {
                PixelOutcome::Fitted(PixelFit {
                    llh,
                    position_m: [x, y, z],
                    time_ns,
                    energy_inside_gev: known(inside),
                    energy_total_gev: known(total),
                })
            } else {
                PixelOutcome::Failed("not a number in the file".to_owned())
            };
            file.map.insert(place(block.nside, *index)?, outcome);
        }
        for (nside, index, reason) in &block.failed {
            let outcome = PixelOutcome::Failed(reason.clone());
            file.map.insert(place(*nside, *index)?, outcome);
        }
    }
    if let (None, Some((run_and_event, stream))) = (file.run_and_event, from_name(file_name)) {
        file.run_and_event = Some(run_and_event);
        file.stream = stream;
    }
    Ok(file)
}

/// `run00136766.evt000007637140.GOLD_8_64.npz`, also with `-` between.
fn from_name(name: &str) -> Option<((u32, u32), String)> {
    let mut words = name.split(['.', '-', '_']);
    let run = words.next()?.strip_prefix("run")?.parse().ok()?;
    let event = words.next()?.strip_prefix("evt")?.parse().ok()?;
    Some(((run, event), words.next()?.to_owned()))
}
