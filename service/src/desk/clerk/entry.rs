//! A scan that has not ended, as the clerk has it.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::desk::Unchanged;
use crate::folder::Record;
use crate::live::Live;
use crate::scan::Scan;
use crate::settings::Priority;

#[derive(Debug)]
pub(super) struct Entry {
    /// As it is on the disk.
    pub(super) record: Record,
    /// As it is seen.
    pub(super) live: Arc<Live>,
    /// The run that is being made.
    pub(super) run: Option<Run>,
}

/// One run of a scan, from begin to end.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) then: Then,
}

/// What is to be done when a run has ended.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing.
    Rest,
    /// It waits for its turn again.
    Queue,
    /// It is cancelled, and they hear of it.
    Cancel(Vec<Sender<Result<Scan, Unchanged>>>),
}

impl Entry {
    pub(super) fn is_urgent(&self) -> bool {
        self.record.scan.priority == Priority::Urgent
    }

    pub(super) fn is_in(&self, run: u64) -> bool {
        self.run.as_ref().is_some_and(|now| now.number == run)
    }
}
