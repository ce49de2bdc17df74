//! A process that keeps letters is killed outright.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use skyscan_service::doors::{Moment, Stop, Tells};
use skyscan_service::leaving::Outbox;

use super::receiver::Receiver;
use super::webhook::assert_signed;
use super::{SOON, letter, until, webhook};

/// Its folder, for the process that is killed.
const FOLDER: &str = "DOORS_TEST_FOLDER";

#[test]
fn letters_outlive_the_process() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return tell_and_wait(folder.as_ref());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::letters_outlive_the_process",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("all are told")));
    child.kill().unwrap();
    child.wait().unwrap();

    let receiver = Receiver::start([]);
    let receivers = vec![webhook(&receiver.url(), folder.path())];
    let doors = folder.path().join("doors.sqlite");
    let outbox = Outbox::open(&doors, receivers, SOON).unwrap();
    let requests = receiver.await_requests(20);
    let mut scans: Vec<String> = requests
        .iter()
        .map(|request| {
            assert_signed(request);
            assert_eq!(request.json()["moment"], "final");
            request.json()["scan"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    scans.sort_unstable();
    scans.dedup();
    assert_eq!(scans.len(), 20);
    until(|| outbox.n_waiting() == [("webhook".to_owned(), 0)]);
    // Whoever does not know whether they were told tells them again.
    outbox.tell(letter("scan 7", Moment::Final));
    outbox.tell(letter("new", Moment::Final));
    let requests = receiver.await_requests(21);
    assert_eq!(requests[20].json()["scan"]["id"], "new");
}

/// Nobody listens where these letters go to.
fn tell_and_wait(folder: &std::path::Path) {
    let port = skyscan_free_ports::free_port().unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let doors = folder.join("doors.sqlite");
    let outbox = Outbox::open(&doors, vec![webhook(&url, folder)], SOON).unwrap();
    for n in 0..20 {
        outbox.tell(letter(&format!("scan {n}"), Moment::Stable));
        outbox.tell(letter(&format!("scan {n}"), Moment::Final));
    }
    #[expect(clippy::print_stdout, reason = "heard by the test")]
    {
        println!("all are told");
    }
    Stop::default().wait(super::Duration::from_secs(60));
}
