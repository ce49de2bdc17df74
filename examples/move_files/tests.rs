use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::manifest::PIECE_BYTES;
use crate::send::Moved;

/// Folders with files of all lengths that matter; returns them and what is in them.
fn folders() -> (Vec<TempDir>, BTreeMap<String, Vec<u8>>) {
    let mut contents = BTreeMap::new();
    let folders = (0..3_usize).map(|n| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("below")).expect("a folder in it");
        for (k, length) in [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 7]
            .into_iter()
            .enumerate()
        {
            let name = format!("{}file-{n}-{k}", if k == 1 { "below/" } else { "" });
            let content: Vec<u8> = (0..length)
                .map(|at| (at * (n + 7) / 11 + k) as u8)
                .collect();
            std::fs::write(folder.path().join(&name), &content).expect("a file");
            contents.insert(name, content);
        }
        folder
    });
    (folders.collect(), contents)
}

fn start(places: Vec<Arc<dyn Transport>>, folder: &Path) -> JoinHandle<Result<()>> {
    tokio::spawn(receive::all(places, folder.to_owned()))
}

async fn send(place: &Arc<dyn Transport>, folders: &[TempDir]) -> Moved {
    let folders = folders.iter().map(|folder| folder.path().to_owned());
    let sent = send::all(Arc::clone(place), folders.collect(), |_| ());
    let sent = tokio::time::timeout(Duration::from_secs(100), sent).await;
    sent.expect("in time").expect("nothing fails")
}

/// Every file is in one of the folders, as it was.
fn all_arrived(contents: &BTreeMap<String, Vec<u8>>, folders: &[&TempDir]) {
    for (name, content) in contents {
        let paths = folders.iter().map(|folder| folder.path().join(name));
        let found: Vec<_> = paths.filter(|path| path.exists()).collect();
        assert!(!found.is_empty(), "{name} has not arrived");
        for path in found {
            assert!(std::fs::read(&path).expect("a file") == *content, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_arrive_through_a_relay_though_who_sends_and_who_receives_is_killed() {
    let [port] = skyscan_free_ports::free_ports::<1>().expect("a port");
    let above = open("memory:").expect("a place");
    let zone = format!("zmq://127.0.0.1:{port}");
    let below = open(&zone).expect("a place");
    let relay = tokio::spawn(relay(Arc::clone(&above), below, std::future::pending()));
    let (from, contents) = folders();
    let to = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let receiver = |n: usize| start(vec![open(&zone).expect("a place")], to[n].path());
    let doomed = receiver(0);
    let first = {
        let (above, from) = (Arc::clone(&above), from[0].path().to_owned());
        tokio::spawn(send::all(above, vec![from], |_| ()))
    };
    // Killed once something has arrived.
    let ledger = from[0].path().join(".moved");
    while std::fs::read_to_string(&ledger)
        .unwrap_or_default()
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.abort();
    doomed.abort();
    let before = std::fs::read_to_string(&ledger)
        .expect("it is there")
        .lines()
        .count();
    let (_second, _third) = (receiver(1), receiver(2));
    let moved = send(&above, &from).await;
    assert!(moved.before >= before as u64, "{moved:?}");
    assert_eq!(
        (moved.files + moved.before, moved.refused),
        (12, 0),
        "{moved:?}"
    );
    all_arrived(&contents, &[&to[0], &to[1], &to[2]]);
    // Once more there is nothing to do.
    let again = send(&above, &from).await;
    assert_eq!((again.files, again.before), (0, 12), "{again:?}");
    relay.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_does_not_travel_and_another_file_is_not_lost() {
    let place = open("memory:").expect("a place");
    let (from, contents) = folders();
    let to = tempfile::tempdir().expect("a folder");
    let big = "file-0-3";
    let content = &contents[big];
    // The first piece of one is there, another one is whole, a third has the name of something else.
    std::fs::write(to.path().join(".file-0-3.part"), &content[..PIECE_BYTES]).expect("a file");
    std::fs::copy(from[1].path().join("file-1-3"), to.path().join("file-1-3")).expect("a file");
    std::fs::write(to.path().join("file-2-2"), "precious").expect("a file");
    let _receiver = start(vec![Arc::clone(&place)], to.path());
    let moved = send(&place, &from).await;
    assert_eq!((moved.files, moved.refused), (11, 1), "{moved:?}");
    assert_eq!(
        std::fs::read(to.path().join("file-2-2")).expect("a file"),
        b"precious"
    );
    assert!(!to.path().join(".file-0-3.part").exists());
    let fetched = place.traffic().payloads_received;
    assert!(fetched <= 2 + 2 + 3 + 3, "{fetched} pieces have travelled");
    all_arrived(
        &contents
            .into_iter()
            .filter(|(name, _)| name != "file-2-2")
            .collect(),
        &[&to],
    );
}

#[test]
fn a_name_stays_within_its_folder() {
    for name in ["../a", "/etc/passwd", "a/../../b", ""] {
        let manifest = serde_json::json!({"name": name, "bytes": 0, "pieces": []});
        let manifest: manifest::Manifest = serde_json::from_value(manifest).expect("a manifest");
        assert!(manifest.place(Path::new("/here")).is_err(), "{name}");
    }
}
