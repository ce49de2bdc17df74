//! A journal that somebody else takes: a scanner that comes back after another one went on, and a hand that removes it.

use libtest_mimic::Failed;
use skyscan_free_ports::{free_port, free_ports};

use super::run::{Running, Site, map_of, result, undisturbed};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "a_scanner_that_comes_back_is_refused_with_all_that_its_workers_bring",
            fenced,
        ),
        (
            "a_journal_that_is_removed_while_it_is_written_is_missed",
            removed,
        ),
    ]
}

/// A scanner at this place whom nobody has come to.
fn alone_at(site: &Site, place: &str) -> Result<Running, Failed> {
    let mut command = site.scan();
    command.args(["--workers", "0", "--transport", place]);
    let scanner = Running::start(command)?;
    scanner.wait_for("no worker has come")?;
    Ok(scanner)
}

/// SQLite goes on writing to what has no name any more.
fn removed() -> Result<(), Failed> {
    let place = format!("zmq://127.0.0.1:{}", free_port()?);
    let site = Site::new("journal-removed")?;
    let (expected, _) = undisturbed(&site)?;
    let scanner = alone_at(&site, &place)?;
    let journal = site.journal()?;
    std::fs::remove_file(&journal)?;
    let _worker = Running::start(site.worker(&place))?;
    let output = scanner.finish()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let gone = format!("{} is gone", journal.display());
    assert!(told.contains(&gone), "{told}");
    let scan = result(&output)?;
    let files = scan["files"].to_string();
    assert!(!files.contains("scan.db"), "{files}");
    assert_eq!(map_of(&scan)?, expected);
    Ok(())
}

/// It is stopped as by a machine that sleeps, and its lock is lost as on a network file system.
fn fenced() -> Result<(), Failed> {
    let ports = free_ports::<2>()?;
    let [first_place, second_place] = ports.map(|port| format!("zmq://127.0.0.1:{port}"));
    let site = Site::new("journal-fenced")?;
    let (expected, _) = undisturbed(&site)?;
    let first = alone_at(&site, &first_place)?;
    first.signal("STOP")?;
    let mut lock = site.journal()?.into_os_string();
    lock.push("-lock");
    std::fs::remove_file(lock)?;
    // The workers of the first one are at work for it while the second one waits.
    let workers = [&first_place, &second_place].map(|place| Running::start(site.worker(place)));
    let [_first_worker, second_worker] = workers;
    let second_worker = second_worker?;
    second_worker.signal("STOP")?;
    let second = alone_at(&site, &second_place)?;
    first.signal("CONT")?;
    let refused = first.wait_for("results are refused")?;
    assert!(refused.contains("has taken"), "{refused}");
    let output = first.finish()?;
    assert_eq!(output.status.code(), Some(1));
    second_worker.signal("CONT")?;
    let scan = result(&second.finish()?)?;
    assert_eq!(map_of(&scan)?, expected);
    Ok(())
}
