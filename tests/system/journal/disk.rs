//! Disks that are full, or read-only, in the middle of a scan, and are mended.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use skyscan_free_ports::free_ports;

use super::run::{Running, Site, map_of, result, undisturbed};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![("a_file_that_may_not_grow_pauses_a_scan", limit)]
}

pub(super) fn mounted_checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_full_disk_pauses_a_scan_until_there_is_room", full),
        (
            "a_read_only_journal_pauses_a_scan_until_it_is_writable",
            read_only,
        ),
    ]
}

/// Breaks the disk in the middle, while the worker holds still, waits for the scanner to say so, and mends it.
fn mended(
    site: &Site,
    breaks: impl FnOnce(&Running) -> Result<(), Failed>,
    mends: impl FnOnce(&Running) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (expected, _) = undisturbed(site)?;
    let [port] = free_ports::<1>()?;
    let place = format!("zmq://127.0.0.1:{port}");
    let mut scan = site.scan();
    scan.args(["--workers", "0", "--transport", &place]);
    let scan = Running::start(scan)?;
    let worker = Running::start(site.worker(&place))?;
    scan.wait_for_evaluated(site, 40)?;
    worker.signal("STOP")?;
    breaks(&scan)?;
    worker.signal("CONT")?;
    let paused = scan.wait_for("the scan pauses")?;
    assert!(paused.contains(".scan.db cannot be written"), "{paused}");
    mends(&scan)?;
    scan.wait_for("the scan goes on")?;
    let scanned = result(&scan.finish()?)?;
    drop(worker);
    assert_eq!(map_of(&scanned)?, expected);
    assert_eq!(scanned["complete"], true);
    Ok(())
}

/// The same as a full disk to SQLite, without any right.
fn limit() -> Result<(), Failed> {
    let site = Site::finer("journal-limit")?;
    let limit = |scan: &Running, bytes: &str| {
        let pid = scan.pid().to_string();
        let set = format!("--fsize={bytes}:unlimited");
        ran(Command::new("prlimit").args(["--pid", &pid, &set]))
    };
    mended(
        &site,
        |scan| limit(scan, "8192"),
        |scan| limit(scan, "unlimited"),
    )
}

fn full() -> Result<(), Failed> {
    let site = Site::finer("journal-full")?;
    let mounted = Mounted::at(&site.out)?;
    let ballast = site.out.join("ballast");
    let fill = |_: &Running| {
        let mut file = std::fs::File::create(&ballast)?;
        // Until nothing fits any more.
        while file.write_all(&[1; 4096]).is_ok() {}
        Ok(())
    };
    mended(&site, fill, |_| Ok(std::fs::remove_file(&ballast)?))?;
    drop(mounted);
    Ok(())
}

fn read_only() -> Result<(), Failed> {
    let site = Site::finer("journal-read-only")?;
    let chattr = |how: &str| {
        let mut command = Command::new("chattr");
        command.arg(how);
        let journal = site.journal()?;
        let log = format!("{}-wal", journal.display());
        ran(command.arg(&journal).arg(log))
    };
    let mended = mended(&site, |_| chattr("+i"), |_| chattr("-i"));
    // Whatever has become of it, it can be removed.
    let _ = chattr("-i");
    mended
}

/// A small file system, until it is dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn at(folder: &'a Path) -> Result<Self, Failed> {
        let mut mount = Command::new("mount");
        ran(mount
            .args(["-t", "tmpfs", "-o", "size=12m", "skyscan-test"])
            .arg(folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // What still uses it keeps it until its end.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn ran(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
