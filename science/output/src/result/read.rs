//! Result files read back: skyscan's own and those of IceCube's scanner, JSON and npz, and maps in FITS.
//!
//! Files written before April 2023 by IceCube's scanner have every declination with the wrong sign,
//! and nothing in them says so. Rows of its version 1 are younger than that and right; those of
//! version 0 may be either, so whoever reads one has to say which it is.

mod blocks;
mod sky_fits;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::EventIdentity;
use crate::conventions::DECLINATION;
use crate::doubt::{self, Doubt};
use blocks::Block;
use skyscan_event::names::{LONGEST_NAME, clean};
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::region::{Region, RegionChoice, RegionMethod};
use skyscan_sky::{Equatorial, Nside, Pixel};

/// A direct scan of the whole sky at nside 512 has 600 MB as JSON.
const LARGEST_FILE: u64 = 1 << 30;
/// Dates beyond this are none: ten thousand years before and after.
const FARTHEST_MJD: f64 = 4e6;
/// Negative log-likelihoods of events are thousands.
const LARGEST_LLH: f64 = 1e15;
/// Characters of an error that quotes the file.
const LONGEST_MESSAGE: usize = 400;

/// The sign of the declinations in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declination {
    /// Positive to the north.
    Standard,
    /// The wrong sign: the map is mirrored back when it is read.
    Mirrored,
}

/// What the numbers of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// Negative log-likelihoods, or their distances from the best one.
    Llh,
    /// Probabilities, with a prior and systematic errors that the file does not tell. The llh of the map
    /// is the negative logarithm of their density, 0 where it is highest.
    Probability,
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
    /// Which numerics it was made with, if the file tells.
    pub numerics: Option<u32>,
    /// Hit DOMs, if the file tells.
    pub hit_doms: Option<usize>,
    /// What the event itself gave reason to doubt: the map does not tell that.
    pub event_doubts: Vec<Doubt>,
    /// How the declinations stood in the file.
    pub declination: Declination,
    /// What its numbers are.
    pub values: Values,
}

impl ScanFile {
    /// The regions by [`Self::region_method`].
    pub fn regions(&self, asked: &RegionChoice) -> Vec<Region> {
        match self.values {
            Values::Llh => crate::regions(&self.map, asked, &self.complete),
            Values::Probability => asked.credible_regions(&self.map),
        }
    }

    /// The method that regions are made by if `asked` was asked for: of probabilities there are none but
    /// the smallest regions with their shares.
    pub fn region_method(&self, asked: &RegionMethod) -> RegionMethod {
        match self.values {
            Values::Llh => asked.clone(),
            Values::Probability => RegionMethod::Posterior,
        }
    }

