//! Tasks that avoid workers (C14), joined by whom they avoid.
//!
//! A worker that fails everything leaves thousands of tasks that all avoid it and nobody else. Joined,
//! they cost a link in turn one look instead of one each.
//!
//! Whoever could take what others avoid may never do so: it hangs, or gives back whatever it gets. So a task waits
//! for it no longer than a lease lives, counted from when a link was passed over for the first time.

use std::{collections::VecDeque, time::Duration};

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
    /// Since when links with room are passed over, and nobody else takes any of them.
    passed_over: Option<Duration>,
    /// How many went to such links meanwhile.
    n_taken: u32,
}

impl Group {
    /// When the next one may go to anybody. Each waits half as long as the one before it: nobody else comes.
    fn due(&self, patience: Duration) -> Option<Duration> {
        let since = self.passed_over?;
        Some(since + patience / 2_u32.saturating_pow(self.n_taken))
    }
}

impl Avoiding {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn push_back(&mut self, ready: Ready) {
        self.group(&ready).tasks.push_back(ready);
    }

    pub(super) fn push_front(&mut self, ready: Ready) {
        self.group(&ready).tasks.push_front(ready);
    }

    /// Takes a task that a link of this worker may get, if there is one.
    pub(super) fn take(
        &mut self,
        worker: WorkerId,
        links: &Links,
        now: Duration,
        patience: Duration,
    ) -> Option<Ready> {
        let is_avoided = |group: &Group| {
            group.workers.binary_search(&worker).is_ok() && links.any_beside(&group.workers)
        };
        let may = |group: &mut Group| {
            if !is_avoided(group) {
                return true;
            }
            group.passed_over.get_or_insert(now);
            group.due(patience).is_some_and(|due| now >= due)
        };
        let at = self.groups.iter_mut().position(may)?;
        let group = &mut self.groups[at];
        let ready = group.tasks.pop_front();
        let passed_over = group.passed_over;
        (group.passed_over, group.n_taken) = match is_avoided(group) {
            true => (Some(now), group.n_taken.saturating_add(1)),
            false => (None, 0),
        };
        if group.tasks.is_empty() {
            self.groups.remove(at);
        }
        ready.map(|ready| Ready {
            passed_over: earliest(ready.passed_over, passed_over),
            ..ready
        })
    }

    /// When a task will have waited for others for long enough.
    pub(super) fn next_due(&self, patience: Duration) -> Option<Duration> {
        self.groups
            .iter()
            .filter_map(|group| group.due(patience))
            .min()
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

    /// Where a task belongs.
    fn group(&mut self, ready: &Ready) -> &mut Group {
        let mut workers = ready.avoid.clone();
        workers.sort_unstable();
        workers.dedup();
        let known = self
            .groups
            .iter()
            .position(|group| group.workers == workers);
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group {
                workers,
                tasks: VecDeque::new(),
                passed_over: None,
                n_taken: 0,
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        group.passed_over = earliest(group.passed_over, ready.passed_over);
        group
    }
}

fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
