//! What is put in comes out, bit by bit, and receipts wait for it.

use std::sync::Arc;

use rusqlite::Connection;

use super::fixture::*;
use crate::*;
use skyscan_scan::plan::Disc;
use skyscan_scan::{Atlas, Plan, Strategy, Variations};
use skyscan_sky::Equatorial;

#[test]
fn a_journal_gives_back_what_was_asked_and_every_bit_that_was_put_in() {
    let dir = folder("keeps");
    let path = dir.join("a.scan.db");
    let asked = Asked {
        plan: asked().plan.varying(Variations::Cylinder),
        ..asked()
    };
    let journal = Journal::create(&path, &asked).unwrap();
    assert_eq!(journal.first_task(), 1 << 40);
    let desk = Arc::new(Desk::default());
    let record = Record::start(journal, "test:").unwrap();
    // Not in the order of the key, and in two rounds.
    let mut rows = rows(nside(8), (0..300).rev());
    rows.extend(super::fixture::rows(nside(4), 5..90));
    for (number, chunk) in rows.chunks(7).enumerate() {
        record.put(Note::Wave(nside(8), chunk.len()));
        record.put(Note::Results(desk.results(number as u64, chunk.to_vec())));
    }
    end(record, true).unwrap();
    let n_batches = rows.len().div_ceil(7);
    assert_eq!(desk.confirmed.lock().unwrap().len(), n_batches);
    assert!(desk.returned.lock().unwrap().is_empty());
    let contents = read(&path).unwrap();
    assert_eq!(contents.asked, asked);
    assert_eq!(*contents.atlas.nominal, map(&rows));
    // Equality takes -0.0 for 0.0; the hash does not.
    assert_eq!(contents.atlas.nominal.sha256_hex(), map(&rows).sha256_hex());
    assert!(contents.is_finished);
    assert_eq!((contents.counts.accepted, contents.counts.lost), (300, 23));
    assert_eq!(contents.busy_seconds, 0.25 * rows.len() as f64);
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().collect();
    assert_eq!(left.len(), 1, "one file that can be moved: {left:?}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn every_way_to_search_is_asked_again_as_it_was() {
    let dir = folder("strategies");
    let path = dir.join("a.scan.db");
    let disc = Disc {
        center: Equatorial {
            ra_rad: 1.25,
            dec_rad: -0.5,
        },
        radius_rad: 0.125,
    };
    for within in [None, Some(disc)] {
        let plan = Plan::new(Strategy::Direct { within }, vec![nside(8)], 4.6);
        let asked = Asked {
            plan: plan.unwrap(),
            ..asked()
        };
        let journal = Journal::create(&path, &asked).unwrap();
        assert_eq!(read(&path).unwrap().asked, asked);
        journal.discard().unwrap();
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// Who watches a scan with SQLite sees who has it before the first result.
#[test]
fn a_scanner_enters_itself_at_once() {
    let dir = folder("enters");
    let path = dir.join("a.scan.db");
    let record = Record::start(Journal::create(&path, &asked()).unwrap(), "test:").unwrap();
    let connection = Connection::open(&path).unwrap();
    let n_begun = || -> i64 {
        let count = "SELECT count(*) FROM times WHERE note = 'test:'";
        connection.query_row(count, [], |row| row.get(0)).unwrap()
    };
    let begun = std::time::Instant::now();
    while n_begun() == 0 {
        assert!(begun.elapsed().as_secs() < 20, "nobody entered");
        std::thread::yield_now();
    }
    end(record, false).unwrap();
    assert_eq!(n_begun(), 1);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn who_goes_on_counts_on() {
    let dir = folder("counts-on");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    drop(Journal::create(&path, &asked()).unwrap());
    for number in 0..3 {
        let record = Record::start(Journal::resume(&path).unwrap().0.unwrap(), "test:").unwrap();
        record.put(Note::Wave(nside(4), 10));
        let attempts = [(1, "duplicate"), (2, "failed"), (9, "not begun")];
        record.put(Note::Results(Results {
            attempts: attempts.map(|(n, became)| attempt(n, became)).to_vec(),
            failures: vec![failure(); 2],
            ..desk.results(number, Vec::new())
        }));
        end(record, false).unwrap();
    }
    let contents = read(&path).unwrap();
    assert_eq!(contents.n_waves, 3);
    let counts = contents.counts;
    assert_eq!((counts.duplicate, counts.failed, counts.lost), (3, 3, 27));
    let connection = Connection::open(&path).unwrap();
    let ask = |question: &str| -> i64 {
        let answer = connection.query_row(question, [], |row| row.get(0));
        answer.unwrap()
    };
    assert_eq!(ask("SELECT max(wave) FROM rounds"), 2);
    let numbers =
        "SELECT id FROM times UNION SELECT id FROM attempts UNION SELECT id FROM failures";
    let n_missing = format!("SELECT max(id) - min(id) + 1 - count(*) FROM ({numbers})");
    assert_eq!(ask(&n_missing), 0, "numbers have no gaps");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn who_goes_on_has_all_that_was_confirmed_and_a_number_of_its_own() {
    let dir = folder("goes-on");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut rows: Vec<PixelRow> = Vec::new();
    for epoch in 1..5_u64 {
        let (journal, known) = match epoch {
            1 => (Journal::create(&path, &asked()).unwrap(), Atlas::default()),
            _ => {
                let (journal, contents) = Journal::resume(&path).unwrap();
                assert!(!contents.is_finished);
                (journal.unwrap(), contents.atlas)
            }
        };
        assert_eq!(known, map(&rows).into());
        assert_eq!(journal.first_task(), epoch << 40);
        let record = Record::start(journal, "test:").unwrap();
        let more = super::fixture::rows(nside(8), 10 * epoch..10 * epoch + 10);
        rows.extend(more.clone());
        record.put(Note::Results(desk.results(epoch, more)));
        end(record, false).unwrap();
    }
    std::fs::remove_dir_all(dir).unwrap();
}

/// While a scan writes, others may look.
#[test]
fn a_journal_can_be_read_while_it_is_written() {
    let dir = folder("read");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut keeper = keeper(Journal::create(&path, &asked()).unwrap());
    assert!(held(&path).is_empty());
    keeper.put(desk.results(1, rows(nside(8), 0..20))).unwrap();
    assert_eq!(held(&path), map(&rows(nside(8), 0..20)));
    assert!(matches!(
        Journal::resume(&path),
        Err(JournalError::Held { .. })
    ));
    drop(keeper);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn one_pixel_is_never_accepted_twice() {
    let dir = folder("twice");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut keeper = keeper(Journal::create(&path, &asked()).unwrap());
    keeper.put(desk.results(1, rows(nside(8), 0..20))).unwrap();
    assert!(keeper.put(desk.results(2, rows(nside(8), 19..25))).is_err());
    drop(keeper);
    assert_eq!(held(&path), map(&rows(nside(8), 0..20)));
    std::fs::remove_dir_all(dir).unwrap();
}

/// docs/journal.md shows how people ask a journal; each of its questions must have an answer.
#[test]
fn every_question_of_the_documentation_is_understood() {
    let dir = folder("documented");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let record = Record::start(Journal::create(&path, &asked()).unwrap(), "test:").unwrap();
    record.put(Note::Wave(nside(8), 40));
    record.put(Note::Results(desk.results(1, rows(nside(8), 0..40))));
    end(record, true).unwrap();
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/journal.md"
    ));
    let page = page.unwrap();
    let connection = Connection::open(&path).unwrap();
    let mut n_questions = 0;
    for block in page.split("```sql\n").skip(1) {
        for question in block.split("```").next().unwrap().split(';') {
            if question.trim().is_empty() {
                continue;
            }
            let mut statement = connection.prepare(question).unwrap();
            let mut answers = statement.query([]).unwrap();
            assert!(answers.next().unwrap().is_some(), "{question}");
            n_questions += 1;
        }
    }
    assert!(n_questions >= 5, "only {n_questions} questions");
    for table in schema::TABLES {
        let row = format!("| `{}` |", table.name);
        assert!(page.contains(&row), "no row {row}");
        for column in table.columns {
            assert!(page.contains(&format!("`{column}`")), "{column}");
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}
