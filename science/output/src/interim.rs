//! What is known while a scan runs: in a folder of its own beside the files to come, replaced with
//! each new map and gone once these are there. After a crash it is what is left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{OutputError, ScanRecord, file, maps, polygons, result};
use skyscan_sky::probability::ProbabilityMap;

const FOLDER: &str = "interim";

/// Writes the map so far, its probabilities and regions into `dir/interim`; returns the paths.
///
/// # Errors
/// If a file cannot be written.
pub fn write(dir: &Path, scan: &ScanRecord<'_>) -> Result<Vec<PathBuf>, OutputError> {
    let dir = dir.join(FOLDER);
    file::make_folder(&dir)?;
    let named = |end: &str| format!("{}.{end}", scan.event.file_stem());
    let mut files = vec![file::write_atomically(
        &dir,
        &named("result.json"),
        |out| result::write(scan, out),
    )?];
    if let Some(map) = ProbabilityMap::of(scan.map) {
        files.push(file::write_atomically(
            &dir,
            &named("multiorder.fits"),
            |out| maps::write_multi_order(scan, &map, out),
        )?);
        files.push(file::write_atomically(
            &dir,
            &named("regions.geojson"),
            |out| polygons::write_geojson(scan, out),
        )?);
    }
    Ok(files)
}

/// Removes them: what they showed is superseded.
///
/// # Errors
/// If the folder is there and stays.
pub fn remove(dir: &Path) -> Result<(), OutputError> {
    let path = dir.join(FOLDER);
    match fs::remove_dir_all(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(OutputError::Write { path, source }),
    }
}
