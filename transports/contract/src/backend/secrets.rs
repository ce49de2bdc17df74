//! Files with secrets: what others can read is none.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use rustix::fs::{StatVfsMountFlags, statvfs};

/// The permissions of a file if others than its owner can read it, so that what is in it is no secret;
/// `None` if nobody can, or if it is mounted so that nobody could have made it stricter.
///
/// # Errors
/// If there is no such file.
pub fn exposed(path: &Path) -> io::Result<Option<u32>> {
    let mode = fs::metadata(path)?.mode() & 0o777;
    let is_exposed = mode & 0o077 != 0 && !is_read_only(path);
    Ok(is_exposed.then_some(mode))
}

/// Whether nothing can be written beside it: a secret as Kubernetes or Docker mount it. The system is asked
/// about the mount, since who may not write the file is told that first.
fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_told_with_its_permissions() {
        let path = std::env::temp_dir().join(format!("skyscan-exposed-{}", std::process::id()));
        fs::write(&path, "secret").unwrap();
        for (mode, told) in [
            (0o644, Some(0o644)),
            (0o640, Some(0o640)),
            (0o604, Some(0o604)),
            (0o600, None),
            (0o400, None),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposed(&path).unwrap(), told, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        assert!(exposed(&path).is_err());
    }
}
