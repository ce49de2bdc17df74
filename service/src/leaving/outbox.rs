//! Letters, kept until each receiver has taken them.
//!
//! Letters about one scan are handed over in order, one after the other; those about different
//! scans are not held up by each other. A receiver gets a letter at least once: again when it took
//! the letter and the service was killed before it knew, always with the same id. A contour that
//! waits when a later letter about its scan comes is dropped; an end never is.

mod kept;
mod queue;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::doors::{Letter, Pace, Stop, Tells, Threads};
use crate::scan::ScanName;

use super::{NotDelivered, Receiver};
use kept::Kept;
use queue::{Next, Queue};

/// Letters that are on their way to one receiver at once.
const AT_ONCE: usize = 4;
/// How soon it is tried again to write letters down.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// No receiver is left alone for longer, whatever it asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why there is no outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Its tables.
    #[error("cannot keep letters in {0}: {1}")]
    Kept(PathBuf, #[source] rusqlite::Error),
    /// Its threads.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Keeps letters, and hands them over. Dropped, it stops to; what waits is handed over by the next one.
#[derive(Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
    threads: Threads,
}

#[derive(Debug)]
struct Shared {
    /// Locked before any desk's queue.
    kept: Mutex<Kept>,
    /// Letters that could not be written down yet, in order.
    unwritten: Mutex<Vec<Letter>>,
    counters: Vec<Counter>,
    pace: Pace,
}

/// A receiver, and what waits for it.
#[derive(Debug)]
struct Counter {
    receiver: Box<dyn Receiver>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Outbox {
    /// Opens the outbox in a file, and begins to hand over what waits in there. Each
    /// receiver has a name of its own.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn open(
        file: &Path,
        receivers: Vec<Box<dyn Receiver>>,
        pace: Pace,
    ) -> Result<Self, OutboxError> {
        let failed = |error| OutboxError::Kept(file.to_owned(), error);
        let kept = Kept::open(file).map_err(failed)?;
        let mut counters = Vec::new();
        for receiver in receivers {
            let mut queue = Queue::default();
            for (scan, number) in kept.waiting(receiver.name()).map_err(failed)? {
                queue.push(&scan, number);
            }
            counters.push(Counter {
                receiver,
                queue: Mutex::new(queue),
                changed: Condvar::new(),
            });
        }
        let names: Vec<&str> = counters.iter().map(|c| c.receiver.name()).collect();
        for (receiver, n_letters) in kept.waiting_for_others(&names).map_err(failed)? {
            tracing::warn!(
                receiver,
                n_letters,
                "letters wait for somebody who is not there now, and are kept"
            );
        }
        let shared = Arc::new(Shared {
            kept: Mutex::new(kept),
            unwritten: Mutex::default(),
            counters,
            pace,
        });
        let threads = Threads::default();
        for at in 0..shared.counters.len() {
            for _ in 0..AT_ONCE {
                let shared = Arc::clone(&shared);
                let started = threads.start("outbox", move |stop| shared.serve(at, stop));
                started.map_err(OutboxError::Thread)?;
            }
        }
        Ok(Self { shared, threads })
    }

    /// How many letters wait for each receiver.
    pub fn n_waiting(&self) -> Vec<(String, usize)> {
        let counters = self.shared.counters.iter();
        let counted = counters.map(|counter| {
            let name = counter.receiver.name().to_owned();
            (name, counter.queue.lock().n_letters())
        });
        counted.collect()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.threads.stop().set();
        for counter in &self.shared.counters {
            // Whoever looks at the queue now sees that the service ends, or hears of it.
            let _queue = counter.queue.lock();
            counter.changed.notify_all();
        }
    }
}

impl Tells for Outbox {
    fn tell(&self, letter: Letter) {
        if self.shared.counters.is_empty() {
            return;
        }
        let mut unwritten = self.shared.unwritten.lock();
        unwritten.push(letter);
        self.shared.write(&mut unwritten);
        if !unwritten.is_empty() {
            for counter in &self.shared.counters {
                let _queue = counter.queue.lock();
                counter.changed.notify_one();
            }
        }
    }

    /// is not told.
    fn forget(&self, scan: &ScanName) {
        let kept = self.shared.kept.lock();
        if let Err(error) = kept.forget(&scan.0) {
            tracing::warn!(scan = scan.0, "its letters stay in its file: {error}");
        }
        for counter in &self.shared.counters {
            counter.queue.lock().forget(&scan.0);
        }
    }
}

