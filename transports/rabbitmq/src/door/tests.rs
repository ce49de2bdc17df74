use std::path::{Path, PathBuf};

use skyscan_transport::ScanId;
use skyscan_transport_keys::{LinkKeys, add_worker, make};
use tempfile::TempDir;
use tokio::time::{Duration, Instant};

use super::{Behind, Heard, HubDoor, Keys, Visits};
use crate::{
    outbox::{Outbox, Route},
    wire::{Address, DoorFrame, Frame, Lane, Malformed, Scan, Sealed},
};

const SCAN: Scan = Scan {
    id: ScanId(1),
    epoch: 2,
};

/// A hub's door, and the folder of its keys.
struct Place {
    folder: TempDir,
    door: HubDoor,
    outbox: Outbox,
    now: Instant,
}

/// A process that goes there.
struct Visitor {
    visits: Visits,
    keys: LinkKeys,
    at: Address,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).unwrap();
        let side = Keys::of(folder.path().to_path_buf()).open_hub().unwrap();
        Self {
            door: HubDoor::new(side, "ns".into(), SCAN).unwrap(),
            folder,
            outbox: Outbox::default(),
            now: Instant::now(),
        }
    }

    /// A key for a worker that the door knows of from the beginning.
    fn with(names: &[&str]) -> (Self, Vec<PathBuf>) {
        let mut place = Self::new();
        let add = |name: &&str| add_worker(place.folder.path(), name).unwrap();
        let given = names.iter().map(add).collect();
        let side = Keys::of(place.folder.path().to_path_buf())
            .open_hub()
            .unwrap();
        place.door = HubDoor::new(side, "ns".into(), SCAN).unwrap();
        (place, given)
    }

    /// What the door has said last, and where to.
    fn said(&mut self) -> (Route, Frame) {
        let letter = self.outbox.take_letter().unwrap();
        (letter.route, letter.frame)
    }

    /// Lets a visitor in, or not.
    fn meet(&mut self, visitor: &mut Visitor) -> Heard {
        let with = (&visitor.keys, "ns");
        let (knock, _) = visitor.visits.knock((SCAN, visitor.at), with, self.now);
        let Some(Frame::Door(DoorFrame::Knock {
            from,
            knock,
            greeting,
            ..
        })) = knock
        else {
            panic!("no knock: {knock:?}");
        };
        let answer = self.door.knock(from, knock, &greeting, self.now).unwrap();
        let Frame::Door(DoorFrame::Answer {
            session, answer, ..
        }) = answer
        else {
            panic!("no answer: {answer:?}");
        };
        let at = (SCAN, knock);
        let (visits, keys) = (&mut visitor.visits, &visitor.keys);
        let ask = visits.answered(at, (session, &answer), visitor.at, keys, self.now);
        let ask = sealed(ask.unwrap().unwrap());
        self.door.open(&ask, self.now, &mut self.outbox).unwrap();
        let (_, told) = self.said();
        visits.open(&sealed(told), false, self.now).unwrap()
    }
}

impl Visitor {
    fn new(keys: &Path, process: u64) -> Self {
        let at = Address {
            process,
            incarnation: 0,
        };
        Self {
            visits: Visits::default(),
            keys: LinkKeys::read(keys).unwrap(),
            at,
        }
    }

    fn says(&mut self, from: Address) -> Sealed {
        let lane = Lane {
            session: 1,
            sequence: 1,
            arrived: 0,
            missing: false,
        };
        let entries = bytes::Bytes::from_static(b"entries");
        let up = Frame::Up {
            from,
            lane,
            entries,
        };
        sealed(self.visits.seal(SCAN, &up).unwrap())
    }
}

fn sealed(frame: Frame) -> Sealed {
    match frame {
        Frame::Door(DoorFrame::Sealed(sealed)) => sealed,
        other => panic!("{other:?} is not sealed"),
    }
}

#[test]
fn what_is_repeated_flipped_or_taken_elsewhere_does_not_open() {
    let (mut place, given) = Place::with(&["a"]);
    let mut visitor = Visitor::new(&given[0], 7);
    assert!(matches!(place.meet(&mut visitor), Heard::LetIn));
    let said = visitor.says(visitor.at);
    let mut flipped = said.clone();
    let mut bytes = flipped.bytes.to_vec();
    bytes[9] ^= 1;
    flipped.bytes = bytes.into();
    let mut elsewhere = said.clone();
    elsewhere.scan.epoch += 1;
    let mut renamed = said.clone();
    renamed.key += 1;
    let mut open = |sealed: &Sealed| {
        let opened = place.door.open(sealed, place.now, &mut place.outbox);
        opened.map(|behind| matches!(behind, Behind::Frame(Frame::Up { .. })))
    };
    assert_eq!(open(&flipped), Err(Malformed::Unopened));
    assert_eq!(open(&elsewhere), Err(Malformed::Unopened));
    assert_eq!(open(&renamed), Err(Malformed::UnknownSeal));
    assert_eq!(open(&said), Ok(true));
    assert_eq!(open(&said), Err(Malformed::Repeated));
}

