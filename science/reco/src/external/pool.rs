//! The programs that run and have nothing to do, how long a task may take them, and the pause before
//! another one is started.
//!
//! Decision: One pixel of a task may take the whole limit (`docs/decisions.md`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::ProgramError;
use super::program::{Limits, Program};
use super::running::Running;

/// Pause before a start after the first failure; doubled with each further one.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// So many programs in a row without one good answer are enough.
const MOST_BARREN: u32 = 6;
/// How long nothing is started then, and every task fails at once.
const LEFT_ALONE: Duration = Duration::from_secs(10);
/// How much longer than usual most pixels of a task may take.
const PATIENCE: f64 = 10.0;

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
    /// Programs that had to be given up since the last good answer, and never gave one.
    n_barren: u32,
    /// What was wrong with the last one.
    last: String,
    /// Nothing is started before.
    left_alone_until: Option<Instant>,
    n_pixels: u64,
    busy: Duration,
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
            state.pause(Instant::now())?
        };
        tokio::time::sleep(pause).await;
        let started = Running::start(&self.program).await;
        started.inspect_err(|error| self.failed(false, error))
    }

    /// It answered well and is free for another task.
    pub(super) fn put_back(&self, running: Running, n_pixels: usize, busy: Duration) {
        let mut state = self.lock();
        state.n_barren = 0;
        state.left_alone_until = None;
        state.n_pixels += n_pixels as u64;
        state.busy += busy;
        state.idle.push(running);
    }

    /// A program had to be given up.
    pub(super) fn failed(&self, has_answered: bool, error: &ProgramError) {
        self.lock().failed(has_answered, error, Instant::now());
    }

    /// How long a task of so many pixels may take.
    pub(super) fn limit(&self, n_pixels: usize) -> Duration {
        self.lock().limit(self.program.limits(), n_pixels)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long to wait before another start.
    fn pause(&mut self, now: Instant) -> Result<Duration, ProgramError> {
        if self.n_barren >= MOST_BARREN {
            if self.left_alone_until.is_some_and(|until| now < until) {
                return Err(ProgramError::Barren {
                    n_starts: self.n_barren,
                    last: self.last.clone(),
                });
            }
            // One may try; the others fail until it is known how that went.
            self.left_alone_until = Some(now + LEFT_ALONE);
            return Ok(Duration::ZERO);
        }
        Ok(match self.n_barren.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => (PAUSE * 2u32.pow(doublings.min(16))).min(LONGEST_PAUSE),
        })
    }

    /// One that has answered before is no reason to expect nothing of the next one, but it is not
    /// started in a frenzy either.
    fn failed(&mut self, has_answered: bool, error: &ProgramError, now: Instant) {
        self.n_barren = match has_answered {
            true => self.n_barren.max(1),
            false => self.n_barren.saturating_add(1),
        };
        if self.n_barren >= MOST_BARREN {
            self.left_alone_until = Some(now + LEFT_ALONE);
        }
        self.last = error.to_string();
    }

    fn limit(&self, limits: Limits, n_pixels: usize) -> Duration {
        let usual = match self.n_pixels {
            0 => limits.pixel,
            n_before => (self.busy.div_f64(n_before as f64).mul_f64(PATIENCE)).min(limits.pixel),
        };
        let n_others = u32::try_from(n_pixels.saturating_sub(1)).unwrap_or(u32::MAX);
        limits.pixel.saturating_add(usual.saturating_mul(n_others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> ProgramError {
        ProgramError::Refused("any".to_owned())
    }

    fn after(n_barren: u32) -> State {
        let mut state = State::default();
        (0..n_barren).for_each(|_| state.failed(false, &failure(), Instant::now()));
        state
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let now = Instant::now();
        let pauses = [0, 1, 2, 3, 5].map(|n| after(n).pause(now).unwrap().as_millis());
        assert_eq!(pauses, [0, 100, 200, 400, 1600]);
    }

    #[test]
    fn a_program_that_never_answers_is_left_alone_and_then_tried_once() {
        let mut state = after(MOST_BARREN);
        let now = Instant::now();
        let told = state.pause(now).unwrap_err().to_string();
        assert!(told.contains("6 starts in a row"), "{told}");
        assert_eq!(state.pause(now + LEFT_ALONE).unwrap(), Duration::ZERO);
        assert!(state.pause(now + LEFT_ALONE).is_err());
    }

    /// Whoever kills all programs of a worker at once costs it no pixel.
    #[test]
    fn programs_that_have_answered_may_all_be_killed() {
        let mut state = State::default();
        (0..100).for_each(|_| state.failed(true, &failure(), Instant::now()));
        assert_eq!(state.pause(Instant::now()).unwrap(), PAUSE);
    }

    #[test]
    fn one_pixel_of_a_task_may_hang_so_long_and_the_others_ten_times_what_is_usual() {
        let limits = Limits {
            start: Duration::ZERO,
            pixel: Duration::from_secs(300),
        };
        let mut state = State::default();
        let limit = |state: &State, n_pixels| state.limit(limits, n_pixels).as_secs();
        assert_eq!([1, 4].map(|n| limit(&state, n)), [300, 1200]);
        (state.n_pixels, state.busy) = (1000, Duration::from_secs(10));
        assert_eq!([1, 1001].map(|n| limit(&state, n)), [300, 400]);
        // No longer than the limit, though.
        state.busy = Duration::from_secs(1_000_000);
        assert_eq!(limit(&state, 4), 1200);
    }
}
