//! The open scans by priority (C16), the highest first.

use super::scan::Scan;
use crate::Priority;

/// The scans of one priority.
#[derive(Debug)]
pub(super) struct Level {
    priority: Priority,
    /// Their numbers in the table.
    scans: Vec<usize>,
    /// Where the next turn starts, so that no scan starves another one of its priority.
    next: usize,
    /// How many of their tasks wait for a link.
    pub(super) n_ready: usize,
}

impl Level {
    /// How many scans it has.
    pub(super) fn len(&self) -> usize {
        self.scans.len()
    }

    /// The scan whose turn it is; the next turn begins with the one after it.
    pub(super) fn next_scan(&mut self) -> usize {
        let at = self.next % self.scans.len();
        self.next = at + 1;
        self.scans[at]
    }

    /// Its scans.
    pub(super) fn scans<'a>(&'a self, all: &'a [Scan]) -> impl Iterator<Item = &'a Scan> {
        self.scans.iter().map(|&number| &all[number])
    }
}

/// Enters a scan that has no task yet; returns whether the highest level is another one now.
pub(super) fn enter(levels: &mut Vec<Level>, number: usize, scans: &mut [Scan]) -> bool {
    let priority = scans[number].priority;
    let at = levels.partition_point(|level| level.priority > priority);
    let is_new = levels
        .get(at)
        .is_none_or(|level| level.priority != priority);
    if is_new {
        let level = Level {
            priority,
            scans: Vec::new(),
            next: 0,
            n_ready: 0,
        };
        levels.insert(at, level);
    }
    levels[at].scans.push(number);
    tell_scans(levels, scans);
    is_new && at == 0
}

/// Takes a scan out that has no task any more; returns whether the highest level is another one now.
pub(super) fn leave(levels: &mut Vec<Level>, number: usize, scans: &mut [Scan]) -> bool {
    let at = scans[number].level;
    let level = &mut levels[at];
    level.scans.retain(|&other| other != number);
    if !level.scans.is_empty() {
        return false;
    }
    levels.remove(at);
    tell_scans(levels, scans);
    at == 0
}

/// Every scan knows its level, so that counting a task costs no search.
fn tell_scans(levels: &[Level], scans: &mut [Scan]) {
    for (at, level) in levels.iter().enumerate() {
        for &number in &level.scans {
            scans[number].level = at;
        }
    }
}
