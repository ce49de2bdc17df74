//! Tasks that are past their deadline while later ones have come back: whoever has them may as well be
//! dead, so they keep no slot busy in our books, and good workers get others.
//!
//! Both signs are needed. Late alone is a whole fleet after the pixels have become harder; overtaken
//! alone is any task that is a little larger than the next.
//!
//! Decision: What is stuck holds no slot (`docs/decisions.md`).

use std::collections::BTreeSet;

/// So many later tasks have to come back before one counts as overtaken.
const FEWEST_LATER: usize = 5;

/// The tasks that are stuck, as of the last look at what is out. Those of a wave come after all of
/// the wave before, so none is overtaken by what came earlier.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    /// The latest tasks that came back with a result.
    latest: BTreeSet<u64>,
    out: BTreeSet<u64>,
    losing: BTreeSet<u64>,
}

impl Stuck {
    /// A task came back with a result.
    pub(super) fn returned(&mut self, id: u64) {
        self.latest.insert(id);
        if self.latest.len() > FEWEST_LATER {
            self.latest.pop_first();
        }
    }

    /// A task came to an end.
    pub(super) fn ended(&mut self, id: u64) {
        self.out.remove(&id);
        self.losing.remove(&id);
    }

    /// Whether enough later tasks came back.
    pub(super) fn is_overtaken(&self, id: u64) -> bool {
        self.latest.len() == FEWEST_LATER && self.latest.first().is_some_and(|first| id < *first)
    }

    /// Notes the tasks that are stuck now, among those whose results count and those that have lost.
    pub(super) fn note(&mut self, out: BTreeSet<u64>, losing: BTreeSet<u64>) {
        (self.out, self.losing) = (out, losing);
    }

    /// Whether a task was stuck at the last look.
    pub(super) fn is_stuck(&self, id: u64) -> bool {
        self.out.contains(&id)
    }

    pub(super) fn n_out(&self) -> usize {
        self.out.len()
    }

    pub(super) fn n_losing(&self) -> usize {
        self.losing.len()
    }
}

#[cfg(test)]
mod tests;
