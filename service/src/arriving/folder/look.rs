//! What is in the folder, look after look.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Files that were brought are asked for their size and time of change in turn, about so many a look.
const ASKED_A_LOOK: usize = 1000;
/// Ends of the names of files that are being written.
const UNFINISHED: [&[u8]; 2] = [b".part", b".tmp"];

/// What changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) bytes: u64,
    pub(super) changed_ns: i64,
}

impl Version {
    pub(super) fn of(metadata: &Metadata) -> Self {
        // The time that nobody can set: whoever copies a file with the other's time, or renames it over that one,
        // changes it, too.
        let seconds = metadata.ctime().saturating_mul(1_000_000_000);
        Self {
            bytes: metadata.len(),
            changed_ns: seconds.saturating_add(metadata.ctime_nsec()),
        }
    }
}

/// A file that stood still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ripe {
    pub(super) name: OsString,
    pub(super) version: Version,
}

/// The folder as it was at the last look.
#[derive(Debug, Default)]
pub(super) struct View {
    files: HashMap<OsString, Seen>,
    n_looks: usize,
    n_brought: usize,
}

#[derive(Debug)]
struct Seen {
    version: Version,
    /// Number of the look that it was there at.
    look: usize,
    /// At which looks it is asked for its version, if that was brought.
    turn: Option<usize>,
    is_troublesome: bool,
}

impl View {
    /// Looks again; returns the files that are as they were at the last look and have not been
    /// brought, those that changed first in front.
    pub(super) fn look(&mut self, folder: &Path) -> io::Result<Vec<Ripe>> {
        self.n_looks += 1;
        let n_turns = 1 + self.n_brought / ASKED_A_LOOK;
        let mut ripe = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_left_alone(&name) {
                continue;
            }
            if let Some(seen) = self.files.get_mut(&name)
                && let Some(turn) = seen.turn
                && turn % n_turns != self.n_looks % n_turns
            {
                seen.look = self.n_looks;
                continue;
            }
            let Some(version) = version(&entry)? else {
                continue;
            };
            if let Some(seen) = self.files.get_mut(&name) {
                seen.look = self.n_looks;
                if seen.version != version {
                    self.n_brought -= usize::from(seen.turn.is_some());
                    *seen = Seen::first(version, self.n_looks);
                } else if seen.turn.is_none() {
                    ripe.push(Ripe { name, version });
                }
            } else {
                let seen = Seen::first(version, self.n_looks);
                self.files.insert(name, seen);
            }
        }
        self.files.retain(|_, seen| {
            let is_there = seen.look == self.n_looks;
            self.n_brought -= usize::from(!is_there && seen.turn.is_some());
            is_there
        });
        ripe.sort_by(|a, b| {
            let times = a.version.changed_ns.cmp(&b.version.changed_ns);
            times.then_with(|| a.name.cmp(&b.name))
        });
        Ok(ripe)
    }

    /// This version needs not be looked at again.
    pub(super) fn brought(&mut self, file: &Ripe) {
        let seen = self.files.get_mut(&file.name);
        if let Some(seen) = seen.filter(|seen| seen.version == file.version && seen.turn.is_none())
        {
            seen.turn = Some(self.n_brought);
            self.n_brought += 1;
        }
    }

    /// It has to stand still again.
    pub(super) fn changed(&mut self, file: &Ripe) {
        self.files.remove(&file.name);
    }

    /// Whether there was no trouble with this version yet; there is now.
    pub(super) fn is_first_trouble(&mut self, file: &Ripe) -> bool {
        let seen = self.files.get_mut(&file.name);
        seen.is_some_and(|seen| !std::mem::replace(&mut seen.is_troublesome, true))
    }
}

impl Seen {
    fn first(version: Version, look: usize) -> Self {
        Self {
            version,
            look,
            turn: None,
            is_troublesome: false,
        }
    }
}

fn is_left_alone(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") || UNFINISHED.iter().any(|end| name.ends_with(end))
}

/// The version of an entry; none if it is no file, or has gone.
fn version(entry: &DirEntry) -> io::Result<Option<Version>> {
    // Neither follows a link.
    let asked = entry.file_type().and_then(|kind| {
        let metadata = kind.is_file().then(|| entry.metadata());
        metadata.transpose()
    });
    match asked {
        Ok(metadata) => Ok(metadata.map(|metadata| Version::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
