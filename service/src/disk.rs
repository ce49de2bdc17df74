//! Files that are there whole or not at all, whenever the machine stops.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file for whoever may read its folder: after any crash it holds the old bytes or the new
/// ones.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    put(folder, name, bytes)?;
    sync_folder(folder)
}

/// The same, but that the old bytes may come back after a crash until the folder is synced.
pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    put_for(0o644, folder, name, bytes)
}

/// The same, for its owner alone.
pub(crate) fn write_secret(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    put_for(0o600, folder, name, bytes)?;
    sync_folder(folder)
}

fn put_for(mode: u32, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!(".{name}.new"));
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))
}

/// Makes what was named in a folder stay so.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// How many bytes there is room for.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let room = nix::sys::statvfs::statvfs(folder)?;
    Ok(room.blocks_available().saturating_mul(room.fragment_size()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.json", b"old").unwrap();
        write(folder.path(), "a.json", b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("a.json")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        write_secret(folder.path(), "token", b"words").unwrap();
        let mode = fs::metadata(folder.path().join("token")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_disk_has_room() {
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
    }
}
