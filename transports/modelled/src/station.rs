//! A machine that every message passes: one processor, then one network interface.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::network::Message;

/// What a station takes and allows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StationModel {
    /// Processor time per message.
    pub message: Duration,
    /// Processor time per task or result in it.
    pub task: Duration,
    /// Processor time per connection that is opened.
    pub connect: Duration,
    /// What its network interface sends; without end if absent.
    pub bits_per_s: Option<f64>,
    /// Most connections at a time; any number if absent.
    pub connections: Option<usize>,
}

/// A station at work.
#[derive(Debug)]
pub(crate) struct Station {
    model: StationModel,
    processor: Server,
    interface: Server,
    door: Option<Arc<Semaphore>>,
}

impl Station {
    pub(crate) fn new(model: StationModel) -> Self {
        Self {
            processor: Server::default(),
            interface: Server::default(),
            door: model.connections.map(|n| Arc::new(Semaphore::new(n))),
            model,
        }
    }

    /// When a message that comes at this time has been dealt with.
    pub(crate) fn handle(&self, comes: Instant, message: Message) -> Instant {
        let tasks = self.model.task.mul_f64(message.n_tasks as f64);
        let itself = match message.joins {
            true => Duration::ZERO,
            false => self.model.message,
        };
        self.processor.serve(comes, itself + tasks)
    }

    /// When a message that comes at this time has been dealt with and sent on.
    pub(crate) fn send(&self, comes: Instant, message: Message) -> Instant {
        let handled = self.handle(comes, message);
        match self.model.bits_per_s {
            Some(bits_per_s) => {
                let takes = transfer(message.n_bytes, bits_per_s);
                self.interface.serve(handled, takes)
            }
            None => handled,
        }
    }

    /// When a connection that is asked for at this time is open.
    pub(crate) fn connect(&self, comes: Instant) -> Instant {
        self.processor.serve(comes, self.model.connect)
    }

    /// Waits until it takes one more connection; that lasts until the permit is dropped.
    pub(crate) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let door = Arc::clone(self.door.as_ref()?);
        // It is never closed.
        door.acquire_owned().await.ok()
    }

    /// How long processor and network interface were busy until now.
    pub(crate) fn busy(&self, now: Instant) -> [Duration; 2] {
        [self.processor.busy(now), self.interface.busy(now)]
    }
}

/// How long so many bytes take on a wire.
pub(crate) fn transfer(n_bytes: u64, bits_per_s: f64) -> Duration {
    Duration::from_secs_f64(8.0 * n_bytes as f64 / bits_per_s)
}

/// Serves one after the other, first come, first served.
#[derive(Debug, Default)]
pub(crate) struct Server(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    /// When it will be done with everything that has come so far.
    free_at: Option<Instant>,
    /// All work that has come so far.
    work: Duration,
}

impl Server {
    /// When work that comes at this time is done.
    pub(crate) fn serve(&self, comes: Instant, takes: Duration) -> Instant {
        let mut queue = self.0.lock();
        let begins = queue.free_at.map_or(comes, |free_at| free_at.max(comes));
        queue.work += takes;
        queue.free_at = Some(begins + takes);
        begins + takes
    }

    fn busy(&self, now: Instant) -> Duration {
        let queue = self.0.lock();
        let ahead = queue.free_at.map(|at| at.saturating_duration_since(now));
        queue.work.saturating_sub(ahead.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn message(n_tasks: usize, n_bytes: u64) -> Message {
        Message {
            joins: false,
            n_tasks,
            n_bytes,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_it_works_waits() {
        let now = Instant::now();
        let station = Station::new(StationModel {
            message: 2 * MS,
            task: 3 * MS,
            bits_per_s: Some(8000.0),
            ..StationModel::default()
        });
        assert_eq!(station.handle(now, message(1, 0)), now + 5 * MS);
        assert_eq!(station.handle(now + MS, message(0, 0)), now + 7 * MS);
        assert_eq!(station.send(now + 20 * MS, message(0, 10)), now + 32 * MS);
        assert_eq!(station.send(now + 21 * MS, message(0, 10)), now + 42 * MS);
        let [processor, interface] = station.busy(now + 27 * MS);
        assert_eq!((processor, interface), (11 * MS, 5 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_door_opens_when_somebody_goes() {
        let station = Station::new(StationModel {
            connections: Some(1),
            ..StationModel::default()
        });
        let first = station.enter().await;
        assert!(first.is_some());
        let second = tokio::time::timeout(MS, station.enter());
        assert!(second.await.is_err());
        drop(first);
        assert!(station.enter().await.is_some());
    }
}
