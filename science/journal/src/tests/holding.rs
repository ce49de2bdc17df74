//! Who has a journal, and how it and its errors are told.

use rusqlite::{Connection, Error, ffi};

use super::fixture::*;
use crate::*;

#[test]
fn a_journal_is_held_while_somebody_writes_it_and_leaves_nothing_when_it_is_discarded() {
    let dir = folder("held");
    let path = dir.join("a.scan.db");
    let journal = Journal::create(&path, &asked()).unwrap();
    let held = refuse_held(&path).unwrap_err();
    assert!(matches!(held, JournalError::Held { .. }), "{held}");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let owner = format!("process {} on {} since ", std::process::id(), host.trim());
    assert!(held.to_string().contains(&owner), "{held}");
    journal.discard().unwrap();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    refuse_held(&path).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_cannot_be_removed_is_not_written_over() {
    let dir = folder("in-the-way");
    let path = dir.join("a.scan.db");
    let in_the_way = lock::beside(&path, "-part");
    std::fs::create_dir(&in_the_way).unwrap();
    let refusal = Journal::create(&path, &asked()).unwrap_err();
    assert!(matches!(refusal, JournalError::Io { .. }), "{refusal}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_name_alone_is_in_the_folder_where_one_is() {
    assert_eq!(folder_of(Path::new("a.scan.db")), Path::new("."));
    assert_eq!(folder_of(Path::new("b/a.scan.db")), Path::new("b"));
}

#[test]
fn a_journal_says_when_it_was_made() {
    let dir = folder("made");
    let path = dir.join("a.scan.db");
    drop(Journal::create(&path, &asked()).unwrap());
    let made_ms: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT made_ms FROM journal", [], |row| row.get(0))
        .unwrap();
    // November 2023, when this was long begun; the year 2100.
    assert!((1_700_000_000_000..4_102_444_800_000).contains(&made_ms));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_is_asked_the_same_has_the_same_digest() {
    let (ours, same) = (asked(), asked());
    assert_eq!(ours.sha256_hex(), same.sha256_hex());
    assert_eq!(ours.sha256_hex().len(), 64);
    let elsewhere = Asked {
        files_beside: false,
        ..asked()
    };
    assert_eq!(ours.sha256_hex(), elsewhere.sha256_hex());
    let patient = Asked {
        fail_after: 7.try_into().unwrap(),
        ..asked()
    };
    assert_ne!(ours.sha256_hex(), patient.sha256_hex());
    let mut later = asked();
    later.problem.event.pulses[0].time_ns += 1.0;
    assert_ne!(ours.sha256_hex(), later.sha256_hex());
}

#[test]
fn rubbish_with_the_name_of_a_journal_is_a_damaged_one() {
    let dir = folder("rubbish");
    for (name, is_damaged) in [("a.scan.db", true), ("a.db", false)] {
        let path = dir.join(name);
        std::fs::write(&path, "rubbish").unwrap();
        let refusal = read(&path).unwrap_err();
        assert_eq!(matches!(refusal, JournalError::Damaged { .. }), is_damaged);
        assert!(refusal.is_for_good(), "{refusal}");
        // A database, and none of ours.
        std::fs::remove_file(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE journal (a)").unwrap();
        let refusal = read(&path).unwrap_err();
        assert_eq!(matches!(refusal, JournalError::Damaged { .. }), is_damaged);
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_may_pass_says_what_to_do_and_is_not_for_good() {
    for (code, todo) in [
        (ffi::SQLITE_FULL, "make room there"),
        (ffi::SQLITE_READONLY, "make its folder writable again"),
        (ffi::SQLITE_PERM, "make its folder writable again"),
        (ffi::SQLITE_CANTOPEN, "make its folder writable again"),
        (ffi::SQLITE_BUSY, "end the program that writes to it"),
        (ffi::SQLITE_LOCKED, "end the program that writes to it"),
        (ffi::SQLITE_IOERR, "look at its disk"),
    ] {
        // As it is told where a journal is opened, too.
        let source = Error::SqliteFailure(ffi::Error::new(code), None);
        let said = source.to_string();
        let error = JournalError::of(Path::new("a.scan.db"), source);
        assert!(error.may_pass() && !error.is_for_good(), "{error}");
        assert_eq!(error.advice(), format!("{said}: {todo}"));
        let told = format!("cannot use the journal a.scan.db ({todo})");
        assert_eq!(error.to_string(), told);
    }
    let gone = JournalError::Io {
        path: "a.scan.db".into(),
        source: std::io::ErrorKind::NotFound.into(),
    };
    assert!(gone.may_pass() && !gone.is_for_good(), "{gone}");
    let corrupt = Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None);
    let error = JournalError::of(Path::new("a.scan.db"), corrupt);
    assert!(error.is_for_good() && !error.may_pass(), "{error}");
}
