//! The desk, with an engine whose scans end when the test says so.

use std::sync::Condvar;

use serde_json::json;

use super::*;
use crate::doors::{Brought, Letter, Moment};
use crate::engine::{Listener, Order, Reading, Running};
use crate::scan::{Direction, Ended, EventName, Map, Region};

mod replaced;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

type Begun = (Order, Arc<dyn Listener>);

/// Begins scans, and leaves them to the test.
#[derive(Debug, Default)]
struct Hands {
    begun: Mutex<Vec<Begun>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Held(Arc<dyn Listener>);

impl Running for Held {
    fn stop(&self) {
        self.0.ended(end(State::Incomplete));
    }

    fn map(&self) -> Map {
        Map::default()
    }
}

#[derive(Debug)]
struct HandEngine(Arc<Hands>);

impl Engine for HandEngine {
    fn read(&self, file: &Path, settings: &Settings) -> Result<Reading, Refused> {
        let words = fs::read_to_string(file).unwrap();
        let number = words.trim().parse();
        let number: u32 = number.map_err(|_| Refused::Event("it is no number".to_owned()))?;
        // The first so many characters of all keys are the same, so that names collide.
        let reco = settings.reco.as_ref().map_or(0, String::len);
        Ok(Reading {
            event: EventName {
                run_id: 1,
                event_id: number / 100,
                mjd: 59_000.0,
                stream: String::new(),
            },
            key: format!("{:062x}{:02x}", reco, number % 100),
            warnings: vec!["it is odd".to_owned()],
            hits: Vec::new(),
        })
    }

    fn begin(&self, order: Order, listener: Arc<dyn Listener>) -> Box<dyn Running> {
        lock(&self.0.begun).push((order, Arc::clone(&listener)));
        self.0.changed.notify_all();
        Box::new(Held(listener))
    }

    fn fleet(&self) -> Fleet {
        Fleet::default()
    }
}

#[derive(Debug, Default)]
struct Letters(Mutex<Vec<(String, Moment)>>);

impl Tells for Letters {
    fn tell(&self, letter: Letter) {
        lock(&self.0).push((letter.scan.id.0, letter.moment));
    }
}

fn end(state: State) -> Ended {
    Ended {
        state,
        result: (state == State::Done).then(|| json!({"quality": ["grown"]})),
        contour: None,
        error: (state == State::Failed).then(|| "no light".to_owned()),
    }
}

fn contour(is_stable: bool) -> Contour {
    Contour {
        is_stable,
        nside: 16,
        best: Direction {
            ra_deg: 10.0,
            dec_deg: 20.0,
        },
        regions: vec![Region {
            containment: 0.9,
            area_deg2: 3.0,
            is_closed: true,
            outlines: Vec::new(),
        }],
    }
}

struct Place {
    data: tempfile::TempDir,
    hands: Arc<Hands>,
    letters: Arc<Letters>,
}

impl Place {
    fn new() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            hands: Arc::default(),
            letters: Arc::default(),
        }
    }

    fn config(&self) -> DeskConfig {
        DeskConfig {
            max_running: 2,
            max_urgent: 1,
            least_free_bytes: 0,
            ..DeskConfig::new(self.data.path().to_owned())
        }
    }

    fn open(&self) -> ScanDesk {
        self.open_as(self.config())
    }

    fn open_as(&self, config: DeskConfig) -> ScanDesk {
        let engine = Arc::new(HandEngine(Arc::clone(&self.hands)));
        let tells: Arc<dyn Tells> = Arc::<Letters>::clone(&self.letters);
        let held = crate::desk::Held::take(&config.data).unwrap();
        ScanDesk::open(config, held, engine, tells).unwrap()
    }

    /// Waits until so many scans were begun, and returns the last.
    fn begun(&self, n: usize) -> Begun {
        let begun = lock(&self.hands.begun);
        let (begun, late) = self
            .hands
            .changed
            .wait_timeout_while(begun, PATIENCE, |begun| begun.len() < n)
            .unwrap();
        assert!(!late.timed_out(), "{} of {n} began", begun.len());
        assert_eq!(begun.len(), n);
        begun[n - 1].clone()
    }

    fn told(&self) -> Vec<Moment> {
        lock(&self.letters.0)
            .iter()
            .map(|(_, moment)| *moment)
            .collect()
    }
}

