//! Tasks that avoid workers (C14), joined by whom they avoid.
//!
//! A worker that fails everything leaves thousands of tasks that all avoid it and nobody else. Joined,
//! they cost a link in turn one look instead of one each.

use std::collections::VecDeque;

use super::{links::Links, scan::Ready};
use crate::WorkerId;

/// Tasks that wait for a link of another worker.
#[derive(Debug, Default)]
pub(super) struct Avoiding {
    /// In the order in which they came up: random ids must not decide who is first.
    groups: Vec<Group>,
}

/// Tasks that avoid the same workers.
#[derive(Debug)]
struct Group {
    /// Sorted, none twice.
    workers: Vec<WorkerId>,
    tasks: VecDeque<Ready>,
}

impl Avoiding {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn push_back(&mut self, ready: Ready) {
        self.group(&ready.avoid).push_back(ready);
    }

    pub(super) fn push_front(&mut self, ready: Ready) {
        self.group(&ready.avoid).push_front(ready);
    }

    /// Takes a task that a link of this worker may get, if there is one.
    pub(super) fn take(&mut self, worker: WorkerId, links: &Links) -> Option<Ready> {
        let may = |group: &Group| {
            group.workers.binary_search(&worker).is_err() || !links.any_beside(&group.workers)
        };
        let at = self.groups.iter().position(may)?;
        let ready = self.groups[at].tasks.pop_front();
        if self.groups[at].tasks.is_empty() {
            self.groups.remove(at);
        }
        ready
    }

    /// Forgets all; returns how many tasks that were.
    pub(super) fn clear(&mut self) -> usize {
        let n_tasks = self.len();
        self.groups.clear();
        n_tasks
    }

    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.tasks.len()).sum()
    }

    fn group(&mut self, avoid: &[WorkerId]) -> &mut VecDeque<Ready> {
        let mut workers = avoid.to_vec();
        workers.sort_unstable();
        workers.dedup();
        let known = self
            .groups
            .iter()
            .position(|group| group.workers == workers);
        let at = known.unwrap_or_else(|| {
            let tasks = VecDeque::new();
            self.groups.push(Group { workers, tasks });
            self.groups.len() - 1
        });
        &mut self.groups[at].tasks
    }
}
