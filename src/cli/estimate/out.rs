//! The folder of an estimate.

use std::path::{Path, PathBuf};

use crate::drawing;
use crate::estimate::answer::Answer;
use crate::estimate::charts;
use crate::output::OutputError;
use crate::output::file::{try_folder, write_atomically};

/// About the room that the files take.
const OUT_BYTES: usize = 1 << 20;

/// A folder that was tried. What was made of it is taken away again if nothing was written there.
#[derive(Debug)]
pub(super) struct Out<'a> {
    path: &'a Path,
    /// What was not there before, the innermost folder first.
    made: Vec<PathBuf>,
}

impl<'a> Out<'a> {
    /// Makes it if it is missing.
    ///
    /// # Errors
    /// If nobody may write there, or it has no room.
    pub(super) fn tried(path: &'a Path) -> Result<Self, OutputError> {
        let missing = path.ancestors().take_while(|folder| !folder.exists());
        let out = Self {
            path,
            made: missing.map(Path::to_path_buf).collect(),
        };
        try_folder(path, OUT_BYTES)?;
        Ok(out)
    }

    /// Writes the answer, as it is and drawn, and the fleets; says how many files that are.
    ///
    /// # Errors
    /// If one cannot be drawn or written.
    pub(super) fn write(
        &self,
        answer: &Answer,
        json: &str,
        scenarios: &[(&str, String)],
    ) -> Result<usize, OutputError> {
        let mut files: Vec<(String, Vec<u8>)> = vec![("estimate.json".to_owned(), json.into())];
        for (name, text) in scenarios {
            files.push((format!("{name}.toml"), text.clone().into_bytes()));
        }
        for (name, figure) in charts::all(answer) {
            let (png, svg) = (format!("{name}.png"), format!("{name}.svg"));
            let drawn = |name: &str| {
                let path = self.path.join(name);
                move |source| OutputError::Draw { path, source }
            };
            let bytes = drawing::png(&figure).map_err(drawn(&png))?;
            let shapes = drawing::svg(&figure).map_err(drawn(&svg))?;
            files.extend([(png, bytes), (svg, shapes.into_bytes())]);
        }
        for (name, bytes) in &files {
            write_atomically(self.path, name, |file| file.write_all(bytes))?;
        }
        Ok(files.len())
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        for folder in &self.made {
            // One that has something in it stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_nothing_is_written_to_is_not_left() {
        let top = std::env::temp_dir().join(format!("skyscan-estimate-out-{}", std::process::id()));
        let inner = top.join("inner");
        let out = Out::tried(&inner).unwrap();
        assert!(inner.exists());
        drop(out);
        assert!(!top.exists());
        let out = Out::tried(&inner).unwrap();
        std::fs::write(inner.join("estimate.json"), "{}").unwrap();
        drop(out);
        assert!(inner.join("estimate.json").exists());
        std::fs::remove_dir_all(top).unwrap();
    }
}