fn alert(number: u32, priority: Priority) -> Submission {
    Submission {
        event: Brought::Bytes(number.to_string().into_bytes()),
        settings: Settings::default(),
        priority,
        from: "test".to_owned(),
    }
}

fn submit(desk: &ScanDesk, number: u32) -> Submitted {
    desk.submit(alert(number, Priority::Normal)).unwrap()
}

/// Waits until a scan stands in a state.
fn until(desk: &ScanDesk, id: &ScanName, state: State) -> Scan {
    let mut changes = desk.changes();
    loop {
        let scan = desk.standing(id).unwrap().scan;
        if scan.state == state {
            return scan;
        }
        futures::executor::block_on(changes.recv()).unwrap();
    }
}

fn ids(desk: &ScanDesk, state: State) -> Vec<ScanName> {
    let scans = desk.list(Some(state), 100, None).unwrap().unwrap();
    scans.into_iter().map(|scan| scan.id).collect()
}

#[test]
fn an_alert_is_scanned_and_everything_is_in_its_folder() {
    let place = Place::new();
    let desk = place.open();
    let submitted = submit(&desk, 7);
    assert!(submitted.is_new);
    let id = submitted.scan.id;
    assert_eq!(id.0, "1-0-00000000");
    let (order, listener) = place.begun(1);
    assert_eq!(fs::read(&order.event).unwrap(), b"7");
    listener.contour(contour(false));
    listener.contour(contour(false));
    listener.contour(contour(true));
    assert_eq!(desk.standing(&id).unwrap().scan.area_deg2, Some(3.0));
    listener.ended(end(State::Done));
    let scan = until(&desk, &id, State::Done);
    assert_eq!(scan.quality, ["grown"]);
    assert_eq!(scan.warnings, ["it is odd"]);
    assert_eq!(scan.best, Some(contour(true).best));
    assert!(desk.standing(&id).unwrap().contour.unwrap().is_stable);
    for file in [
        "event.dat",
        "scan.json",
        "hits.json",
        "map.json",
        "contour.json",
        "result.json",
    ] {
        assert!(order.folder.join(file).is_file(), "{file}");
    }
    assert_eq!(
        place.told(),
        [Moment::Preliminary, Moment::Stable, Moment::Final]
    );
    assert_eq!(ids(&desk, State::Done), [id]);
    let incoming = fs::read_dir(place.data.path().join("incoming")).unwrap();
    assert_eq!(incoming.count(), 0);
}

#[test]
fn the_same_alert_is_the_same_scan_and_failures_are_begun_again() {
    let place = Place::new();
    let desk = place.open();
    let id = submit(&desk, 7).scan.id;
    let (_, listener) = place.begun(1);
    let again = submit(&desk, 7);
    assert_eq!((again.is_new, &again.scan.id), (false, &id));
    listener.ended(end(State::Failed));
    let failed = until(&desk, &id, State::Failed);
    assert_eq!(failed.error.as_deref(), Some("no light"));
    // Its event is gone, and comes again.
    let event = desk.folder(&id).unwrap().file("event.dat");
    fs::remove_file(&event).unwrap();
    let again = submit(&desk, 7);
    assert!(!again.is_new);
    assert_eq!((again.scan.state, again.scan.error), (State::Queued, None));
    assert!(event.exists());
    place.begun(2).1.ended(end(State::Done));
    until(&desk, &id, State::Done);
    fs::remove_file(&event).unwrap();
    // What has ended well is not begun again.
    assert_eq!(submit(&desk, 7).scan.state, State::Done);
    assert!(event.exists());
    assert_eq!(place.told(), [Moment::Failed, Moment::Final]);
    assert_eq!(lock(&place.hands.begun).len(), 2);
}

