//! The programs that run and have nothing to do, and the pause before another one is started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::ProgramError;
use super::program::Program;
use super::running::Running;

/// Pause before a start after the first failure; doubled with each further one.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Running programs of one command line. There are never more than tasks that are evaluated at the
/// same time.
#[derive(Debug)]
pub(super) struct Pool {
    program: Program,
    state: Mutex<State>,
    n_events: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Running>,
    /// Since the last good answer.
    n_failures: u32,
}

impl Pool {
    pub(super) fn new(program: Program) -> Self {
        Self {
            program,
            state: Mutex::default(),
            n_events: AtomicU64::new(0),
        }
    }

    /// A number for an event, different from all before.
    pub(super) fn next_event(&self) -> u64 {
        self.n_events.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A program with nothing to do, best one that knows the event; a new one if there is none, or
    /// if it shall be new.
    pub(super) async fn take(&self, event: u64, afresh: bool) -> Result<Running, ProgramError> {
        let pause = {
            let mut state = self.lock();
            // Some may have been killed meanwhile.
            state.idle.retain_mut(Running::is_alive);
            let knows_it = state.idle.iter().rposition(|idle| idle.knows(event));
            let idle = match knows_it {
                Some(at) => Some(state.idle.swap_remove(at)),
                None => state.idle.pop(),
            };
            // One that is not used makes place for the new one.
            if let Some(running) = idle.filter(|_| !afresh) {
                return Ok(running);
            }
            state.pause()
        };
        tokio::time::sleep(pause).await;
        Running::start(&self.program).await
    }

    /// It answered well and is free for another task.
    pub(super) fn put_back(&self, running: Running) {
        let mut state = self.lock();
        state.n_failures = 0;
        state.idle.push(running);
    }

    /// A program had to be given up.
    pub(super) fn count_failure(&self) {
        let mut state = self.lock();
        state.n_failures = state.n_failures.saturating_add(1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pause(&self) -> Duration {
        match self.n_failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => (PAUSE * 2u32.pow(doublings.min(16))).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let pause = |n_failures| State {
            idle: vec![],
            n_failures,
        };
        let pauses = [0, 1, 2, 3, 8, 100].map(|n| pause(n).pause().as_millis());
        assert_eq!(pauses, [0, 100, 200, 400, 10_000, 10_000]);
    }
}
