//! The wall clock of a process, which can be made to jump.
//!
//! It needs `libfaketime`, which is loaded into the process and reads from a file how far its clock is off. The
//! monotonic clock goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Where distributions put the library, below `lib`.
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// A clock of one process, and of those that follow it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// A clock that is right; none where the library is not installed.
    pub(crate) fn right(offset: PathBuf) -> Result<Option<Self>> {
        let Some(library) = library() else {
            return Ok(None);
        };
        let clock = Self { library, offset };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// What a process has to be given so that it goes by this clock.
    pub(crate) fn environment(&self) -> [(&'static str, &Path); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.offset),
            ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
            // Seconds until the file is read again.
            ("FAKETIME_CACHE_DURATION", Path::new("1")),
        ]
    }

    /// So many seconds before or behind the right time from now on.
    pub(crate) fn set(&self, seconds: i64) -> Result<()> {
        // In one step: half a number would be another time.
        let next = self.offset.with_extension("next");
        fs::write(&next, format!("{seconds:+}"))?;
        Ok(fs::rename(next, &self.offset)?)
    }
}

/// Whether clocks can be made to jump here.
#[must_use]
pub fn can_jump() -> bool {
    library().is_some()
}

fn library() -> Option<PathBuf> {
    let below = ["/usr/lib", "/usr/lib64"].map(PathBuf::from);
    let of_machine = below[0].join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let places = [of_machine].into_iter().chain(below);
    places
        .map(|place| place.join(LIBRARY))
        .find(|library| library.exists())
}
