//! The tasks of one scan that wait for a link.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{avoiding::Avoiding, links::Links};
use crate::{Priority, ScanId, TaskFrame, TaskId, WorkerId};

#[derive(Debug)]
pub(super) struct Scan {
    pub(super) id: ScanId,
    pub(super) open: bool,
    pub(super) priority: Priority,
    /// Which one of the levels is that of its priority, while it is open.
    pub(super) level: usize,
    pub(super) backlog: usize,
    pub(super) lease_term: Duration,
    /// Grants nothing while its owner does not take outcomes.
    pub(super) held: bool,
    /// Tasks that any link may get. Nearly all are here, so that granting one is a pop.
    ready: VecDeque<Ready>,
    /// Tasks that avoid a worker, apart, so that none waits behind one that its link may not get.
    avoiding: Avoiding,
    /// How many of the waiting ones were never leased.
    n_fresh: usize,
    /// How many left the backlog since somebody asked.
    pub(super) n_freed: usize,
    /// Leases from the earliest deadline to the latest: one term per scan keeps them in order.
    pub(super) oldest: Option<u32>,
    pub(super) newest: Option<u32>,
}

/// A task that waits for a link.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) task: TaskId,
    /// How many of its leases were lost.
    pub(super) n_lost: u32,
    /// Never leased here, so that it counts as backlog.
    pub(super) is_fresh: bool,
    pub(super) body: Bytes,
    /// Workers that are not to get it while another one could.
    pub(super) avoid: Vec<WorkerId>,
    /// When a link of one of these was passed over for the first time.
    pub(super) passed_over: Option<Duration>,
}

impl Scan {
    pub(super) fn new(
        id: ScanId,
        priority: Priority,
        backlog: usize,
        lease_term: Duration,
    ) -> Self {
        Self {
            id,
            open: true,
            priority,
            level: 0,
            backlog: backlog.max(1),
            lease_term,
            held: false,
            ready: VecDeque::new(),
            avoiding: Avoiding::default(),
            n_fresh: 0,
            n_freed: 0,
            oldest: None,
            newest: None,
        }
    }

    /// Whether a scan of a higher priority is open.
    pub(super) fn is_lower(&self) -> bool {
        self.level > 0
    }

    /// How many more tasks the backlog takes.
    pub(super) fn room(&self) -> usize {
        self.backlog.saturating_sub(self.n_fresh)
    }

    /// Queues a new task behind all others.
    pub(super) fn submit(&mut self, task: TaskFrame) {
        self.n_fresh += 1;
        let ready = Ready {
            task: task.task,
            n_lost: task.lost_above,
            is_fresh: true,
            body: task.body,
            avoid: task.avoid,
            passed_over: None,
        };
        match ready.avoid.is_empty() {
            true => self.ready.push_back(ready),
            false => self.avoiding.push_back(ready),
        }
    }

    /// Queues a task that was leased before all others: it has waited for longer than any of them.
    pub(super) fn requeue(&mut self, ready: Ready) {
        match ready.avoid.is_empty() {
            true => self.ready.push_front(ready),
            false => self.avoiding.push_front(ready),
        }
    }

    /// Takes the task that a link of this worker gets next. Those that avoid somebody come first:
    /// they have failed elsewhere, and fewer links may get them.
    pub(super) fn take(&mut self, worker: WorkerId, links: &Links, now: Duration) -> Option<Ready> {
        let ready = match self.avoiding.is_empty() {
            true => self.ready.pop_front(),
            false => self
                .avoiding
                .take(worker, links, now, self.lease_term)
                .or_else(|| self.ready.pop_front()),
        }?;
        if ready.is_fresh {
            self.n_fresh -= 1;
            self.n_freed += 1;
        }
        Some(ready)
    }

    /// Whether a task may wait here although the link whose turn it is has room.
    pub(super) fn is_choosy(&self) -> bool {
        !self.held && !self.avoiding.is_empty()
    }

    /// When a task will have waited for long enough for others than those that it avoids.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.avoiding.next_due(self.lease_term)
    }

    /// How many tasks wait that avoid somebody.
    #[cfg(test)]
    pub(super) fn n_avoiding(&self) -> usize {
        self.avoiding.len()
    }

    /// Discards what waits; returns how many tasks that were.
    pub(super) fn clear(&mut self) -> usize {
        let n_cleared = self.ready.len() + self.avoiding.clear();
        self.ready = VecDeque::new();
        self.n_freed += std::mem::take(&mut self.n_fresh);
        n_cleared
    }
}
