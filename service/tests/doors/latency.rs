//! From a file in the folder to a letter at the receiver, with scans that take no time.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skyscan_service::arriving::WatchedFolder;
use skyscan_service::doors::{Brought, Desk, Moment, NotTaken, Submission, Submitted, Tells};
use skyscan_service::leaving::Outbox;
use skyscan_service::scan::State;

use super::receiver::Receiver;
use super::webhook::assert_signed;
use super::{SOON, letter, scan, webhook};

/// A desk whose scans end at once.
#[derive(Debug)]
struct InstantDesk(Outbox);

impl Desk for InstantDesk {
    fn submit(&self, submission: Submission) -> Result<Submitted, NotTaken> {
        let Brought::Bytes(event) = submission.event else {
            return Err(NotTaken::NotNow("no bytes".to_owned()));
        };
        let id = String::from_utf8(event).unwrap();
        self.0.tell(letter(&id, Moment::Preliminary));
        self.0.tell(letter(&id, Moment::Final));
        Ok(Submitted {
            scan: scan(&id, State::Done),
            is_new: true,
        })
    }
}

#[test]
fn from_the_folder_to_the_receiver_takes_well_below_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let alerts = folder.path().join("alerts");
    fs::create_dir(&alerts).unwrap();
    let receiver = Receiver::start([]);
    let receivers = vec![webhook(&receiver.url(), folder.path())];
    let doors = folder.path().join("doors.sqlite");
    let outbox = Outbox::open(&doors, receivers, SOON).unwrap();
    let desk = Arc::new(InstantDesk(outbox));
    let _watched = WatchedFolder::watch(&alerts, &doors, desk).unwrap();
    let mut took: Vec<Duration> = (0..9)
        .map(|n| {
            let dropped = Instant::now();
            let name = n.to_string();
            fs::write(alerts.join(&name), &name).unwrap();
            loop {
                let requests = receiver.await_requests(n + 1);
                let mut ends = requests.iter().filter(|request| {
                    let letter = request.json();
                    letter["moment"] == "final" && letter["scan"]["id"] == name.as_str()
                });
                if let Some(end) = ends.next() {
                    assert_signed(end);
                    return end.at - dropped;
                }
                std::thread::yield_now();
            }
        })
        .collect();
    took.sort_unstable();
    #[expect(clippy::print_stdout, reason = "the figures are what is asked for")]
    {
        println!("from the folder to the receiver: {took:?}");
    }
    assert!(took[4] < Duration::from_millis(800), "{took:?}");
}
