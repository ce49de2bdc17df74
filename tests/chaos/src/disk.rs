//! A small disk that can be filled up.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

/// A file system of its own in memory where that may be mounted, an ordinary folder else.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) folder: PathBuf,
    is_mounted: bool,
}

impl Disk {
    pub(crate) fn at(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "skyscan-chaos"]);
        // Only root may, and not in every container.
        let output = mount.arg(folder).output();
        Ok(Self {
            folder: folder.to_path_buf(),
            is_mounted: output.is_ok_and(|output| output.status.success()),
        })
    }

    pub(crate) fn can_be_full(&self) -> bool {
        self.is_mounted
    }

    /// Until nothing fits any more.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.ballast())?;
        while file.write_all(&[1; 4096]).is_ok() {}
        Ok(())
    }

    pub(crate) fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // What still uses it keeps it until its end.
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(&self.folder)
                .status();
        }
    }
}
