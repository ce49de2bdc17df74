//! Who writes a journal: one process, which holds a lock of the system on a file beside it.
//!
//! The system gives the lock back however the process ends. The file says who has it, for those who
//! come second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{JournalError, now_ms};

/// Most bytes of a lock file that are shown.
const MOST_SHOWN: u64 = 300;

/// Who a process is, to others.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) host: String,
    said: String,
}

/// The lock of a journal, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    owner: Owner,
    file: File,
}

/// The file of this name and more.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Process, host and since when, as told to people.
pub(super) fn said(pid: i64, host: &str, since_ms: i64) -> String {
    let host = skyscan_event::names::clean(host, 100);
    format!("process {pid} on {host} since {}", utc(since_ms))
}

impl Lock {
    /// # Errors
    /// If another process has it, or the file cannot be made.
    pub(super) fn take(journal: &Path) -> Result<Self, JournalError> {
        let path = beside(journal, "-lock");
        let io = |source| JournalError::Io {
            path: journal.to_path_buf(),
            source,
        };
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut owner = String::new();
                    // What it says is for people only.
                    let _ = (&file).take(MOST_SHOWN).read_to_string(&mut owner);
                    return Err(JournalError::Held {
                        path: journal.to_path_buf(),
                        owner: skyscan_event::names::clean(owner.trim(), MOST_SHOWN as usize),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            // Whoever had it may have removed the file meanwhile: then the lock is on nothing.
            if !is_there(&path, &file) {
                continue;
            }
            let host = host();
            let owner = Owner {
                said: said(i64::from(std::process::id()), &host, now_ms()),
                host,
            };
            let mut tell = || {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", owner.said)
            };
            // Where the disk is full the lock holds all the same.
            let _ = tell();
            return Ok(Self { path, owner, file });
        }
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked; who has this one open finds out. Nobody else's is removed.
        if is_there(&self.path, &self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether an open file is still the one of this name.
fn is_there(path: &Path, file: &File) -> bool {
    let both = std::fs::metadata(path).and_then(|there| Ok((there, file.metadata()?)));
    both.is_ok_and(|(there, ours)| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "this host".to_owned(), |name| name.trim().to_owned())
}

/// `2026-11-29 01:02:03 UTC`, by the days of the proleptic Gregorian calendar.
fn utc(at_ms: i64) -> String {
    /// Later than this is no time.
    const LATEST_MS: i64 = 253_402_300_799_999;
    let at_ms = at_ms.clamp(0, LATEST_MS);
    let (days, second) = (
        at_ms.div_euclid(86_400_000),
        at_ms.rem_euclid(86_400_000) / 1000,
    );
    let (mut year, mut day) = (1970, days);
    let length = |year: i64| {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        (365 + i64::from(is_leap), is_leap)
    };
    while day >= length(year).0 {
        day -= length(year).0;
        year += 1;
    }
    let february = 28 + i64::from(length(year).1);
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!(
        "{year}-{month:02}-{:02} {:02}:{:02}:{:02} UTC",
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        // date -u -d @1709210096
        assert_eq!(utc(1_709_210_096_789), "2024-02-29 12:34:56 UTC");
        // A leap year, unlike 1900 and 2100.
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00:00 UTC");
        // date -u -d @1795915023
        assert_eq!(utc(1_795_915_023_000), "2026-11-29 01:17:03 UTC");
    }
}
