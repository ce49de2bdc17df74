//! Whose turn it is: by priority, then by age. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::scan::{Scan, ScanName};
use crate::settings::Priority;

/// A scan that waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    priority: Reverse<Priority>,
    submitted: String,
    id: ScanName,
}

impl Turn {
    pub(super) fn of(scan: &Scan) -> Self {
        Self {
            priority: Reverse(scan.priority),
            submitted: scan.submitted.clone(),
            id: scan.id.clone(),
        }
    }
}

/// Scans that wait.
#[derive(Debug, Default)]
pub(super) struct Queue(BTreeSet<Turn>);

/// How many scans run, and may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) n_running: usize,
    pub(super) n_urgent: usize,
    pub(super) max_running: usize,
    pub(super) max_urgent: usize,
}

impl Queue {
    pub(super) fn add(&mut self, scan: &Scan) {
        self.0.insert(Turn::of(scan));
    }

    pub(super) fn remove(&mut self, scan: &Scan) {
        self.0.remove(&Turn::of(scan));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes out the scan that is to begin now, if there is room for it: the first of those that can.
    pub(super) fn next(
        &mut self,
        room: Room,
        mut can: impl FnMut(&ScanName) -> bool,
    ) -> Option<ScanName> {
        let is_room = |turn: &Turn| {
            let is_urgent = turn.priority.0 == Priority::Urgent;
            room.n_running < room.max_running || (is_urgent && room.n_urgent < room.max_urgent)
        };
        let turns = self.0.iter().take_while(|turn| is_room(turn));
        let turn = turns.into_iter().find(|turn| can(&turn.id))?.clone();
        self.0.remove(&turn);
        Some(turn.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::tests::scan;

    fn waiting(id: &str, priority: Priority, submitted: &str) -> Scan {
        Scan {
            priority,
            submitted: submitted.to_owned(),
            ..scan(id)
        }
    }

    fn room(n_running: usize, n_urgent: usize) -> Room {
        Room {
            n_running,
            n_urgent,
            max_running: 2,
            max_urgent: 1,
        }
    }

    #[test]
    fn the_urgent_and_the_old_come_first() {
        let mut queue = Queue::default();
        queue.add(&waiting("c", Priority::Background, "1"));
        queue.add(&waiting("b", Priority::Normal, "3"));
        queue.add(&waiting("a", Priority::Normal, "2"));
        queue.add(&waiting("d", Priority::Urgent, "4"));
        let order: Vec<String> =
            std::iter::from_fn(|| queue.next(room(0, 0), |_| true).map(|id| id.0)).collect();
        assert_eq!(order, ["d", "a", "b", "c"]);
    }

    #[test]
    fn only_the_urgent_begin_beyond_the_bound() {
        let mut queue = Queue::default();
        queue.add(&waiting("a", Priority::Normal, "1"));
        assert_eq!(queue.next(room(2, 0), |_| true), None);
        queue.add(&waiting("b", Priority::Urgent, "2"));
        assert_eq!(queue.next(room(3, 1), |_| true), None);
        assert_eq!(
            queue.next(room(2, 0), |_| true),
            Some(ScanName("b".to_owned()))
        );
        assert_eq!(queue.next(room(2, 1), |_| true), None);
        assert_eq!(
            queue.next(room(1, 1), |_| true),
            Some(ScanName("a".to_owned()))
        );
    }

    #[test]
    fn who_cannot_begin_holds_nobody_up() {
        let mut queue = Queue::default();
        queue.add(&waiting("a", Priority::Urgent, "1"));
        queue.add(&waiting("b", Priority::Normal, "2"));
        let can = |id: &ScanName| id.0 != "a";
        assert_eq!(queue.next(room(0, 0), can), Some(ScanName("b".to_owned())));
        assert_eq!(queue.next(room(0, 0), can), None);
        assert_eq!(
            queue.next(room(0, 0), |_| true),
            Some(ScanName("a".to_owned()))
        );
    }
}
