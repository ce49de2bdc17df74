//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::OutputError;

/// Makes a folder, and those above it, unless it is there.
pub fn make_folder(dir: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(dir).map_err(|error| OutputError::Folder {
        path: dir.to_path_buf(),
        source: match dir.ancestors().find(|path| path.is_file()) {
            Some(file) => io::Error::new(
                error.kind(),
                format!("{} is a file: name a folder", file.display()),
            ),
            None => error,
        },
    })
}

/// Tries a folder before anything depends on it: makes it if it is missing, writes so many bytes into
/// it and takes them away again.
///
/// # Errors
/// If it cannot be made, or has no room, or nobody may write there.
pub fn try_folder(dir: &Path, bytes: usize) -> Result<(), OutputError> {
    make_folder(dir)?;
    let trial = dir.join(format!(".trial.{}.part", std::process::id()));
    let tried = File::create(&trial).and_then(|mut file| {
        let block = [0; 65_536];
        let mut left = bytes;
        while left > 0 {
            let some = left.min(block.len());
            file.write_all(&block[..some])?;
            left -= some;
        }
        file.sync_all()
    });
    // What is left of it where writing failed is no use to anybody.
    let removed = fs::remove_file(&trial);
    tried.and(removed).map_err(|source| OutputError::Write {
        path: dir.to_path_buf(),
        source,
    })
}

/// Writes `dir/name` through `content` under a temporary name and renames it when it is on disk,
/// so that no reader ever sees half a file. Memory stays bounded by what `content` holds.
pub fn write_atomically(
    dir: &Path,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf, OutputError> {
    let path = dir.join(name);
    let temporary = dir.join(format!(".{name}.{}.part", std::process::id()));
    let written = File::create(&temporary).and_then(|file| {
        let mut buffer = BufWriter::new(file);
        content(&mut buffer)?;
        let file = buffer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    });
    written.map_err(|source| {
        // The first error is the one to report; a leftover part file is harmless.
        let _ = fs::remove_file(&temporary);
        OutputError::Write {
            path: path.clone(),
            source,
        }
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("skyscan-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("the temporary folder is writable");
        dir
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_nothing_behind() {
        let dir = empty_folder("failed-write");
        write_atomically(&dir, "map.json", |out| out.write_all(b"old")).unwrap();
        let error = write_atomically(&dir, "map.json", |out| {
            out.write_all(b"new, but")?;
            Err(io::Error::other("the disk is on fire"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("map.json"), "{error}");
        assert_eq!(fs::read(dir.join("map.json")).unwrap(), b"old");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_folder_is_tried_without_a_trace() {
        let dir = empty_folder("tried").join("not/there");
        try_folder(&dir, 100_000).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        let file = dir.join("file");
        fs::write(&file, "mine").unwrap();
        let Err(OutputError::Folder { source, .. }) = try_folder(&file.join("below"), 1) else {
            panic!("a file is no folder");
        };
        assert_eq!(
            source.to_string(),
            format!("{} is a file: name a folder", file.display())
        );
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn names_the_path_when_the_folder_is_missing() {
        let dir = std::env::temp_dir().join("skyscan-no-such-folder");
        let error = write_atomically(&dir, "map.json", |_| Ok(())).unwrap_err();
        assert!(
            error.to_string().contains("skyscan-no-such-folder"),
            "{error}"
        );
    }
}
