//! A folder that files are put into, one after the other: one that cannot be written is named, and
//! the others are written all the same.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::drawing::{self, DrawingError, Figure};
use crate::{OutputError, file};

/// What became of files.
#[derive(Debug, Default)]
pub struct Written {
    /// Those that are there, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// Why the others are not.
    pub failed: Vec<OutputError>,
    /// Why there is no draft of a notice, if that is no fault.
    pub withheld: Option<Withheld>,
}

/// Why a draft of a notice is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// A region is open.
    Open,
    /// This doubt forbids to send the direction.
    Forbidden(&'static str),
}

impl Display for Withheld {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("the region is open: see --draft-open"),
            Self::Forbidden(doubt) => {
                write!(f, "{}: nothing to be sent", doubt.replace('_', " "))
            }
        }
    }
}

/// A file that could not be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedFile {
    /// Which one; the folder, if that cannot be used.
    pub path: PathBuf,
    /// What the system said.
    pub error: String,
}

impl From<&OutputError> for FailedFile {
    fn from(failed: &OutputError) -> Self {
        let (path, error): (_, &dyn std::error::Error) = match failed {
            OutputError::Folder { path, source } | OutputError::Write { path, source } => {
                (path, source)
            }
            OutputError::Draw { path, source } => (path, source),
        };
        Self {
            path: path.clone(),
            error: error.to_string(),
        }
    }
}

impl Written {
    /// Adds what became of further files.
    pub fn extend(&mut self, further: Self) {
        self.files.extend(further.files);
        self.failed.extend(further.failed);
        self.withheld = self.withheld.or(further.withheld);
    }
}

/// A folder that is being filled.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    dir: &'a Path,
    pub(crate) written: Written,
}

impl<'a> Shelf<'a> {
    /// Makes the folder if it is missing.
    ///
    /// # Errors
    /// If it cannot be used; then there is nothing but that to tell.
    pub(crate) fn in_folder(dir: &'a Path) -> Result<Self, Written> {
        match file::make_folder(dir) {
            Ok(()) => Ok(Self {
                dir,
                written: Written::default(),
            }),
            Err(error) => Err(Written {
                failed: vec![error],
                ..Written::default()
            }),
        }
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn put(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) {
        match file::write_atomically(self.dir, name, content) {
            Ok(path) => self.written.files.push(path),
            Err(error) => self.written.failed.push(error),
        }
    }

    /// Draws a figure as PNG and as SVG.
    pub(crate) fn put_figure(&mut self, stem: &str, figure: &Figure) {
        let svg = |figure: &Figure| drawing::svg(figure).map(String::into_bytes);
        self.put_drawn(&format!("{stem}.png"), drawing::png(figure));
        self.put_drawn(&format!("{stem}.svg"), svg(figure));
    }

    fn put_drawn(&mut self, name: &str, drawn: Result<Vec<u8>, DrawingError>) {
        match drawn {
            Ok(bytes) => self.put(name, |out| out.write_all(&bytes)),
            Err(source) => self.written.failed.push(OutputError::Draw {
                path: self.dir.join(name),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_that_fails_does_not_keep_the_others_away() {
        let dir = std::env::temp_dir().join(format!("skyscan-shelf-{}", std::process::id()));
        let mut shelf = Shelf::in_folder(&dir).unwrap();
        shelf.put("first", |out| out.write_all(b"1"));
        shelf.put("full", |_| Err(io::ErrorKind::StorageFull.into()));
        shelf.put("last", |out| out.write_all(b"3"));
        let Written { files, failed, .. } = shelf.written;
        assert_eq!(files, [dir.join("first"), dir.join("last")]);
        let failed: Vec<FailedFile> = failed.iter().map(Into::into).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].path, dir.join("full"));
        assert_eq!(failed[0].error, "no storage space");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_once() {
        let dir = std::env::temp_dir().join(format!("skyscan-no-shelf-{}", std::process::id()));
        std::fs::write(&dir, "mine").unwrap();
        let written = Shelf::in_folder(&dir).err().unwrap();
        assert_eq!((written.files.len(), written.failed.len()), (0, 1));
        std::fs::remove_file(dir).unwrap();
    }
}
