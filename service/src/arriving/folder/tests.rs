//! Files come into folders in many ways.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::doors::NotTaken;
use crate::doors::tests::{FakeDesk, until};
use crate::engine::Refused;

/// A folder, and a file of the doors beside it.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("alerts")).unwrap();
        Self { root }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("alerts")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    fn watch(&self, desk: &Arc<FakeDesk>) -> WatchedFolder {
        let doors = self.root.path().join("doors.sqlite");
        let desk: Arc<dyn Desk> = Arc::clone(desk) as _;
        WatchedFolder::watch(&self.folder(), &doors, desk).unwrap()
    }

    /// Waits until this file has come: whatever stood still before has come, too.
    fn await_sentinel(&self, desk: &FakeDesk, text: &str) {
        self.write(&format!("sentinel {text}"), text);
        until(|| desk.texts().iter().any(|brought| brought == text));
    }
}

fn refuses(what: &'static str) -> Arc<FakeDesk> {
    FakeDesk::with(move |submission| match &submission.event {
        Brought::Bytes(bytes) if bytes.starts_with(what.as_bytes()) => {
            Err(Refused::Event("it is rubbish".to_owned()).into())
        }
        _ => Ok(()),
    })
}

#[test]
fn a_file_counts_once_it_stands_still() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    let _watched = place.watch(&desk);
    let mut file = fs::File::create(place.file("slow.json")).unwrap();
    let begun = Instant::now();
    let mut whole = String::new();
    while begun.elapsed() < Duration::from_millis(900) {
        file.write_all(b"more and ").unwrap();
        whole += "more and ";
        Stop::default().wait(Duration::from_millis(20));
    }
    assert_eq!(desk.n_brought(), 0);
    file.write_all(b"the end").unwrap();
    until(|| desk.n_brought() > 0);
    assert_eq!(desk.texts(), [whole + "the end"]);
    assert_eq!(desk.brought()[0].from, "folder slow.json");
}

#[test]
fn what_is_renamed_into_place_comes_whole_and_unfinished_files_do_not() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    fs::write(place.root.path().join("outside"), "outside").unwrap();
    place.write("inside", "inside");
    place.write("a.json.part", "half");
    place.write("b.tmp", "half");
    place.write(".hidden", "half");
    fs::create_dir(place.file("below")).unwrap();
    place.write("below/file", "below");
    symlink("../outside", place.file("out")).unwrap();
    symlink("inside", place.file("in")).unwrap();
    nix::unistd::mkfifo(&place.file("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "one");
    assert_eq!(desk.texts(), ["inside", "one"]);
    fs::rename(place.file("a.json.part"), place.file("a.json")).unwrap();
    place.await_sentinel(&desk, "two");
    let mut texts = desk.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["half", "inside", "one", "two"]);
}

#[test]
fn each_version_comes_once_also_after_a_restart() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    let watched = place.watch(&desk);
    place.write("event", "first");
    until(|| desk.n_brought() == 1);
    place.write("event", "second");
    until(|| desk.n_brought() == 2);
    place.await_sentinel(&desk, "one");
    drop(watched);
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "two");
    assert_eq!(desk.texts(), ["first", "second", "one", "two"]);
    let file = fs::File::options()
        .write(true)
        .open(place.file("event"))
        .unwrap();
    let touched = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
    file.set_modified(touched).unwrap();
    until(|| desk.n_brought() == 5);
    assert_eq!(desk.texts()[4], "second");
}

#[test]
fn what_is_refused_is_left_alone_until_it_changes() {
    let (place, desk) = (Place::new(), refuses("rubbish"));
    place.write("event", "rubbish");
    let watched = place.watch(&desk);
    place.await_sentinel(&desk, "one");
    place.await_sentinel(&desk, "two");
    drop(watched);
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "three");
    assert_eq!(desk.texts(), ["rubbish", "one", "two", "three"]);
    place.write("event", "an event");
    until(|| desk.texts().contains(&"an event".to_owned()));
}

