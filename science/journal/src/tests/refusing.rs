//! What is refused, and why.

use std::sync::Arc;

use rusqlite::Connection;

use super::fixture::*;
use crate::*;
use skyscan_sky::region::{RegionChoice, RegionMethod};

fn finished(name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let dir = folder(name);
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let record = Record::start(Journal::create(&path, &asked()).unwrap(), "test:").unwrap();
    for number in 0..5 {
        let rows = rows(nside(8), 10 * number..10 * number + 10);
        record.put(Note::Results(desk.results(number, rows)));
    }
    end(record, true).unwrap();
    (dir, path)
}

/// What somebody does to the file with SQLite itself.
fn changed(path: &std::path::Path, sql: &str) -> String {
    let copy = lock::beside(path, ".changed.scan.db");
    std::fs::copy(path, &copy).unwrap();
    Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
    let refusal = read(&copy).unwrap_err();
    let same = Journal::resume(&copy).unwrap_err();
    assert_eq!(refusal.to_string(), same.to_string());
    refusal.to_string()
}

#[test]
fn what_was_changed_is_refused_with_its_batch() {
    let (dir, path) = finished("changed");
    let batch_of_7 = "SELECT batch FROM pixels WHERE pixel = 7";
    let batch: i64 = Connection::open(&path)
        .unwrap()
        .query_row(batch_of_7, [], |row| row.get(0))
        .unwrap();
    for sql in [
        "UPDATE pixels SET llh = llh + 1e-13 WHERE pixel = 7",
        "UPDATE pixels SET energy_inside_gev = NULL WHERE pixel = 6",
        "DELETE FROM pixels WHERE pixel = 7",
        "UPDATE pixels SET pixel = 700 WHERE pixel = 7",
        "UPDATE pixels SET failed = 'x' WHERE pixel = 7",
    ] {
        let refusal = changed(&path, sql);
        assert!(
            refusal.contains(&format!("damaged in batch {batch} ")),
            "{refusal}"
        );
    }
    let last: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT max(batch) FROM batches", [], |row| row.get(0))
        .unwrap();
    for (sql, batch) in [
        ("UPDATE settings SET value = 5 WHERE name = 'fail_after'", 0),
        ("UPDATE event SET mjd = 60001.5", 0),
        ("UPDATE plan SET round = 16 WHERE step = 1", 0),
        ("DELETE FROM batches WHERE batch = 1", 1),
        ("UPDATE scanners SET pid = 1", 1),
        ("DELETE FROM batches", 0),
        // Rows that no batch vouches for.
        (
            "DELETE FROM batches WHERE batch = (SELECT max(batch) FROM batches)",
            last,
        ),
    ] {
        let refusal = changed(&path, sql);
        assert!(
            refusal.contains(&format!("damaged in batch {batch} ")),
            "{sql}: {refusal}"
        );
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn another_schema_and_other_numerics_are_refused_and_another_release_is_not() {
    let (dir, path) = finished("versions");
    let refusal = changed(
        &path,
        "PRAGMA user_version = 2; UPDATE journal SET schema = 2",
    );
    assert!(refusal.contains("tables of version 2"), "{refusal}");
    // A head that says something else than the table is no other version.
    for sql in ["PRAGMA user_version = 2", "PRAGMA application_id = 7"] {
        let refusal = changed(&path, sql);
        assert!(refusal.contains("the head of the file"), "{refusal}");
    }
    // As other releases would have written it, digests and all.
    for (column, value) in [("numerics", "99"), ("release", "'9.9.9'")] {
        let copy = dir.join("other.scan.db");
        std::fs::copy(&path, &copy).unwrap();
        let connection = Connection::open(&copy).unwrap();
        let sql = format!("UPDATE journal SET {column} = {value}");
        connection.execute_batch(&sql).unwrap();
        mend(&connection);
        drop(connection);
        match column {
            "numerics" => {
                let refusal = Journal::resume(&copy).unwrap_err().to_string();
                assert!(refusal.contains("numerics 99"), "{refusal}");
                assert_eq!(held(&copy), held(&path), "who only looks may");
            }
            _ => {
                let (_, contents) = Journal::resume(&copy).unwrap();
                assert_eq!(contents.release, "9.9.9");
                assert_eq!(*contents.atlas.nominal, held(&path));
            }
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// Digests alone do not make sense of a row.
#[test]
fn what_cannot_be_read_is_damage_though_its_digest_fits() {
    let (dir, path) = finished("senseless");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE pixels SET pixel = 4000 WHERE pixel = 7")
        .unwrap();
    mend(&connection);
    let last: i64 = connection
        .query_row("SELECT max(batch) FROM batches", [], |row| row.get(0))
        .unwrap();
    drop(connection);
    let refusal = read(&path).unwrap_err().to_string();
    let expected = format!("damaged in batch {last} ");
    assert!(
        refusal.contains(&expected) && refusal.contains("table pixels"),
        "{refusal}"
    );
    std::fs::remove_dir_all(dir).unwrap();
}

/// Gives every batch the digest of the rows that it has now.
fn mend(connection: &Connection) {
    let mut chain = batch::Chain::default();
    for (mark, table) in schema::TABLES.iter().enumerate() {
        chain.read(connection, mark, table, |_| Ok(())).unwrap();
    }
    let mut statement = connection
        .prepare("SELECT batch, epoch, at_ms FROM batches ORDER BY batch")
        .unwrap();
    let batches = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let batches: Vec<(i64, i64, i64)> = batches.unwrap().map(Result::unwrap).collect();
    let mut before = [0; 32];
    for (batch, epoch, at_ms) in batches {
        before = chain.seal(&before, batch, epoch, at_ms);
        let sql = "UPDATE batches SET sha256 = ? WHERE batch = ?";
        connection.execute(sql, (before.as_slice(), batch)).unwrap();
    }
}

#[test]
fn what_is_no_journal_is_called_so() {
    let dir = folder("foreign");
    let path = dir.join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE journal (a)")
        .unwrap();
    let refusal = read(&path).unwrap_err().to_string();
    assert!(refusal.contains("is no journal of a scan"), "{refusal}");
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(read(&path), Err(JournalError::Foreign(_))));
    assert!(matches!(read(&dir), Err(JournalError::Foreign(_))));
    assert!(matches!(
        read(&dir.join("nothing.scan.db")),
        Err(JournalError::Io { .. })
    ));
    std::fs::remove_dir_all(dir).unwrap();
}

/// Where locks are lost, such as with the file that holds them, the number of the Scanner fences.
#[test]
fn a_scanner_that_comes_back_after_another_took_over_is_refused() {
    let dir = folder("fenced");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut first = keeper(Journal::create(&path, &asked()).unwrap());
    first.put(desk.results(1, rows(nside(8), 0..20))).unwrap();
    std::fs::remove_file(lock::beside(&path, "-lock")).unwrap();
    let (second, contents) = Journal::resume(&path).unwrap();
    let second = second.unwrap();
    assert_eq!(contents.atlas.len(), 20);
    let refused = first
        .put(desk.results(2, rows(nside(8), 20..30)))
        .unwrap_err();
    assert!(matches!(refused, JournalError::Fenced { .. }), "{refused}");
    let owner = format!("process {} on ", std::process::id());
    assert!(refused.to_string().contains(&owner), "{refused}");
    let mut second = keeper(second);
    second.put(desk.results(3, rows(nside(8), 20..30))).unwrap();
    drop(first);
    // The lock of the second one is left alone.
    assert!(matches!(
        Journal::resume(&path),
        Err(JournalError::Held { .. })
    ));
    drop(second);
    assert_eq!(held(&path), map(&rows(nside(8), 0..30)));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn settings_that_differ_are_named() {
    let ours = asked();
    assert_eq!(ours.differences(&ours), [""; 0]);
    let mut other = ours.clone();
    other.problem.reco = "pandel-mpe".to_owned();
    other.plan =
        skyscan_scan::Plan::new(skyscan_scan::Strategy::Zoom, vec![nside(4)], 4.6).unwrap();
    assert_eq!(
        ours.differences(&other),
        ["reco: test, not pandel-mpe", "nside: 4,8, not 4"]
    );
    let other = Asked {
        plan: ours
            .plan
            .clone()
            .varying(skyscan_scan::Variations::Octahedron),
        ..ours.clone()
    };
    assert_eq!(
        ours.differences(&other),
        ["variations: point, not octahedron"]
    );
    let mut other = ours.clone();
    other.problem.event.pulses[0].time_ns += 1.0;
    assert_eq!(
        ours.differences(&other),
        ["event: another version of it, or other pulses"]
    );
    // Neither changes a map that is complete.
    let other = Asked {
        files_beside: false,
        ..ours.clone()
    };
    assert_eq!(ours.differences(&other), [""; 0]);
    let share = |share: f64, level: f64| Asked {
        regions: RegionChoice::new(RegionMethod::Wilks, vec![0.5, share]).unwrap(),
        plan: ours.plan.clone().enclosing(level),
        ..ours.clone()
    };
    assert_eq!(ours.differences(&share(0.68, ours.plan.level())), [""; 0]);
    assert_eq!(
        ours.differences(&share(0.99, 9.21)),
        ["levels: 0.5,0.9, not 0.5,0.99"]
    );
}
