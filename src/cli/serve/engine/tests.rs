use std::sync::mpsc::{Receiver, Sender, channel};

use skyscan_service::scan::{Contour, Progress};
use skyscan_service::settings::Priority;

use super::*;
use crate::actors::worker::{LEASES_PER_SLOT, WorkerConfig};
use crate::actors::{standing, worker};
use crate::cli::runtime;
use crate::transport::Access;

const EVENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/event.json");

fn scans() -> ScanEngine {
    ScanEngine(Arc::new(Scans {
        transport: crate::transport::open("memory:", &Access::default()).unwrap(),
        place: "memory:".to_owned(),
        detector: Detector::icecube86(),
        book: Book::new("serve", Box::new(|_| ())),
    }))
}

fn quick() -> Settings {
    Settings {
        reco: Some("linefit".to_owned()),
        nside: vec![4, 8],
        ..Settings::default()
    }
}

/// A quick scan of an event that is brought into this folder.
fn order(folder: &Path) -> Order {
    let event = folder.join("event.json");
    std::fs::copy(EVENT, &event).unwrap();
    Order {
        folder: folder.to_path_buf(),
        event,
        settings: quick(),
        priority: Priority::Normal,
    }
}

#[derive(Debug)]
enum Told {
    /// Progress, or a contour.
    GetsOn,
    Ended(Ended),
}

#[derive(Debug)]
struct Ear(Sender<Told>);

impl Listener for Ear {
    fn progress(&self, _: Progress) {
        let _ = self.0.send(Told::GetsOn);
    }
    fn contour(&self, _: Contour) {
        let _ = self.0.send(Told::GetsOn);
    }
    fn ended(&self, ended: Ended) {
        let _ = self.0.send(Told::Ended(ended));
    }
}

/// Workers for all scans of a place, until the test ends.
fn staff(engine: &ScanEngine) {
    let transport = Arc::clone(&engine.0.transport);
    std::thread::spawn(move || {
        runtime::system().unwrap().block_on(async move {
            let config = WorkerConfig {
                slots: 2.try_into().unwrap(),
                leases_per_slot: LEASES_PER_SLOT,
                recos: crate::reco::built_in(),
            };
            let _worker = worker::start(transport.as_ref(), config).await.unwrap();
            standing::stand(transport.as_ref()).await.unwrap();
        });
    });
}

fn end(heard: &Receiver<Told>) -> (Ended, usize) {
    let mut n_before = 0;
    loop {
        match heard.recv().unwrap() {
            Told::Ended(ended) => return (ended, n_before),
            Told::GetsOn => n_before += 1,
        }
    }
}

#[test]
fn the_same_alert_has_the_same_key_and_other_settings_have_another() {
    let engine = scans();
    let read = |settings: &Settings| engine.read(Path::new(EVENT), settings).unwrap();
    let usual = read(&Settings::default());
    assert_eq!(usual.key.len(), 64);
    assert_eq!(usual.event.run_id, 0);
    assert!(usual.hits.len() > 8 && usual.hits.iter().all(|hit| hit.charge_pe > 0.0));
    assert!(usual.hits.iter().any(|hit| hit.time_ns == 0.0));
    // What is asked in other words is asked the same.
    let named = Settings {
        reco: Some("photon-mpe".to_owned()),
        levels: vec![50.0, 90.0],
        ..Settings::default()
    };
    assert_eq!(read(&named).key, usual.key);
    assert_ne!(read(&quick()).key, usual.key);
}

#[test]
fn what_cannot_be_scanned_is_refused_in_words_for_who_brought_it() {
    let engine = scans();
    let settings = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        match engine.read(Path::new(EVENT), &settings) {
            Err(Refused::Settings(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(settings(|settings| settings.reco = Some("none".to_owned())).contains("photon-mpe"));
    assert!(
        settings(|settings| settings.reco = Some("external".to_owned())).contains("external:NAME")
    );
    assert!(settings(|settings| settings.tier = Some("mine".to_owned())).contains("pole"));
    assert!(settings(|settings| settings.nside = vec![3]).contains('3'));
    assert!(
        settings(|settings| settings.systematics = Some("/etc/passwd".to_owned()))
            .contains("quick")
    );
    assert!(settings(|settings| settings.levels = vec![150.0]).contains("150"));
    assert!(
        settings(|settings| settings.reco = Some("x --transport=zmq://y".to_owned()))
            .contains("no reco")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, b"{\"nothing\": 1}").unwrap();
    match engine.read(&file, &Settings::default()) {
        Err(Refused::Event(reason)) => {
            assert!(
                !reason.contains(folder.path().to_str().unwrap()),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scan_tells_how_it_gets_on_and_what_it_found_and_is_gone_on_with_from_its_journal() {
    let engine = scans();
    staff(&engine);
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let (ear, heard) = channel();
    let running = engine.begin(order.clone(), Arc::new(Ear(ear)));
    let (first, n_before) = end(&heard);
    assert_eq!((first.state, first.error), (State::Done, None));
    assert!(n_before > 0);
    let map = running.map();
    assert_eq!(
        map.rounds.first().map(|round| round.pixels.len()),
        Some(192)
    );
    let (ear, heard) = channel();
    engine.begin(order, Arc::new(Ear(ear)));
    let (again, _) = end(&heard);
    let hash = |ended: &Ended| ended.result.as_ref().unwrap()["map_sha256"].clone();
    assert_eq!(
        hash(&again),
        hash(&Ended {
            error: None,
            ..first
        })
    );
}

#[test]
fn who_asks_for_a_program_waits_until_somebody_has_it() {
    let engine = scans();
    let asks = |reco: &str| Settings {
        reco: Some(reco.to_owned()),
        ..Settings::default()
    };
    assert!(engine.lacks(&asks("external:fit")));
    assert!(!engine.lacks(&asks("pandel-mpe")) && !engine.lacks(&Settings::default()));
    let read = engine.read(Path::new(EVENT), &asks("external:../fit"));
    assert!(matches!(read, Err(Refused::Settings(reason)) if reason.contains("letters")));
}

#[test]
fn a_journal_that_is_damaged_is_put_aside_and_the_event_scanned_anew() {
    let engine = scans();
    staff(&engine);
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let hash = |order: Order| {
        let (ear, heard) = channel();
        engine.begin(order, Arc::new(Ear(ear)));
        let (ended, _) = end(&heard);
        ended.result.map(|result| result["map_sha256"].clone())
    };
    let first = hash(order.clone()).unwrap();
    let journal = journal::at(folder.path()).unwrap().unfinished.remove(0);
    std::fs::write(&journal, b"nothing of a journal").unwrap();
    assert_eq!(hash(order), Some(first));
    assert!(journal.with_extension("db.damaged").exists());
}

#[test]
fn a_scan_that_is_stopped_ends_with_what_there_is() {
    let engine = scans();
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let (ear, heard) = channel();
    // Nobody is there to work.
    let running = engine.begin(order, Arc::new(Ear(ear)));
    running.stop();
    let (ended, _) = end(&heard);
    assert_eq!(ended.state, State::Incomplete);
}