#[test]
fn scans_whose_keys_begin_alike_have_longer_names() {
    let place = Place::new();
    let desk = place.open();
    let names: Vec<String> = (1..=4)
        .map(|number| submit(&desk, number).scan.id.0)
        .collect();
    // Of the keys 32 characters are the same in all of them.
    assert_eq!(names[0], "1-0-00000000");
    assert_eq!(names[1], "1-0-0000000000000000");
    assert_eq!(names[2].len(), 4 + 32);
    assert_eq!(names[3].len(), 4 + 64);
    assert_eq!(submit(&desk, 2).scan.id.0, names[1]);
}

#[test]
fn the_queue_is_bounded_and_the_urgent_do_not_wait() {
    let place = Place::new();
    let desk = place.open();
    for event in 1..=3 {
        submit(&desk, 100 * event);
    }
    place.begun(2);
    let urgent = desk.submit(alert(400, Priority::Urgent)).unwrap().scan.id;
    let (order, _) = place.begun(3);
    assert_eq!(order.priority, Priority::Urgent);
    until(&desk, &urgent, State::Running);
    assert_eq!(desk.n_queued(), 1);
    let late = desk
        .submit(alert(500, Priority::Background))
        .unwrap()
        .scan
        .id;
    let last = submit(&desk, 600).scan.id;
    assert_eq!(desk.n_queued(), 3);
    // Those that wait are begun as others end, by priority.
    desk.cancel(&urgent).unwrap();
    let first = place.begun(3).0;
    assert_eq!(first.priority, Priority::Urgent);
    let running = ids(&desk, State::Running);
    desk.cancel(&running[0]).unwrap();
    place.begun(4);
    desk.cancel(&running[1]).unwrap();
    place.begun(5);
    until(&desk, &last, State::Running);
    assert_eq!(ids(&desk, State::Queued), [late]);
}

#[test]
fn a_queue_that_is_full_takes_nothing() {
    let place = Place::new();
    let desk = place.open_as(DeskConfig {
        max_running: 0,
        max_queued: 1,
        ..place.config()
    });
    submit(&desk, 100);
    let refused = desk.submit(alert(200, Priority::Normal)).unwrap_err();
    assert!(matches!(refused, NotTaken::NotNow(why) if why.contains("1 scans are waiting")));
}

#[test]
fn a_scan_that_waits_or_runs_can_be_cancelled_once() {
    let place = Place::new();
    let desk = place.open();
    let running: Vec<ScanName> = (1..=2).map(|n| submit(&desk, 100 * n).scan.id).collect();
    let waiting = submit(&desk, 300).scan.id;
    place.begun(2);
    assert_eq!(desk.cancel(&waiting).unwrap().state, State::Cancelled);
    assert_eq!(desk.cancel(&running[0]).unwrap().state, State::Cancelled);
    assert_eq!(
        desk.cancel(&running[0]),
        Err(Unchanged::Ended(State::Cancelled))
    );
    let none = ScanName("none".to_owned());
    assert_eq!(desk.cancel(&none), Err(Unchanged::NoSuchScan));
    assert_eq!(ids(&desk, State::Cancelled).len(), 2);
    assert_eq!(place.told(), [Moment::Failed, Moment::Failed]);
}

#[test]
fn a_running_scan_with_another_priority_goes_on_in_its_turn() {
    let place = Place::new();
    let desk = place.open();
    let id = submit(&desk, 100).scan.id;
    place.begun(1);
    let scan = desk.set_priority(&id, Priority::Urgent).unwrap();
    assert_eq!(scan.priority, Priority::Urgent);
    let (order, listener) = place.begun(2);
    assert_eq!(order.priority, Priority::Urgent);
    assert_eq!(
        desk.set_priority(&id, Priority::Urgent).unwrap().state,
        State::Running
    );
    listener.ended(end(State::Done));
    until(&desk, &id, State::Done);
    assert_eq!(place.told(), [Moment::Final]);
    assert_eq!(
        desk.set_priority(&id, Priority::Normal),
        Err(Unchanged::Ended(State::Done))
    );
}

