//! The file of an ipc socket: libzmq makes it, leaves it behind, and makes it anew where another file
//! is, whatever that one holds.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::address::Address;

/// A bound socket's file, removed when dropped, unless another socket has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    /// The file that was made when this address was bound, if it is that of a file.
    pub(crate) fn bound_at(address: &Address) -> Option<Self> {
        let Address::Ipc { path } = address else {
            return None;
        };
        let path = PathBuf::from(path);
        let identity = identity(&path).ok()?;
        Some(Self { path, identity })
    }
}

/// Refuses an address whose file is there and no socket: binding it would delete that file.
pub(crate) fn check(address: &Address) -> io::Result<()> {
    let Address::Ipc { path } = address else {
        return Ok(());
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{path} is there already and is no socket"),
        )),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Somebody may have been faster.
            let _gone = fs::remove_file(&self.path);
        }
    }
}