    /// Whether the scan was.
    pub(crate) fn is_complete(&self) -> bool {
        crate::is_complete(&self.map, &self.complete, &self.event_doubts)
    }

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
    /// There are files in it.
    #[error("{0} is a folder: give a result file in it, .npz, .json or .fits.gz")]
    Folder(PathBuf),
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

/// Reads a result file, or standard input for `-`; `declination` is for files that do not tell.
///
/// # Errors
/// If it cannot be read or used, or if nobody tells the sign of its declinations.
pub fn read(path: &Path, declination: Option<Declination>) -> Result<ScanFile, ScanFileError> {
    if path.is_dir() {
        return Err(ScanFileError::Folder(path.to_path_buf()));
    }
    let bytes = bytes_of(path).map_err(|source| ScanFileError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let malformed = |what: String| ScanFileError::Malformed {
        path: path.to_path_buf(),
        what: clean(&what, LONGEST_MESSAGE),
    };
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    if sky_fits::is_fits(&bytes) {
        if declination == Some(Declination::Mirrored) {
            return Err(ScanFileError::NotMirrored(path.to_path_buf()));
        }
        let mut file = sky_fits::read(&bytes).map_err(malformed)?;
        file.take_from_name(&name);
        check(&file.map).map_err(malformed)?;
        return Ok(file);
    }
    let blocks = blocks::read(&bytes).map_err(malformed)?;
    let declination = match (blocks.iter().all(tells_declination), declination) {
        (true, Some(Declination::Mirrored)) => {
            return Err(ScanFileError::NotMirrored(path.to_path_buf()));
        }
        (true, _) => Declination::Standard,
        (false, Some(told)) => told,
        (false, None) => return Err(ScanFileError::UnknownDeclination(path.to_path_buf())),
    };
    let file = assemble(blocks, declination, &name).map_err(malformed)?;
    check(&file.map).map_err(malformed)?;
    Ok(file)
}

/// Refuses likelihoods that are none: of so large numbers no difference is left that regions could be made of.
fn check(map: &SkyMap) -> Result<(), String> {
    let mut outcomes = map.rounds().values().flat_map(|pixels| pixels.values());
    let is_none = |outcome: &&PixelOutcome| match outcome {
        PixelOutcome::Fitted(fit) => fit.llh.abs() > LARGEST_LLH,
        PixelOutcome::Failed(_) => false,
    };
    match outcomes.find(is_none) {
        Some(_) => Err(format!(
            "it has an llh beyond {LARGEST_LLH:e}, which is none"
        )),
        None => Ok(()),
    }
}

/// A file, or standard input for `-`.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(std::fs::File::open(path)?),
    };
    let mut bytes = Vec::new();
    source.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(io::Error::other(format!(
            "it has more than {LARGEST_FILE} bytes"
        ))),
        false => Ok(bytes),
    }
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
        numerics: None,
        hit_doms: None,
        event_doubts: Vec::new(),
        declination,
        values: Values::Llh,
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
        let nested = match block.text("ordering").to_ascii_uppercase().as_str() {
            "RING" | "" => false,
            "NESTED" | "NEST" => true,
            other => return Err(format!("its ordering is {other:?}, which is unknown")),
        };
        // Failed pixels are listed by the same numbers.
        let place = |nside: Nside, index: u64| match nested {
            true => place(nside, ring_of(nside, index)?),
            false => place(nside, index),
        };
        let number = |key: &str| {
            let number = block.metadata.get(key).and_then(Value::as_u64);
            number.and_then(|number| u32::try_from(number).ok())
        };
        if let Some(both) = number("run_id").zip(number("event_id")) {
            file.run_and_event = Some(both);
        }
        let hit_doms = number("hit_doms").and_then(|number| usize::try_from(number).ok());
        file.hit_doms = hit_doms.or(file.hit_doms);
        file.numerics = number("numerics").or(file.numerics);
        let mjd = block.metadata.get("mjd").and_then(Value::as_f64);
        let mjd = mjd.filter(|mjd| mjd.abs() <= FARTHEST_MJD);
        file.mjd = mjd.or(file.mjd);
        for (kept, key) in [(&mut file.stream, "event_type"), (&mut file.reco, "reco")] {
            if kept.is_empty() {
                *kept = clean(block.text(key), LONGEST_NAME);
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
            insert(&mut file.map, place(block.nside, *index)?, outcome)?;
        }
        for (nside, index, reason) in &block.failed {
            let outcome = PixelOutcome::Failed(clean(reason, LONGEST_MESSAGE));
            insert(&mut file.map, place(*nside, *index)?, outcome)?;
        }
    }
    file.take_from_name(file_name);
    Ok(file)
}

impl ScanFile {
    /// Takes the event from the name of the file if nothing in it tells.
    fn take_from_name(&mut self, file_name: &str) {
        if let (None, Some((run_and_event, stream))) = (self.run_and_event, from_name(file_name)) {
            self.run_and_event = Some(run_and_event);
            self.stream = clean(&stream, LONGEST_NAME);
        }
    }
}

/// A pixel that is listed twice has two outcomes, of which nobody can tell the right one.
fn insert(map: &mut SkyMap, pixel: Pixel, outcome: PixelOutcome) -> Result<(), String> {
    if map.get(pixel).is_some() {
        let Pixel { nside, index } = pixel;
        return Err(format!("it has pixel {index} of nside {nside} twice"));
    }
    map.insert(pixel, outcome);
    Ok(())
}

/// The RING number of a NESTED one.
fn ring_of(nside: Nside, nested: u64) -> Result<u64, String> {
    let n = u64::from(u32::from(nside));
    Pixel::new(nside, nested).map_err(|error| error.to_string())?;
    Ok(Pixel::from_uniq(nested + 4 * n * n).index)
}

/// `run00136766.evt000007637140.GOLD_8_64.npz`, also with `-` between.
fn from_name(name: &str) -> Option<((u32, u32), String)> {
    let mut words = name.split(['.', '-', '_']);
    let run = words.next()?.strip_prefix("run")?.parse().ok()?;
    let event = words.next()?.strip_prefix("evt")?.parse().ok()?;
    Some(((run, event), words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::map::fitted;

    #[test]
    fn likelihoods_of_which_no_difference_is_left_are_refused() {
        let map = |llh| {
            let mut map = SkyMap::default();
            let nside = Nside::try_from(1).unwrap();
            map.insert(Pixel::new(nside, 3).unwrap(), fitted(llh));
            map
        };
        assert!(check(&map(-2e6)).is_ok());
        assert!(check(&map(1e308)).is_err() && check(&map(-1e16)).is_err());
    }
}
