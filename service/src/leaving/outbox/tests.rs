//! Receivers that are away, unwilling and slow.

use std::collections::HashSet;
use std::fmt::{self, Debug, Formatter};

use rusqlite::Connection;

use super::super::Outgoing;
use super::*;
use crate::doors::Moment;
use crate::doors::tests::{scan, until};
use crate::scan::Scan;

const SOON: Pace = Pace {
    first: Duration::from_millis(10),
    most: Duration::from_millis(40),
};

type Opinion = dyn Fn(&Outgoing) -> Result<(), NotDelivered> + Send + Sync;

/// A receiver that remembers what it was told.
struct Fake {
    name: &'static str,
    opinion: Box<Opinion>,
    told: Arc<Told>,
}

/// Letters that somebody tried to hand over, and whether they were taken.
#[derive(Default)]
struct Told(Mutex<Vec<(Outgoing, bool)>>);

impl Told {
    fn tried(&self) -> Vec<Outgoing> {
        self.0
            .lock()
            .iter()
            .map(|(letter, _)| letter.clone())
            .collect()
    }

    /// Scans and moments of those that were taken.
    fn taken(&self) -> Vec<String> {
        let told = self.0.lock();
        let taken = told.iter().filter(|(_, is_taken)| *is_taken);
        taken
            .map(|(letter, _)| format!("{} {}", letter.scan, letter.moment.word()))
            .collect()
    }
}

fn fake(
    name: &'static str,
    opinion: impl Fn(&Outgoing) -> Result<(), NotDelivered> + Send + Sync + 'static,
) -> (Box<dyn Receiver>, Arc<Told>) {
    let told = Arc::<Told>::default();
    let fake = Fake {
        name,
        opinion: Box::new(opinion),
        told: Arc::clone(&told),
    };
    (Box::new(fake), told)
}

impl Debug for Fake {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Receiver for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn hand_over(&self, letter: &Outgoing, _: &Stop) -> Result<(), NotDelivered> {
        let outcome = (self.opinion)(letter);
        self.told.0.lock().push((letter.clone(), outcome.is_ok()));
        outcome
    }
}

/// A file of the doors.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn doors(&self) -> PathBuf {
        self.0.path().join("doors.sqlite")
    }

    fn open(&self, receivers: Vec<Box<dyn Receiver>>) -> Outbox {
        Outbox::open(&self.doors(), receivers, SOON).unwrap()
    }

    /// Letters that still have a body.
    fn n_kept(&self) -> i64 {
        let connection = Connection::open(self.doors()).unwrap();
        let sql = "SELECT count(*) FROM letters WHERE body IS NOT NULL";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn letter(id: &str, moment: Moment) -> Letter {
    let ended = moment.is_end().then(|| "2026-01-01T00:00:00Z".to_owned());
    Letter::new(moment, Scan { ended, ..scan(id) }, None, None)
}

fn away(_: &Outgoing) -> Result<(), NotDelivered> {
    Err(NotDelivered::now("nobody is there"))
}

use Moment::{Failed, Final, Preliminary, Stable};

#[test]
fn letters_about_a_scan_come_in_order_and_once() {
    let (place, (receiver, told)) = (Place::new(), fake("a", |_| Ok(())));
    let outbox = place.open(vec![receiver]);
    for n in 0..50 {
        outbox.tell(letter(&n.to_string(), Preliminary));
        until(|| told.taken().len() > 2 * n);
        outbox.tell(letter(&n.to_string(), Final));
        outbox.tell(letter(&n.to_string(), Final));
        until(|| told.taken().len() > 2 * n + 1);
    }
    let expected = (0..50).flat_map(|n| [format!("{n} preliminary"), format!("{n} final")]);
    assert_eq!(told.taken(), expected.collect::<Vec<_>>());
    drop(outbox);
    assert_eq!(place.n_kept(), 0);
    let (receiver, told) = fake("a", |_| Ok(()));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("7", Final));
    outbox.tell(letter("new", Final));
    until(|| !told.taken().is_empty());
    assert_eq!(told.taken(), ["new final"]);
}

#[test]
fn a_letter_is_the_same_at_each_attempt() {
    let n_asked = std::sync::atomic::AtomicUsize::new(0);
    let opinion =
        move |letter: &Outgoing| match n_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0..4 => away(letter),
            _ => Ok(()),
        };
    let (place, (receiver, told)) = (Place::new(), fake("a", opinion));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("x", Final));
    until(|| told.taken() == ["x final"]);
    let tried = told.tried();
    assert_eq!(tried.len(), 5);
    assert!(tried.iter().all(|letter| *letter == tried[0]));
    assert!(tried[0].body.contains("\"moment\":\"final\""));
}

