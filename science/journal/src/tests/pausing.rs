//! A disk that takes nothing for a while.

use std::sync::Arc;
use std::time::Duration;

use super::fixture::*;
use crate::*;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

/// SQLite says of each of these what a full, and what a read-only disk make it say.
#[test]
fn a_disk_that_is_full_or_read_only_pauses_and_what_came_meanwhile_is_kept() {
    for (name, breaks, mends) in [
        (
            "full",
            "PRAGMA max_page_count = 1",
            "PRAGMA max_page_count = 1000000",
        ),
        (
            "read-only",
            "PRAGMA query_only = ON",
            "PRAGMA query_only = OFF",
        ),
    ] {
        let dir = folder(name);
        let path = dir.join("a.scan.db");
        let desk = Arc::new(Desk::default());
        let mut keeper = keeper(Journal::create(&path, &asked()).unwrap());
        keeper.put(desk.results(1, rows(nside(8), 0..10))).unwrap();
        keeper.sql(breaks);
        let refused = keeper.put(desk.results(2, rows(nside(8), 10..700)));
        assert!(refused.is_err_and(|error| error.may_pass()), "{name}");
        assert_eq!(desk.confirmed.lock().unwrap().len(), 1);
        keeper.sql(mends);
        keeper
            .put(desk.results(3, rows(nside(8), 10..700)))
            .unwrap();
        drop(keeper);
        assert_eq!(held(&path), map(&rows(nside(8), 0..700)));
        std::fs::remove_dir_all(dir).unwrap();
    }
}

/// Another program that writes is as good as a disk that takes nothing.
#[test]
fn a_scanner_hears_of_a_pause_and_of_its_end_and_receipts_wait() {
    let dir = folder("pause");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut record = Record::start(Journal::create(&path, &asked()).unwrap(), "test:").unwrap();
    let mut news = record.news().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let blocker = rusqlite::Connection::open(&path).unwrap();
    blocker.busy_timeout(LONG).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    record.put(Note::Results(desk.results(1, rows(nside(8), 0..10))));
    let heard = runtime.block_on(async { timeout(LONG, news.recv()).await.unwrap() });
    assert!(matches!(heard, Some(News::Paused)), "{heard:?}");
    assert!(record.is_paused());
    assert!(desk.confirmed.lock().unwrap().is_empty());
    blocker.execute_batch("ROLLBACK").unwrap();
    let heard = runtime.block_on(async { timeout(LONG, news.recv()).await.unwrap() });
    assert!(matches!(heard, Some(News::GoesOn)), "{heard:?}");
    assert!(!record.is_paused());
    assert_eq!(desk.confirmed.lock().unwrap().len(), 1);
    end(record, false).unwrap();
    assert_eq!(held(&path), map(&rows(nside(8), 0..10)));
    std::fs::remove_dir_all(dir).unwrap();
}

/// Who asks a scan to stop does not wait for a disk.
#[test]
fn who_stops_does_not_wait_for_the_disk() {
    let dir = folder("stop");
    let path = dir.join("a.scan.db");
    let desk = Arc::new(Desk::default());
    let mut record = Record::start(Journal::create(&path, &asked()).unwrap(), "test:").unwrap();
    let mut news = record.news().unwrap();
    let blocker = rusqlite::Connection::open(&path).unwrap();
    blocker.busy_timeout(LONG).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    record.put(Note::Results(desk.results(1, rows(nside(8), 0..10))));
    assert!(end(record, false).is_err());
    let told: Vec<News> = std::iter::from_fn(|| news.try_recv().ok()).collect();
    assert!(matches!(told.last(), Some(News::Ended(_))), "{told:?}");
    assert!(desk.confirmed.lock().unwrap().is_empty());
    assert_eq!(desk.n_returned(LONG), 1, "they come again");
    std::fs::remove_dir_all(dir).unwrap();
}
