//! What Scanner and keeper tell each other without a message.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;

/// So many rows may wait for the disk; then nothing more is handed out until there are half as many.
const MOST_WAITING: usize = 100_000;

/// What Scanner and keeper both look at.
#[derive(Debug, Default)]
pub(super) struct Shared {
    n_waiting: AtomicUsize,
    is_stuck: AtomicBool,
    gives_up: AtomicBool,
    /// The thread that sleeps between two tries, where one does.
    sleeper: OnceLock<Thread>,
}

impl Shared {
    /// So many rows more wait.
    pub(super) fn put(&self, n_rows: usize) {
        self.n_waiting.fetch_add(n_rows, Ordering::SeqCst);
    }

    /// Whether nothing more is to be handed out for now.
    pub(super) fn is_paused(&self) -> bool {
        self.is_stuck.load(Ordering::SeqCst) || self.n_waiting.load(Ordering::SeqCst) > MOST_WAITING
    }

    /// Nobody waits any more for what cannot be written.
    pub(super) fn give_up(&self) {
        self.gives_up.store(true, Ordering::SeqCst);
        if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    /// This thread sleeps between two tries; it is woken when nobody waits any more.
    pub(super) fn sleeps(&self, thread: Thread) {
        self.sleeper.get_or_init(|| thread);
    }

    /// So many rows are written; returns whether that ended a pause.
    pub(super) fn written(&self, n_rows: usize) -> bool {
        let before = self.n_waiting.fetch_sub(n_rows, Ordering::SeqCst);
        let was_stuck = self.is_stuck.swap(false, Ordering::SeqCst);
        let half = MOST_WAITING / 2;
        was_stuck || (before > half && before - n_rows <= half)
    }

    /// The disk takes nothing.
    pub(super) fn stuck(&self) {
        self.is_stuck.store(true, Ordering::SeqCst);
    }

    /// Whether nobody waits any more for what could not be written.
    pub(super) fn gives_up(&self) -> bool {
        self.gives_up.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_rows_pause_a_scan_until_half_of_them_are_written() {
        let shared = Shared::default();
        shared.put(MOST_WAITING);
        assert!(!shared.is_paused());
        shared.put(1);
        assert!(shared.is_paused());
        // What goes on is told once, by the batch that comes down to the half.
        assert!(!shared.written(MOST_WAITING / 2));
        assert!(shared.written(1));
        assert!(!shared.written(1));
        shared.stuck();
        assert!(shared.is_paused());
        assert!(shared.written(1), "the disk took something again");
        assert!(!shared.is_paused());
    }
}
