//! Tasks that wait at a link until it has credit for them, within a budget of memory.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use skyscan_transport::{LeaseToken, Priority, ScanId, TaskId, WorkerId};
use tokio::time::Instant;

use crate::wire::Scan;

/// Most bytes that wait at one link. Every hub of the place may lease it twice its credit, and those
/// who read the broker's queues need not be hubs of ours.
const MAX_BYTES: usize = 64 << 20;

/// A task that a hub has leased to a link while other hubs' tasks hold the link's credit, or are
/// to find room.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) scan: Scan,
    pub(super) priority: Priority,
    pub(super) session: u32,
    pub(super) token: LeaseToken,
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) avoid: Vec<WorkerId>,
    pub(super) body: Bytes,
    pub(super) since: Instant,
}

/// What waits, by priority in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Waitlist {
    /// None of them empty.
    tasks: BTreeMap<Priority, VecDeque<Waiting>>,
    n_of: HashMap<ScanId, usize>,
    n_bytes: usize,
}

impl Waitlist {
    /// Whether a task of so many bytes may wait, too.
    pub(super) fn has_room(&self, n_bytes: usize) -> bool {
        self.n_bytes + n_bytes <= MAX_BYTES
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.n_bytes += waiting.body.len();
        *self.n_of.entry(waiting.scan.id).or_default() += 1;
        let tasks = self.tasks.entry(waiting.priority).or_default();
        tasks.push_back(waiting);
    }

    /// Takes the first one of a priority.
    pub(super) fn pop(&mut self, priority: Priority) -> Option<Waiting> {
        let tasks = self.tasks.get_mut(&priority)?;
        let waiting = tasks.pop_front();
        if tasks.is_empty() {
            self.tasks.remove(&priority);
        }
        let waiting = waiting?;
        self.n_bytes -= waiting.body.len();
        if let Some(n_tasks) = self.n_of.get_mut(&waiting.scan.id) {
            *n_tasks -= 1;
            if *n_tasks == 0 {
                self.n_of.remove(&waiting.scan.id);
            }
        }
        Some(waiting)
    }

    /// The priorities of which something waits, the lowest first.
    pub(super) fn priorities(&self) -> impl DoubleEndedIterator<Item = Priority> {
        self.tasks.keys().copied()
    }

    /// Whether something waits of this priority or a higher one.
    pub(super) fn any_from(&self, priority: Priority) -> bool {
        self.tasks.range(priority..).next().is_some()
    }

    /// How many tasks of a hub wait.
    pub(super) fn n_of(&self, scan: ScanId) -> usize {
        self.n_of.get(&scan).copied().unwrap_or_default()
    }

    /// How many tasks wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.n_of.values().sum()
    }

    /// Takes from the front of each priority what is like this.
    pub(super) fn take_first_while(&mut self, is_one: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let mut taken = Vec::new();
        let priorities: Vec<Priority> = self.priorities().collect();
        for priority in priorities {
            let front = |list: &Self| {
                list.tasks
                    .get(&priority)
                    .and_then(VecDeque::front)
                    .is_some_and(&is_one)
            };
            while front(self) {
                taken.extend(self.pop(priority));
            }
        }
        taken
    }

    /// Forgets what a hub has leased.
    pub(super) fn forget(&mut self, scan: ScanId) {
        self.n_of.remove(&scan);
        self.tasks.retain(|_, tasks| {
            tasks.retain(|waiting| waiting.scan.id != scan);
            !tasks.is_empty()
        });
        let waiting = self.tasks.values().flatten();
        self.n_bytes = waiting.map(|waiting| waiting.body.len()).sum();
    }
}
