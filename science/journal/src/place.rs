//! Where journals are: their names, and the unfinished ones of a folder.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::file::is_named_so;
use super::verified::read;

/// What stands at the beginning of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether a file is a journal by its beginning, or by its name.
pub fn is_journal(path: &Path) -> bool {
    let mut begins = [0; MAGIC.len()];
    let read = fs::metadata(path)
        // A pipe would lose what is read of it.
        .and_then(|metadata| match metadata.is_file() {
            true => fs::File::open(path)?.read_exact(&mut begins),
            false => Ok(()),
        });
    is_named_so(path) || (read.is_ok() && begins == *MAGIC)
}

/// Journals that a path leads to.
#[derive(Debug)]
pub struct Found {
    /// Of scans that are not finished, or that cannot be read; or the only one.
    pub unfinished: Vec<PathBuf>,
    /// Of finished scans.
    pub finished: Vec<PathBuf>,
}

/// The journals of a folder and of the folders in it. If there is one only, or a file is named, nobody
/// has looked whether it is finished.
///
/// # Errors
/// If the folder cannot be read.
pub fn at(path: &Path) -> Result<Found, JournalError> {
    let io = |source| JournalError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut found = Found {
        unfinished: Vec::new(),
        finished: Vec::new(),
    };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        found.unfinished.push(path.to_path_buf());
        return Ok(found);
    }
    let mut journals = Vec::new();
    for entry in entries(path).map_err(io)? {
        if entry.is_dir() {
            // One that may not be read holds none of ours.
            let inner = entries(&entry).unwrap_or_default();
            journals.extend(inner.into_iter().filter(|path| is_named_so(path)));
        } else if is_named_so(&entry) {
            journals.push(entry);
        }
    }
    journals.sort();
    if journals.len() == 1 {
        found.unfinished = journals;
        return Ok(found);
    }
    for journal in journals {
        match read(&journal) {
            Ok(contents) if contents.is_finished => found.finished.push(journal),
            // Whoever wants to go on with one that is damaged is told so.
            Ok(_) | Err(_) => found.unfinished.push(journal),
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}