impl Shared {
    /// Writes down what is not yet, in order, and puts it into the queues.
    fn write(&self, unwritten: &mut Vec<Letter>) {
        let mut n_written = 0;
        let mut kept = self.kept.lock();
        let names: Vec<&str> = self.counters.iter().map(|c| c.receiver.name()).collect();
        for letter in &*unwritten {
            let entered = match kept.enter(letter, &names) {
                Ok(entered) => entered,
                Err(error) => {
                    let (scan, moment) = (&letter.scan.id.0, letter.moment.word());
                    tracing::error!(
                        scan,
                        moment,
                        "a letter cannot be written down and is told later: {error}; is the disk full?"
                    );
                    break;
                }
            };
            n_written += 1;
            let Some(entered) = entered else {
                continue;
            };
            for counter in &self.counters {
                let mut queue = counter.queue.lock();
                queue.remove(&letter.scan.id.0, &entered.superseded);
                queue.push(&letter.scan.id.0, entered.number);
                counter.changed.notify_one();
            }
        }
        unwritten.drain(..n_written);
    }

    /// Hands over letters to one receiver until the service ends.
    fn serve(&self, at: usize, stop: &Stop) {
        let counter = &self.counters[at];
        while let Some(next) = self.next(counter, stop) {
            let read = self.kept.lock().read(next.number);
            let outcome = match read {
                Ok(Some(letter)) => {
                    let begun = Instant::now();
                    let outcome = counter.receiver.hand_over(&letter, stop);
                    let receiver = counter.receiver.name();
                    let (id, scan, moment) = (letter.id, letter.scan, letter.moment.word());
                    let took_ms = begun.elapsed().as_millis();
                    match &outcome {
                        Ok(()) => tracing::info!(receiver, scan, moment, id, took_ms, "was told"),
                        Err(NotDelivered::Now { why, .. }) => {
                            tracing::warn!(
                                receiver,
                                scan,
                                moment,
                                id,
                                took_ms,
                                "could not be told and will be again: {why}"
                            );
                        }
                        Err(NotDelivered::Ever(why)) => {
                            tracing::warn!(
                                receiver,
                                scan,
                                moment,
                                id,
                                "does not want to be told: {why}; this letter is given up"
                            );
                        }
                    }
                    outcome
                }
                // It was superseded, or forgotten, this moment.
                Ok(None) => Ok(()),
                Err(error) => Err(NotDelivered::now(format!("it cannot be read: {error}"))),
            };
            self.settle(counter, &next, outcome);
        }
    }

    /// Waits for a letter that is due. None when the service ends.
    fn next(&self, counter: &Counter, stop: &Stop) -> Option<Next> {
        loop {
            if let Some(mut unwritten) = self.unwritten.try_lock()
                && !unwritten.is_empty()
            {
                self.write(&mut unwritten);
            }
            let mut queue = counter.queue.lock();
            if stop.is_set() {
                return None;
            }
            match queue.take(Instant::now()) {
                Ok(next) => return Some(next),
                Err(due) => {
                    // Whoever writes now, or could not, tells of it when this queue is unlocked.
                    let unwritten = self.unwritten.try_lock();
                    let is_all_written = unwritten.is_some_and(|unwritten| unwritten.is_empty());
                    let again = (!is_all_written).then(|| Instant::now() + WRITE_AGAIN);
                    match due.into_iter().chain(again).min() {
                        Some(until) => {
                            let _late = counter.changed.wait_until(&mut queue, until);
                        }
                        None => counter.changed.wait(&mut queue),
                    }
                }
            }
        }
    }

    fn settle(&self, counter: &Counter, next: &Next, outcome: Result<(), NotDelivered>) {
        let again = match outcome {
            Err(NotDelivered::Now { wait, .. }) => {
                let pause = wait.map(|wait| wait.min(LONGEST_WAIT));
                Some((self.pace.after(next.n_failures + 1), pause))
            }
            Ok(()) | Err(NotDelivered::Ever(_)) => {
                let taken = self.kept.lock().taken(next.number, counter.receiver.name());
                if let Err(error) = taken {
                    tracing::warn!(
                        scan = next.scan,
                        "a letter will be told again after a restart: {error}"
                    );
                }
                None
            }
        };
        let mut queue = counter.queue.lock();
        let now = Instant::now();
        match again {
            None => queue.taken(next, now),
            Some((wait, pause)) => {
                queue.failed(next, now + wait.max(pause.unwrap_or_default()));
                if let Some(pause) = pause {
                    queue.pause(now + pause);
                }
            }
        }
        counter.changed.notify_all();
    }
}
