//! The folder that is watched.
//!
//! It is looked at a few times a second, which works on any file system. A file counts once its
//! size and its time of change are as they were a look ago; each version of it is brought once,
//! also over restarts. Whoever writes files slowly writes them under a name that begins with a dot
//! or ends with `.part` or `.tmp`, and renames them. Nothing in the folder is changed.

mod look;
mod memory;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use crate::doors::{Brought, Desk, MOST_EVENT_BYTES, Pace, Stop, Submission, Threads};
use crate::settings::{Priority, Settings};

use look::{Ripe, Version, View};
use memory::Memory;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A look at a large or slow folder takes at most one part in so many of the time.
const IDLE_PARTS: u32 = 10;
/// How soon an alert is brought again that could not be taken.
const AGAIN: Pace = Pace {
    first: Duration::from_secs(1),
    most: Duration::from_secs(60),
};

/// Watches a folder until it is dropped.
#[derive(Debug)]
pub struct WatchedFolder {
    _threads: Threads,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read.
    #[error("cannot watch {0}: {1}")]
    Folder(PathBuf, #[source] io::Error),
    /// What was brought already cannot be known.
    #[error("cannot keep in {0} which files were scanned: {1}")]
    Memory(PathBuf, #[source] rusqlite::Error),
    /// There is no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

impl WatchedFolder {
    /// Begins to watch. Which files were brought is kept in a table of the file.
    ///
    /// # Errors
    /// If the folder cannot be read now, or the file cannot be written.
    pub fn watch(folder: &Path, file: &Path, desk: Arc<dyn Desk>) -> Result<Self, FolderError> {
        std::fs::read_dir(folder).map_err(|e| FolderError::Folder(folder.to_owned(), e))?;
        let memory = Memory::open(file).map_err(|e| FolderError::Memory(file.to_owned(), e))?;
        let watching = Watching {
            folder: folder.to_owned(),
            view: View::default(),
            memory,
            desk,
            is_there: true,
        };
        let threads = Threads::default();
        let started = threads.start("watched folder", move |stop| watching.run(stop));
        started.map_err(FolderError::Thread)?;
        Ok(Self { _threads: threads })
    }
}

#[derive(Debug)]
struct Watching {
    folder: PathBuf,
    view: View,
    memory: Memory,
    desk: Arc<dyn Desk>,
    /// Whether the folder was there at the last look.
    is_there: bool,
}

impl Watching {
    fn run(mut self, stop: &Stop) {
        if let Err(error) = self.memory.forget_old(&self.folder) {
            tracing::warn!("old rows of the watched folder stay in its file: {error}");
        }
        loop {
            let begun = Instant::now();
            let ripe = self.look();
            let wait = LOOK_EVERY.max(IDLE_PARTS * begun.elapsed());
            for file in ripe {
                if stop.is_set() {
                    return;
                }
                self.take(file, stop);
            }
            if stop.wait(wait) {
                return;
            }
        }
    }

    fn look(&mut self) -> Vec<Ripe> {
        let looked = self.view.look(&self.folder);
        let folder = self.folder.display();
        match &looked {
            Ok(_) if !self.is_there => tracing::info!("{folder} is back and watched again"),
            Err(error) if self.is_there => {
                tracing::error!("{folder} cannot be read and is looked for until it can: {error}");
            }
            _ => {}
        }
        self.is_there = looked.is_ok();
        looked.unwrap_or_default()
    }

    /// Brings a file, unless it was brought already.
    fn take(&mut self, file: Ripe, stop: &Stop) {
        match self.memory.knows(&file) {
            Ok(true) => return self.view.brought(&file),
            Ok(false) => {}
            // To bring it twice does no harm.
            Err(error) => tracing::warn!("cannot look up which files were scanned: {error}"),
        }
        let name = file.name.display().to_string();
        let event = match read(&self.folder.join(&file.name), file.version) {
            Ok(Some(event)) => event,
            // It changes, or has gone.
            Ok(None) => return self.view.changed(&file),
            Err(error) => {
                if self.view.is_first_trouble(&file) {
                    tracing::warn!(file = %name.escape_debug(), "a file cannot be read: {error}; it is scanned once it can be");
                }
                return;
            }
        };
        let submission = Submission {
            event: Brought::Bytes(event),
            settings: Settings::default(),
            priority: Priority::Normal,
            from: format!("folder {name}"),
        };
        let Some(outcome) = super::bring(&*self.desk, &submission, AGAIN, stop) else {
            return;
        };
        let file_name = name.escape_debug();
        match &outcome {
            Ok(submitted) => {
                tracing::info!(file = %file_name, scan = submitted.scan.id.0, new = submitted.is_new, "a file has come")
            }
            Err(why) => tracing::warn!(
                file = %file_name,
                "a file cannot be scanned: {why}; it is left alone until it changes (`touch` it to have it tried again)"
            ),
        }
        if let Err(error) = self.memory.keep(&file, &outcome) {
            tracing::warn!(file = %file_name, "a file will be submitted again after a restart, which does no harm: {error}");
        }
        self.view.brought(&file);
    }
}

/// Reads a file, if it still is what it was. A link, or something else that somebody put in its
/// place, is not followed.
fn read(path: &Path, version: Version) -> io::Result<Option<Vec<u8>>> {
    if version.bytes > MOST_EVENT_BYTES as u64 {
        let most = MOST_EVENT_BYTES >> 20;
        let why = format!("it is longer than {most} MiB, which no alert is");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut open = OpenOptions::new();
    let opened = open.read(true).custom_flags(flags.bits()).open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // It was a file a moment ago.
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => {
            return Ok(None);
        }
        opened => opened?,
    };
    if !is(&file, version)? {
        return Ok(None);
    }
    let mut event = Vec::new();
    (&file).take(version.bytes + 1).read_to_end(&mut event)?;
    Ok((event.len() as u64 == version.bytes && is(&file, version)?).then_some(event))
}

fn is(file: &File, version: Version) -> io::Result<bool> {
    let metadata = file.metadata()?;
    Ok(metadata.is_file() && Version::of(&metadata) == version)
}
