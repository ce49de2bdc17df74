//! The catalogue says what the folders say, whatever became of it.

use std::io::Write;

use super::*;
use crate::doors::Moment;
use crate::folder::tests::record;

struct Place {
    data: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("scans")).unwrap();
        Self { data }
    }

    fn scans(&self) -> PathBuf {
        self.data.path().join("scans")
    }

    fn open(&self) -> Catalogue {
        Catalogue::open(self.data.path(), &self.scans()).unwrap()
    }

    fn write(&self, id: &str, state: State, submitted: &str) -> Row {
        let mut record = record(id);
        record.scan.state = state;
        record.scan.submitted = submitted.to_owned();
        record.scan.ended = state.is_end().then(|| submitted.to_owned());
        record.told = vec![Moment::Final];
        let folder = Folder::of(&self.scans(), &record.scan.id);
        fs::create_dir_all(folder.path()).unwrap();
        folder.write(&record).unwrap();
        Row::of(&folder, &record).unwrap()
    }
}

fn ids(scans: &[Scan]) -> Vec<&str> {
    scans.iter().map(|scan| scan.id.0.as_str()).collect()
}

fn all(catalogue: &Catalogue) -> Vec<String> {
    let scans = catalogue.list(None, 1000, None).unwrap().unwrap();
    ids(&scans).into_iter().map(str::to_owned).collect()
}

#[test]
fn scans_are_listed_newest_first_page_by_page() {
    let place = Place::new();
    let catalogue = place.open();
    let rows = [
        place.write("a", State::Done, "1"),
        place.write("c", State::Running, "3"),
        place.write("b", State::Done, "2"),
        // Of one moment: the name decides.
        place.write("d", State::Done, "2"),
    ];
    catalogue.put(&rows).unwrap();
    assert_eq!(all(&catalogue), ["c", "d", "b", "a"]);
    let after = |state, id: &str| {
        let id = ScanName(id.to_owned());
        catalogue.list(state, 2, Some(&id)).unwrap()
    };
    assert_eq!(ids(&after(None, "c").unwrap()), ["d", "b"]);
    assert_eq!(ids(&after(None, "d").unwrap()), ["b", "a"]);
    assert_eq!(ids(&after(Some(State::Done), "c").unwrap()), ["d", "b"]);
    assert_eq!(ids(&after(None, "a").unwrap()), [""; 0]);
    assert_eq!(after(None, "none"), None);
    let unfinished = catalogue.unfinished().unwrap();
    assert_eq!(unfinished, [ScanName("c".to_owned())]);
}

#[test]
fn an_end_that_nobody_heard_of_is_unfinished() {
    let place = Place::new();
    place.write("a", State::Failed, "1");
    place.write("b", State::Done, "2");
    let catalogue = place.open();
    // They were told of a final map, not of a failure.
    assert_eq!(catalogue.unfinished().unwrap(), [ScanName("a".to_owned())]);
    let old = catalogue.ended_before("3", 10).unwrap();
    assert_eq!(old, [ScanName("b".to_owned())]);
    assert_eq!(catalogue.ended_before("2", 10).unwrap(), []);
}

#[test]
fn what_changed_while_nobody_looked_is_read_from_the_folders() {
    let place = Place::new();
    place.write("a", State::Running, "1");
    place.write("b", State::Done, "2");
    drop(place.open());
    place.write("a", State::Done, "1");
    fs::remove_dir_all(place.scans().join("b")).unwrap();
    place.write("c", State::Queued, "3");
    fs::create_dir(place.scans().join("no-scan")).unwrap();
    place.write("d", State::Done, "4");
    drop(place.open());
    fs::write(place.scans().join("d/scan.json"), "{").unwrap();
    let catalogue = place.open();
    assert_eq!(all(&catalogue), ["c", "a"]);
    assert_eq!(catalogue.unfinished().unwrap(), [ScanName("c".to_owned())]);
}

#[test]
fn a_catalogue_that_is_gone_or_damaged_is_made_again() {
    let place = Place::new();
    for number in 0..50 {
        place.write(&format!("a{number:02}"), State::Done, "1");
    }
    let before = all(&place.open());
    assert_eq!(before.len(), 50);
    let file = place.data.path().join(FILE);
    let whole = fs::read(&file).unwrap();
    let mut torn = whole.clone();
    torn.truncate(whole.len() / 2);
    let mut scribbled = whole.clone();
    for byte in scribbled.iter_mut().skip(4096).step_by(7) {
        *byte ^= 0x55;
    }
    for bytes in [
        None,
        Some(torn),
        Some(scribbled),
        Some(b"no database".repeat(1000)),
    ] {
        fs::remove_file(&file).unwrap();
        if let Some(bytes) = bytes {
            fs::write(&file, bytes).unwrap();
        }
        assert_eq!(all(&place.open()), before);
    }
    let older = Connection::open(&file).unwrap();
    older
        .pragma_update(None, "user_version", SCHEMA + 1)
        .unwrap();
    drop(older);
    assert_eq!(all(&place.open()), before);
}

#[test]
fn damage_while_it_is_open_is_mended() {
    let place = Place::new();
    let catalogue = place.open();
    let rows: Vec<Row> = (0..200)
        .map(|number| place.write(&format!("a{number:03}"), State::Done, "1"))
        .collect();
    catalogue.put(&rows).unwrap();
    let checkpoint = |connection: &mut Connection| {
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory;")
    };
    catalogue.with(checkpoint).unwrap();
    let file = fs::File::options()
        .write(true)
        .open(place.data.path().join(FILE));
    file.unwrap().write_all(&[0x55; 1 << 16]).unwrap();
    catalogue
        .put(&[place.write("b", State::Done, "2")])
        .unwrap();
    assert_eq!(all(&catalogue).len(), 201);
    drop(catalogue);
    assert_eq!(all(&place.open()).len(), 201);
}
