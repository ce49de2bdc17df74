//! What the doors' tests share: a desk that takes what it is told to take, and waits on conditions.

use std::collections::BTreeSet;
use std::fmt::{self, Formatter};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{
    Brought, Debug, Desk, NotTaken, Priority, Scan, Settings, Stop, Submission, Submitted,
};
use crate::scan::{EventName, ScanName, State};

/// A scan of this name.
pub(crate) fn scan(id: &str) -> Scan {
    Scan {
        id: ScanName(id.to_owned()),
        state: State::Running,
        priority: Priority::Normal,
        settings: Settings::default(),
        event: EventName {
            run_id: 1,
            event_id: 2,
            mjd: 59000.0,
            stream: String::new(),
        },
        from: "folder".to_owned(),
        submitted: "2026-01-01T00:00:00Z".to_owned(),
        begun: None,
        ended: None,
        best: None,
        area_deg2: None,
        quality: Vec::new(),
        error: None,
        warnings: Vec::new(),
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let late = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < late, "it did not come to that");
        Stop::default().wait(Duration::from_millis(2));
    }
}

type Opinion = dyn Fn(&Submission) -> Result<(), NotTaken> + Send + Sync;

/// A desk that keeps in memory what was brought; the name of a scan is what its event holds.
pub(crate) struct FakeDesk {
    opinion: Box<Opinion>,
    brought: Mutex<Vec<Submission>>,
    scans: Mutex<BTreeSet<String>>,
}

impl FakeDesk {
    /// Takes everything.
    pub(crate) fn willing() -> Arc<Self> {
        Self::with(|_| Ok(()))
    }

    pub(crate) fn with(
        opinion: impl Fn(&Submission) -> Result<(), NotTaken> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            opinion: Box::new(opinion),
            brought: Mutex::default(),
            scans: Mutex::default(),
        })
    }

    /// All that was brought, whether or not it was taken.
    pub(crate) fn brought(&self) -> Vec<Submission> {
        self.brought.lock().clone()
    }

    /// What the events held.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.brought.lock().iter().map(text).collect()
    }

    pub(crate) fn n_brought(&self) -> usize {
        self.brought.lock().len()
    }
}

pub(crate) fn text(submission: &Submission) -> String {
    match &submission.event {
        Brought::File(path) => std::fs::read_to_string(path).unwrap(),
        Brought::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
    }
}

impl Debug for FakeDesk {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("FakeDesk")
    }
}

impl Desk for FakeDesk {
    fn submit(&self, submission: Submission) -> Result<Submitted, NotTaken> {
        let opinion = (self.opinion)(&submission);
        let text = text(&submission);
        self.brought.lock().push(submission);
        opinion?;
        let is_new = self.scans.lock().insert(text.clone());
        let scan = scan(&text);
        Ok(Submitted { scan, is_new })
    }
}
