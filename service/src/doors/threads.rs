//! Threads that end when they are told so.

use std::io;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How long the end of threads is waited for. One that hangs in the system is left alone then.
const FAREWELL: Duration = Duration::from_secs(3);

/// Whether the service ends.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Says that it does.
    pub fn set(&self) {
        let (is_set, changed) = &*self.0;
        *is_set.lock() = true;
        changed.notify_all();
    }

    /// Whether it does.
    pub fn is_set(&self) -> bool {
        *self.0.0.lock()
    }

    /// Waits so long, or until the service ends; returns whether it does.
    pub fn wait(&self, time: Duration) -> bool {
        let (is_set, changed) = &*self.0;
        let until = Instant::now() + time;
        let mut is_set = is_set.lock();
        while !*is_set && !changed.wait_until(&mut is_set, until).timed_out() {}
        *is_set
    }
}

/// Threads of one door. Dropped, they are told to end, and waited for a while.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    stop: Stop,
    alive: Arc<Alive>,
}

#[derive(Debug, Default)]
struct Alive {
    n_threads: Mutex<usize>,
    changed: Condvar,
}

/// One thread that lives; dropped with it.
struct Life(Arc<Alive>);

impl Life {
    fn begin(alive: &Arc<Alive>) -> Self {
        *alive.n_threads.lock() += 1;
        Self(Arc::clone(alive))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        *self.0.n_threads.lock() -= 1;
        self.0.changed.notify_all();
    }
}

impl Threads {
    /// What tells them to end.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Starts one.
    pub(crate) fn start(
        &self,
        name: &str,
        what: impl FnOnce(&Stop) + Send + 'static,
    ) -> io::Result<()> {
        let (stop, life) = (self.stop.clone(), Life::begin(&self.alive));
        let thread = Builder::new().name(name.to_owned());
        thread.spawn(move || {
            what(&stop);
            drop(life);
        })?;
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.set();
        let until = Instant::now() + FAREWELL;
        let mut n_threads = self.alive.n_threads.lock();
        while *n_threads > 0
            && !self
                .alive
                .changed
                .wait_until(&mut n_threads, until)
                .timed_out()
        {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn threads_end_when_they_are_dropped() {
        let threads = Threads::default();
        let (tell, told) = channel();
        threads
            .start("waits", move |stop| {
                tell.send(stop.wait(Duration::from_secs(60))).unwrap();
            })
            .unwrap();
        drop(threads);
        assert!(told.try_recv().unwrap());
    }

    #[test]
    fn a_wait_is_over_in_time() {
        assert!(!Stop::default().wait(Duration::from_millis(5)));
    }
}
