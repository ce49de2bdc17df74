//! A slower master around a hub: one server that every task passes before it is handed out, first
//! come, first served.
//!
//! A master that collects and hands out in one thread keeps a worker waiting for as long as that
//! thread needs per task, and for those who came before. When the server is done with a task is
//! computed when the task comes; a timer only lets it through. So the rate is exact in the long
//! run, however coarse the timer: it makes tasks late by a millisecond, never the server slow.
//!
//! Decision: An emulated master is a due time, not a pause (`docs/decisions.md`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan_transport::{Hub, PayloadId, Result, ScanId, TaskFrame, TransportError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::scenario::setup::{HubLaw, HubSetup};

/// A hub behind a slower master.
#[derive(Debug)]
pub(in crate::scenario) struct SlowMaster {
    inner: Arc<dyn Hub>,
    queue: mpsc::UnboundedSender<Due>,
    server: Mutex<Server>,
    passed: Arc<Mutex<Passed>>,
}

/// Tasks that were let through.
#[derive(Debug, Default)]
struct Passed {
    n: u32,
    late: Duration,
}

#[derive(Debug)]
struct Due {
    at: Instant,
    task: TaskFrame,
}

#[derive(Debug)]
struct Server {
    law: HubLaw,
    mean_s: f64,
    rng: ChaCha8Rng,
    /// When it will be done with everything that has come so far.
    free_at: Instant,
    n_served: u64,
    served_s: f64,
}

impl SlowMaster {
    /// Puts a hub behind a master that takes its time, seeded.
    pub(in crate::scenario) fn new(inner: Arc<dyn Hub>, setup: &HubSetup, seed: u64) -> Arc<Self> {
        let (queue, tasks) = mpsc::unbounded_channel();
        let passed: Arc<Mutex<Passed>> = Arc::default();
        tokio::spawn(let_through(tasks, Arc::clone(&inner), Arc::clone(&passed)));
        let server = Server {
            law: setup.law,
            mean_s: setup.service_s,
            rng: ChaCha8Rng::seed_from_u64(seed),
            free_at: Instant::now(),
            n_served: 0,
            served_s: 0.0,
        };
        Arc::new(Self {
            inner,
            queue,
            server: Mutex::new(server),
            passed,
        })
    }

    /// Mean time per task so far, as drawn, in seconds.
    pub(in crate::scenario) fn mean_service_s(&self) -> f64 {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.served_s / server.n_served.max(1) as f64
    }
}

impl SlowMaster {
    /// How late its timer let a task through, on average, in seconds: a delay on the way to the
    /// worker, not time of the server.
    pub(in crate::scenario) fn mean_lateness_s(&self) -> f64 {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.late.as_secs_f64() / f64::from(passed.n.max(1))
    }
}

impl Server {
    fn serve(&mut self, now: Instant) -> Instant {
        let seconds = match self.law {
            HubLaw::Constant => self.mean_s,
            HubLaw::Exponential => -self.mean_s * libm::log(1.0 - self.rng.random::<f64>()),
        };
        self.n_served += 1;
        self.served_s += seconds;
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(seconds);
        self.free_at
    }
}

/// Hands over every task that is due, all at once where several are.
async fn let_through(
    mut tasks: mpsc::UnboundedReceiver<Due>,
    inner: Arc<dyn Hub>,
    passed: Arc<Mutex<Passed>>,
) {
    let mut next = tasks.recv().await;
    while let Some(Due { at, task }) = next.take() {
        tokio::time::sleep_until(at).await;
        let now = Instant::now();
        let (mut due, mut late) = (vec![task], now - at);
        while let Ok(following) = tasks.try_recv() {
            if following.at > now {
                next = Some(following);
                break;
            }
            late += now - following.at;
            due.push(following.task);
        }
        {
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            passed.n += due.len() as u32;
            passed.late += late;
        }
        // A hub that was closed needs no more tasks; its owner knows.
        if inner.submit(due).await.is_err() {
            return;
        }
        if next.is_none() {
            next = tasks.recv().await;
        }
    }
}

#[async_trait]
impl Hub for SlowMaster {
    fn scan(&self) -> ScanId {
        self.inner.scan()
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        let now = Instant::now();
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks {
            let at = server.serve(now);
            let due = Due { at, task };
            self.queue.send(due).map_err(|_| TransportError::Closed)?;
        }
        Ok(())
    }

    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        self.inner.publish(payload).await
    }

    async fn broadcast(&self, notice: Bytes) -> Result<()> {
        self.inner.broadcast(notice).await
    }

    async fn purge(&self) -> Result<usize> {
        self.inner.purge().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_transport::TaskId;

    /// Counts what it is given, and when the last of it came.
    #[derive(Debug)]
    struct Counting(Mutex<(usize, Instant)>);

    #[async_trait]
    impl Hub for Counting {
        fn scan(&self) -> ScanId {
            ScanId(0)
        }
        async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
            let mut seen = self.0.lock().unwrap();
            *seen = (seen.0 + tasks.len(), Instant::now());
            Ok(())
        }
        async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
            Ok(PayloadId::of(&payload))
        }
        async fn broadcast(&self, _: Bytes) -> Result<()> {
            Ok(())
        }
        async fn purge(&self) -> Result<usize> {
            Ok(0)
        }
        async fn close(&self) -> Result<()> {
            Ok(())
        }
    }

    /// Seconds that `n` tasks take which come together, and their mean as the master tells it.
    async fn serve(n: usize, setup: &HubSetup) -> (f64, f64) {
        let begun = Instant::now();
        let inner = Arc::new(Counting(Mutex::new((0, begun))));
        let master = SlowMaster::new(Arc::clone(&inner) as Arc<dyn Hub>, setup, 1);
        for id in 0..n as u64 {
            let task = TaskFrame {
                task: TaskId(id),
                body: Bytes::new(),
                lost_above: 0,
            };
            master.submit(vec![task]).await.unwrap();
        }
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (seen, last) = *inner.0.lock().unwrap();
            if seen == n {
                return ((last - begun).as_secs_f64(), master.mean_service_s());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_exact_far_below_a_millisecond() {
        let setup = HubSetup {
            service_s: 0.000_1,
            law: HubLaw::Constant,
        };
        let (took, mean) = serve(20_000, &setup).await;
        assert!((took - 2.0).abs() < 0.003, "{took}");
        assert!((mean - 0.000_1).abs() < 1e-12);
    }

    #[tokio::test(start_paused = true)]
    async fn exponential_times_have_their_mean() {
        let setup = HubSetup {
            service_s: 0.01,
            law: HubLaw::Exponential,
        };
        let (took, mean) = serve(20_000, &setup).await;
        assert!((mean - 0.01).abs() < 0.0003, "{mean}");
        assert!((took - 20_000.0 * mean).abs() < 0.003, "{took}");
    }
}
