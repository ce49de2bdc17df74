//! Scans that are made again, and events and results that are not what they were.

use super::*;

#[test]
fn another_event_in_place_of_the_one_that_was_taken_is_not_scanned() {
    let place = Place::new();
    let desk = place.open_as(DeskConfig {
        max_running: 1,
        max_urgent: 0,
        ..place.config()
    });
    let first = submit(&desk, 7).scan.id;
    let second = submit(&desk, 8).scan.id;
    fs::write(desk.folder(&second).unwrap().file("event.dat"), "9").unwrap();
    place.begun(1).1.ended(end(State::Done));
    until(&desk, &first, State::Done);
    let failed = until(&desk, &second, State::Failed);
    assert!(failed.error.unwrap().contains("submit it again"));
    assert_eq!(submit(&desk, 8).scan.state, State::Queued);
    let (order, listener) = place.begun(2);
    assert_eq!(fs::read(&order.event).unwrap(), b"8");
    listener.ended(end(State::Done));
    until(&desk, &second, State::Done);
}

/// Such as one whose files found no room on the disk.
#[test]
fn a_scan_whose_results_are_not_all_there_is_begun_again() {
    let place = Place::new();
    let desk = place.open();
    let id = submit(&desk, 7).scan.id;
    let mut ended = end(State::Done);
    ended.error = Some("13 of 19 files could not be written".to_owned());
    place.begun(1).1.ended(ended);
    until(&desk, &id, State::Done);
    assert_eq!(submit(&desk, 7).scan.state, State::Queued);
    place.begun(2).1.ended(end(State::Done));
    let scan = until(&desk, &id, State::Done);
    assert_eq!(scan.error, None);
    let result = desk.folder(&id).unwrap().file("result.json");
    fs::remove_file(&result).unwrap();
    assert_eq!(submit(&desk, 7).scan.state, State::Queued);
    place.begun(3).1.ended(end(State::Done));
    until(&desk, &id, State::Done);
    assert!(result.exists());
}

#[test]
fn a_scan_can_be_made_again_with_other_settings() {
    let place = Place::new();
    let desk = place.open();
    let first = submit(&desk, 100).scan;
    let settings = Settings {
        reco: Some("pandel-mpe".to_owned()),
        ..Settings::default()
    };
    let rescan = |settings| desk.rescan(&first.id, settings, None, "somebody".to_owned());
    let other = rescan(Some(settings)).unwrap().unwrap();
    assert!(other.is_new);
    assert_ne!(other.scan.id, first.id);
    assert_eq!(other.scan.event, first.event);
    assert!(!rescan(None).unwrap().unwrap().is_new);
    let none = ScanName("none".to_owned());
    assert!(desk.rescan(&none, None, None, String::new()).is_none());
}