#[test]
fn what_cannot_be_taken_now_is_brought_again() {
    let n_asked = std::sync::atomic::AtomicUsize::new(0);
    let desk =
        FakeDesk::with(
            move |_| match n_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(NotTaken::NotNow("the disk is full".to_owned())),
                _ => Ok(()),
            },
        );
    let place = Place::new();
    let _watched = place.watch(&desk);
    place.write("event", "event");
    until(|| desk.n_brought() == 2);
    place.await_sentinel(&desk, "one");
    assert_eq!(desk.texts(), ["event", "event", "one"]);
}

#[test]
fn a_thousand_files_come_once_each() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    let watched = place.watch(&desk);
    for n in 0..1000 {
        place.write(&format!("{n:04}"), &n.to_string());
    }
    until(|| desk.n_brought() >= 1000);
    drop(watched);
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "one");
    let mut texts = desk.texts();
    assert_eq!(texts.len(), 1001);
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 1001);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    let large = fs::File::create(place.file("large")).unwrap();
    large.set_len(MOST_EVENT_BYTES as u64 + 1).unwrap();
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "one");
    assert_eq!(desk.texts(), ["one"]);
    place.write("large", "small");
    until(|| desk.n_brought() == 2);
}

#[test]
fn a_folder_that_was_gone_is_watched_again() {
    let (place, desk) = (Place::new(), FakeDesk::willing());
    let _watched = place.watch(&desk);
    place.await_sentinel(&desk, "one");
    let elsewhere = place.root.path().join("elsewhere");
    fs::rename(place.folder(), &elsewhere).unwrap();
    Stop::default().wait(2 * LOOK_EVERY);
    fs::rename(&elsewhere, place.folder()).unwrap();
    place.await_sentinel(&desk, "two");
    assert_eq!(desk.texts(), ["one", "two"]);
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let place = Place::new();
    let doors = place.root.path().join("doors.sqlite");
    let desk = FakeDesk::willing();
    let refused = WatchedFolder::watch(&place.file("none"), &doors, desk).unwrap_err();
    assert!(refused.to_string().contains("none"), "{refused}");
}

#[test]
fn files_of_a_large_folder_take_turns_and_none_is_overlooked() {
    let folder = tempfile::tempdir().unwrap();
    let mut view = View::default();
    for n in 0..3500 {
        fs::write(folder.path().join(n.to_string()), "").unwrap();
    }
    assert_eq!(view.look(folder.path()).unwrap(), []);
    let ripe = view.look(folder.path()).unwrap();
    assert_eq!(ripe.len(), 3500);
    for file in &ripe {
        view.brought(file);
    }
    for n in [7, 1234, 3499] {
        fs::write(folder.path().join(n.to_string()), "again").unwrap();
    }
    fs::remove_file(folder.path().join("8")).unwrap();
    let looks = (0..5).flat_map(|_| view.look(folder.path()).unwrap());
    let mut again: Vec<String> = looks.map(|file| file.name.into_string().unwrap()).collect();
    again.sort_unstable();
    again.dedup();
    assert_eq!(again, ["1234", "3499", "7"]);
}

/// As `cp -p`, `rsync -t` and `tar` do it.
#[test]
fn a_file_of_the_same_size_and_time_in_place_of_another_is_another() {
    let place = Place::new();
    let desk = FakeDesk::with(|_| Ok(()));
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let write = |name: &str, text: &str| {
        place.write(name, text);
        let file = fs::File::options().append(true).open(place.file(name));
        file.unwrap().set_modified(long_ago).unwrap();
    };
    let watching = place.watch(&desk);
    write("alert", "first");
    until(|| desk.texts() == ["first"]);
    write(".other", "other");
    fs::rename(place.file(".other"), place.file("alert")).unwrap();
    until(|| desk.texts() == ["first", "other"]);
    drop(watching);
}
