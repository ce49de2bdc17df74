//! Journals that a path leads to.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::fixture::*;
use crate::*;

fn journal(path: &Path, is_finished: bool) -> PathBuf {
    let record = Record::start(Journal::create(path, &asked()).unwrap(), "test:").unwrap();
    end(record, is_finished).unwrap();
    path.to_path_buf()
}

#[test]
fn journals_of_a_folder_and_of_those_in_it_are_found_and_told_apart() {
    let dir = folder("finding");
    let inner = dir.join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(dir.join("notes.txt"), "none of ours").unwrap();
    std::fs::write(inner.join("map.fits"), "nor this").unwrap();
    assert!(at(&dir).unwrap().unfinished.is_empty());
    // The only one is not looked at, finished or not.
    let done = journal(&inner.join("done.scan.db"), true);
    let only = at(&dir).unwrap();
    assert_eq!(
        (&only.unfinished[..], &only.finished[..]),
        (&[done.clone()][..], &[][..])
    );
    let open = journal(&dir.join("open.scan.db"), false);
    let both = at(&dir).unwrap();
    assert_eq!(
        (both.unfinished, both.finished),
        (vec![open.clone()], vec![done])
    );
    // A file that is named is what is meant.
    assert_eq!(at(&open).unwrap().unfinished, [open]);
    assert!(matches!(
        at(&dir.join("nowhere")),
        Err(JournalError::Io { .. })
    ));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_journal_is_known_by_its_beginning_or_its_name() {
    let dir = folder("known");
    let database = dir.join("other.db");
    Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    let [text, short, named] = ["a.txt", "b.txt", "c.scan.db"].map(|name| dir.join(name));
    std::fs::write(&text, "a text that is longer than sixteen bytes").unwrap();
    std::fs::write(&short, "short").unwrap();
    std::fs::write(&named, "short").unwrap();
    let known = [&database, &text, &short, &named, &dir].map(|path| is_journal(path));
    assert_eq!(known, [true, false, false, true, false]);
    std::fs::remove_dir_all(dir).unwrap();
}