#[test]
fn contours_that_wait_are_superseded_and_ends_never_are() {
    let (place, (receiver, told)) = (Place::new(), fake("a", away));
    let outbox = place.open(vec![receiver]);
    for (scan, moment) in [
        ("x", Preliminary),
        ("x", Stable),
        ("y", Preliminary),
        ("x", Failed),
    ] {
        outbox.tell(letter(scan, moment));
        until(|| {
            told.tried()
                .iter()
                .any(|l| l.scan == scan && l.moment == moment)
        });
    }
    let again = Scan {
        ended: Some("2026-01-02T00:00:00Z".to_owned()),
        ..scan("x")
    };
    outbox.tell(Letter::new(Final, again, None, None));
    assert_eq!(outbox.n_waiting(), [("a".to_owned(), 3)]);
    drop(outbox);
    let (receiver, told) = fake("a", |_| Ok(()));
    let outbox = place.open(vec![receiver]);
    until(|| outbox.n_waiting() == [("a".to_owned(), 0)]);
    let mut taken = told.taken();
    taken.retain(|taken| taken.starts_with('x'));
    assert_eq!(taken, ["x failed", "x final"]);
    assert!(told.taken().contains(&"y preliminary".to_owned()));
}

#[test]
fn a_scan_whose_letter_is_not_taken_holds_no_other_up() {
    let opinion = |letter: &Outgoing| {
        if letter.scan == "bad" {
            away(letter)
        } else {
            Ok(())
        }
    };
    let (place, (receiver, told)) = (Place::new(), fake("a", opinion));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("bad", Final));
    for n in 0..20 {
        outbox.tell(letter(&n.to_string(), Final));
    }
    until(|| told.taken().len() == 20);
    until(|| outbox.n_waiting() == [("a".to_owned(), 1)]);
}

#[test]
fn receivers_do_not_wait_for_each_other() {
    let (a, told_a) = fake("a", |_| Ok(()));
    let (b, told_b) = fake("b", away);
    let place = Place::new();
    let outbox = place.open(vec![a, b]);
    outbox.tell(letter("x", Final));
    until(|| told_a.taken().len() == 1 && told_b.tried().len() > 2);
    drop(outbox);
    assert_eq!((told_a.tried().len(), place.n_kept()), (1, 1));
    // Whoever is not there now does not lose it.
    let (a, _) = fake("a", |_| Ok(()));
    drop(place.open(vec![a]));
    assert_eq!(place.n_kept(), 1);
    let (b, told_b) = fake("b", |_| Ok(()));
    let outbox = place.open(vec![b]);
    until(|| told_b.taken() == ["x final"]);
    until(|| outbox.n_waiting() == [("b".to_owned(), 0)]);
    assert_eq!(place.n_kept(), 0);
}

#[test]
fn what_is_not_wanted_is_given_up() {
    let opinion = |_: &Outgoing| Err(NotDelivered::Ever("gone".to_owned()));
    let (place, (receiver, told)) = (Place::new(), fake("a", opinion));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("x", Final));
    until(|| outbox.n_waiting() == [("a".to_owned(), 0)]);
    assert_eq!(told.tried().len(), 1);
    until(|| place.n_kept() == 0);
}

#[test]
fn a_receiver_is_left_alone_for_as_long_as_it_asks_for() {
    let wait = Duration::from_millis(400);
    let first = Arc::new(Mutex::new(None::<Instant>));
    let seen = Arc::clone(&first);
    let opinion = move |_: &Outgoing| {
        let mut first = seen.lock();
        match *first {
            None => {
                *first = Some(Instant::now());
                let why = "later".to_owned();
                Err(NotDelivered::Now {
                    why,
                    wait: Some(wait),
                })
            }
            Some(first) if first.elapsed() < wait => Err(NotDelivered::Ever("too soon".to_owned())),
            Some(_) => Ok(()),
        }
    };
    let (place, (receiver, told)) = (Place::new(), fake("a", opinion));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("x", Final));
    until(|| first.lock().is_some() && told.tried().len() == 1);
    // So are letters that have not failed.
    Stop::default().wait(Duration::from_millis(20));
    outbox.tell(letter("y", Final));
    until(|| told.taken().len() == 2);
}

#[test]
fn letters_that_cannot_be_written_down_are_later() {
    let (place, (receiver, told)) = (Place::new(), fake("a", |_| Ok(())));
    let outbox = place.open(vec![receiver]);
    let connection = Connection::open(place.doors()).unwrap();
    let full =
        "CREATE TRIGGER full BEFORE INSERT ON letters BEGIN SELECT raise(ABORT, 'full'); END";
    connection.execute_batch(full).unwrap();
    outbox.tell(letter("x", Preliminary));
    outbox.tell(letter("y", Final));
    assert_eq!(outbox.n_waiting(), [("a".to_owned(), 0)]);
    connection.execute_batch("DROP TRIGGER full").unwrap();
    until(|| told.taken().len() == 2);
    let taken: HashSet<String> = told.taken().into_iter().collect();
    assert!(taken.contains("x preliminary") && taken.contains("y final"));
}

#[test]
fn a_scan_that_is_forgotten_is_told_no_more() {
    let (place, (receiver, told)) = (Place::new(), fake("a", away));
    let outbox = place.open(vec![receiver]);
    outbox.tell(letter("x", Final));
    until(|| !told.tried().is_empty());
    outbox.forget(&scan("x").id);
    assert_eq!(outbox.n_waiting(), [("a".to_owned(), 0)]);
    assert_eq!(place.n_kept(), 0);
}

#[test]
fn with_nobody_to_be_told_nothing_is_kept() {
    let place = Place::new();
    let outbox = place.open(Vec::new());
    outbox.tell(letter("x", Final));
    assert_eq!(place.n_kept(), 0);
}