#[test]
fn what_was_left_goes_on_and_what_has_ended_stays() {
    let place = Place::new();
    let desk = place.open();
    let done = submit(&desk, 100).scan.id;
    let (_, listener) = place.begun(1);
    listener.contour(contour(false));
    listener.ended(end(State::Done));
    until(&desk, &done, State::Done);
    let left: Vec<ScanName> = (2..=4).map(|n| submit(&desk, 100 * n).scan.id).collect();
    place.begun(3).1.contour(contour(false));
    desk.close();
    assert!(matches!(
        desk.submit(alert(500, Priority::Normal)),
        Err(NotTaken::NotNow(_))
    ));
    assert_eq!(until(&desk, &left[0], State::Running).id, left[0]);
    drop(desk);
    let desk = place.open();
    place.begun(5);
    until(&desk, &left[0], State::Running);
    until(&desk, &left[1], State::Running);
    assert_eq!(ids(&desk, State::Queued), [left[2].clone()]);
    assert_eq!(ids(&desk, State::Done), [done]);
    // What was told before is not told again.
    place.begun(5).1.contour(contour(false));
    desk.close();
    let n_preliminary = place
        .told()
        .into_iter()
        .filter(|told| *told == Moment::Preliminary);
    assert_eq!(n_preliminary.count(), 2);
}

#[test]
fn an_end_that_was_not_told_is_told_at_the_next_start() {
    let place = Place::new();
    let desk = place.open();
    let id = submit(&desk, 100).scan.id;
    place.begun(1).1.ended(end(State::Done));
    until(&desk, &id, State::Done);
    desk.close();
    let folder = desk.folder(&id).unwrap();
    let mut record = folder.read().unwrap();
    assert_eq!(record.told, [Moment::Final]);
    drop(desk);
    // As it is between the two.
    record.told.clear();
    folder.write(&record).unwrap();
    for _start in 0..2 {
        drop(place.open());
        assert_eq!(place.told(), [Moment::Final, Moment::Final]);
    }
}

#[test]
fn old_scans_go_and_those_that_run_stay() {
    let place = Place::new();
    let desk = place.open();
    let old = submit(&desk, 100).scan.id;
    place.begun(1).1.ended(end(State::Done));
    until(&desk, &old, State::Done);
    let running = submit(&desk, 200).scan.id;
    place.begun(2);
    drop(desk);
    let desk = place.open_as(DeskConfig {
        keep: Some(Duration::ZERO),
        ..place.config()
    });
    place.begun(3);
    // Answered after what is old was looked for.
    desk.cancel(&old).unwrap_err();
    assert!(desk.standing(&old).is_none());
    until(&desk, &running, State::Running);
    desk.close();
    assert_eq!(ids(&desk, State::Done), []);
    let removed = fs::read_dir(place.data.path().join("removed")).unwrap();
    assert_eq!(removed.count(), 0);
    drop(desk);
    assert!(submit(&place.open(), 100).is_new);
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing() {
    let place = Place::new();
    let desk = place.open_as(DeskConfig {
        least_free_bytes: u64::MAX,
        ..place.config()
    });
    let refused = desk.submit(alert(1, Priority::Normal)).unwrap_err();
    assert!(matches!(refused, NotTaken::NotNow(why) if why.contains("are to stay free")));
}

#[test]
fn an_event_that_cannot_be_read_leaves_nothing() {
    let place = Place::new();
    let desk = place.open();
    let mut broken = alert(1, Priority::Normal);
    broken.event = Brought::Bytes(b"broken".to_vec());
    let refused = desk.submit(broken).unwrap_err();
    assert_eq!(
        refused,
        NotTaken::Refused(Refused::Event("it is no number".to_owned()))
    );
    for folder in ["incoming", "scans"] {
        assert_eq!(
            fs::read_dir(place.data.path().join(folder))
                .unwrap()
                .count(),
            0
        );
    }
}

#[test]
fn two_desks_do_not_share_a_folder() {
    let place = Place::new();
    let desk = place.open();
    let second = crate::desk::Held::take(&place.config().data);
    assert!(matches!(second, Err(OpenError::Taken(_))));
    drop(desk);
    drop(place.open());
}
