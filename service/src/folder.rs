//! The folder of a scan: what there is of it that cannot be made again.
//!
//! Decision: A scan of the service is a folder, with a journal of its own (`docs/decisions.md`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::disk;
use crate::doors::Moment;
use crate::scan::{Scan, ScanName};

/// The scan as it stands, and what the desk remembers of it.
pub(crate) const SCAN: &str = "scan.json";
/// The hits of its event.
pub(crate) const HITS: &str = "hits.json";
/// Its map, once it has ended.
pub(crate) const MAP: &str = "map.json";
/// Its last contour, once it has ended.
pub(crate) const CONTOUR: &str = "contour.json";
/// What `skyscan scan --format json` prints, once it has ended.
pub(crate) const RESULT: &str = "result.json";

/// What `scan.json` holds: a [`Scan`], and more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What everybody is told.
    #[serde(flatten)]
    pub(crate) scan: Scan,
    /// The key of event and settings.
    pub(crate) key: String,
    /// Name of the event file.
    pub(crate) file: String,
    /// SHA-256 of its bytes, in hex; empty in records of earlier versions.
    #[serde(default)]
    pub(crate) file_sha256: String,
    /// What was told of it since it was begun.
    #[serde(default)]
    pub(crate) told: Vec<Moment>,
}

impl Record {
    /// The end that nobody was told of yet, if it has ended.
    pub(crate) fn owes(&self) -> Option<Moment> {
        Moment::of(self.scan.state).filter(|end| !self.told.contains(end))
    }
}

/// The folder of one scan.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Of this scan, below the folder of all.
    pub(crate) fn of(scans: &Path, id: &ScanName) -> Self {
        Self(scans.join(&id.0))
    }

    /// At this path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file in there is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether the event file is the one that was taken.
    pub(crate) fn has_event_of(&self, record: &Record) -> io::Result<bool> {
        let is_known = !record.file_sha256.is_empty();
        Ok(!is_known || digest::of_file(&self.file(&record.file))? == record.file_sha256)
    }

    /// Reads `scan.json`.
    pub(crate) fn read(&self) -> io::Result<Record> {
        self.read_json(SCAN)
    }

    /// Writes `scan.json`, so that it stays.
    pub(crate) fn write(&self, record: &Record) -> io::Result<()> {
        disk::write(&self.0, SCAN, &serde_json::to_vec(record)?)
    }

    /// The same, where it does no harm if a crash undoes it.
    pub(crate) fn put(&self, record: &Record) -> io::Result<()> {
        self.put_json(SCAN, record)
    }

    /// Makes what was put stay.
    pub(crate) fn sync(&self) -> io::Result<()> {
        disk::sync_folder(&self.0)
    }

    /// Reads a file of JSON.
    pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> io::Result<T> {
        serde_json::from_slice(&fs::read(self.file(name))?).map_err(io::Error::from)
    }

    /// Writes a file of JSON, which stays once the folder is synced.
    pub(crate) fn put_json<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        disk::put(&self.0, name, &serde_json::to_vec(value)?)
    }

    /// What tells whether `scan.json` has changed.
    pub(crate) fn stamp(&self) -> io::Result<String> {
        use std::os::unix::fs::MetadataExt;

        let file = fs::metadata(self.file(SCAN))?;
        Ok(format!(
            "{}.{:09}-{}-{}",
            file.mtime(),
            file.mtime_nsec(),
            file.size(),
            file.ino()
        ))
    }
}

/// Whether a word can be the name of a scan, which is the name of a folder, too.
pub(crate) fn is_scan_name(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=128).contains(&word.len()) && word.bytes().all(is_plain)
}

/// Whether a file of a scan's folder may be shown: no path, nothing hidden, no draft, and not what
/// SQLite holds beside a journal that is being written.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && c != '/' && c != '\\';
    (1..=255).contains(&name.len())
        && !name.starts_with('.')
        && name.chars().all(is_plain)
        && !name.ends_with("-wal")
        && !name.ends_with("-shm")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::doors::tests::scan;

    /// What `scan.json` of such a scan holds.
    pub(crate) fn record(id: &str) -> Record {
        Record {
            scan: scan(id),
            key: format!("key of {id}"),
            file: "event.dat".to_owned(),
            file_sha256: String::new(),
            told: vec![Moment::Preliminary],
        }
    }

    #[test]
    fn what_is_written_is_read_and_changes_the_stamp() {
        let scans = tempfile::tempdir().unwrap();
        let folder = Folder::of(scans.path(), &ScanName("a".to_owned()));
        fs::create_dir(folder.path()).unwrap();
        let mut written = record("a");
        written.scan.event.mjd = 59_015.123_456_789_01;
        folder.write(&written).unwrap();
        assert_eq!(folder.read().unwrap(), written);
        let stamp = folder.stamp().unwrap();
        folder.write(&written).unwrap();
        assert_ne!(folder.stamp().unwrap(), stamp);
    }

    #[test]
    fn a_scan_file_reads_as_a_scan() {
        let text = serde_json::to_string(&record("a")).unwrap();
        assert_eq!(serde_json::from_str::<Scan>(&text).unwrap(), scan("a"));
    }

    #[test]
    fn names_are_no_paths() {
        for name in ["..", "../a", "a/b", ".hidden", "", "a\\b", "a\nb", "x-wal"] {
            assert!(!is_file_name(name), "{name:?}");
            assert!(!is_scan_name(name) || name == "x-wal", "{name:?}");
        }
        assert!(is_file_name("run00138632.event000000031747601.fits"));
        assert!(is_scan_name("138632-31747601-0a1b2c3d"));
        assert!(!is_scan_name("A"));
    }
}