#[test]
fn nobody_speaks_for_another_process() {
    let (mut place, given) = Place::with(&["a", "b"]);
    let (mut a, mut b) = (Visitor::new(&given[0], 7), Visitor::new(&given[1], 8));
    assert!(matches!(place.meet(&mut a), Heard::LetIn));
    assert!(matches!(place.meet(&mut b), Heard::LetIn));
    let forged = a.says(b.at);
    let opened = place.door.open(&forged, place.now, &mut place.outbox);
    assert_eq!(opened.unwrap_err(), Malformed::Range);
    // Nor does another key take its place.
    let mut taker = Visitor::new(&given[0], 8);
    assert!(matches!(place.meet(&mut taker), Heard::Refused(_)));
    let said = b.says(b.at);
    let opened = place.door.open(&said, place.now, &mut place.outbox);
    assert!(matches!(opened, Ok(Behind::Frame(_))));
}

#[test]
fn who_is_withdrawn_is_put_out_and_does_not_open_what_is_said_to_all() {
    let (mut place, given) = Place::with(&["a", "b"]);
    let (mut a, mut b) = (Visitor::new(&given[0], 7), Visitor::new(&given[1], 8));
    place.meet(&mut a);
    place.meet(&mut b);
    let closed = Frame::Closed { scan: SCAN };
    let to_all = |place: &mut Place| {
        let frame = place.door.seal(Route::AllProcesses, &closed).unwrap();
        sealed(frame)
    };
    let before = to_all(&mut place);
    for visitor in [&mut a, &mut b] {
        let heard = visitor.visits.open(&before, true, place.now);
        assert!(matches!(heard, Ok(Heard::Frame(Frame::Closed { .. }))));
    }
    assert!(place.door.keep(&mut place.outbox).is_empty());
    std::fs::remove_file(place.folder.path().join("workers/a.pub")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let withdrawn = runtime.block_on(async {
        let side = place.door.side();
        let looked = tokio::time::timeout(Duration::from_secs(2), side.watch(|| {}));
        let _over = looked.await;
        place.door.keep(&mut place.outbox)
    });
    assert_eq!(withdrawn, [7]);
    let (to, told) = place.said();
    assert_eq!(to, Route::Process(a.at));
    let heard = a.visits.open(&sealed(told), true, place.now).unwrap();
    assert!(matches!(heard, Heard::Refused(_)), "{heard:?}");
    let (to, told) = place.said();
    assert_eq!(to, Route::Tasks(SCAN, 8));
    let heard = b.visits.open(&sealed(told), true, place.now).unwrap();
    assert!(matches!(heard, Heard::LetIn), "{heard:?}");
    let after = to_all(&mut place);
    let heard = a.visits.open(&after, true, place.now).unwrap();
    assert!(matches!(heard, Heard::Stranger), "{heard:?}");
    let heard = b.visits.open(&after, true, place.now);
    assert!(matches!(heard, Ok(Heard::Frame(Frame::Closed { .. }))));
    // Nor is it let in again.
    place.now += Duration::from_secs(60);
    let mut again = Visitor::new(&given[0], 9);
    assert!(matches!(place.meet(&mut again), Heard::Refused(_)));
}

#[test]
fn a_door_hears_no_more_callers_than_it_can_remember() {
    let (mut place, given) = Place::with(&["a"]);
    let mut visitor = Visitor::new(&given[0], 7);
    let with = (&visitor.keys, "ns");
    let (knock, _) = visitor.visits.knock((SCAN, visitor.at), with, place.now);
    let Some(Frame::Door(DoorFrame::Knock { greeting, .. })) = knock else {
        panic!("no knock");
    };
    let mut repeat = |now| {
        let answers = (0..5000).map(|_| place.door.knock(visitor.at, 1, &greeting, now));
        answers.flatten().count()
    };
    assert_eq!(repeat(place.now), super::hub::MOST_CALLERS);
    // They are forgotten in time.
    assert_eq!(
        repeat(place.now + Duration::from_secs(11)),
        super::hub::MOST_CALLERS
    );
}
