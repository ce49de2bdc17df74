//! A slower master around a hub: one server that every task passes before it is handed out, first
//! come, first served.
//!
//! A master that collects and hands out in one thread keeps a worker waiting for as long as that
//! thread needs per task, and for those who came before. When the server is done with a task is
//! computed when the task comes; a timer only lets it through. So the rate is exact in the long
//! run, however coarse the timer: it makes tasks late by a millisecond, never the server slow.
//!
//! Decision: An emulated master is a due time, not a pause (`docs/decisions.md`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan_transport::backend::HubBefore;
use skyscan_transport::{Hub, Result, TaskFrame, TransportError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::scenario::setup::{HubLaw, HubSetup};

/// A hub behind a slower master.
#[derive(Debug)]
pub(in crate::scenario) struct SlowMaster {
    inner: Arc<dyn Hub>,
    desk: Arc<Desk>,
    /// Lets tasks through for as long as the master is there.
    _porter: JoinSet<()>,
}

/// What lies between those who submit and the hub.
#[derive(Debug)]
struct Desk {
    server: Mutex<Server>,
    /// Rung when a task comes.
    bell: Notify,
}

/// A task and when the server is done with it.
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
    /// In the order in which they came.
    waiting: VecDeque<Due>,
    n_passed: u32,
    /// How late the tasks that have passed did so, all together.
    late: Duration,
    /// The hub takes no more tasks.
    is_closed: bool,
}

impl SlowMaster {
    /// Puts a hub behind a master that takes its time, seeded.
    pub(in crate::scenario) fn new(inner: Arc<dyn Hub>, setup: &HubSetup, seed: u64) -> Arc<Self> {
        let desk = Arc::new(Desk {
            server: Mutex::new(Server {
                law: setup.law,
                mean_s: setup.service_s,
                rng: ChaCha8Rng::seed_from_u64(seed),
                free_at: Instant::now(),
                n_served: 0,
                served_s: 0.0,
                waiting: VecDeque::new(),
                n_passed: 0,
                late: Duration::ZERO,
                is_closed: false,
            }),
            bell: Notify::new(),
        });
        let mut porter = JoinSet::new();
        porter.spawn(let_through(Arc::clone(&desk), Arc::clone(&inner)));
        Arc::new(Self {
            inner,
            desk,
            _porter: porter,
        })
    }

    /// Mean time per task so far, as drawn, in seconds.
    pub(in crate::scenario) fn mean_service_s(&self) -> f64 {
        let server = self.desk.server();
        server.served_s / server.n_served.max(1) as f64
    }

    /// How late its timer let a task through, on average, in seconds: a delay on the way to the
    /// worker, not time of the server.
    pub(in crate::scenario) fn mean_lateness_s(&self) -> f64 {
        let server = self.desk.server();
        server.late.as_secs_f64() / f64::from(server.n_passed.max(1))
    }
}

impl Desk {
    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    fn take_in(&mut self, task: TaskFrame, now: Instant) {
        let seconds = match self.law {
            HubLaw::Constant => self.mean_s,
            HubLaw::Exponential => -self.mean_s * libm::log(1.0 - self.rng.random::<f64>()),
        };
        self.n_served += 1;
        self.served_s += seconds;
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(seconds);
        let at = self.free_at;
        self.waiting.push_back(Due { at, task });
    }

    /// The tasks that it is done with.
    fn let_go(&mut self, now: Instant) -> Vec<TaskFrame> {
        let n_due = self.waiting.partition_point(|due| due.at <= now);
        let due = self.waiting.drain(..n_due);
        self.n_passed += n_due as u32;
        let late = &mut self.late;
        due.map(|due| {
            *late += now - due.at;
            due.task
        })
        .collect()
    }

    /// Throws away what waits; returns how many tasks that were. The one that it is busy with is
    /// finished first, and for nothing.
    fn purge(&mut self) -> usize {
        let n_waiting = self.waiting.len();
        if let Some(served) = self.waiting.front() {
            self.free_at = served.at;
        }
        self.waiting.clear();
        n_waiting
    }
}

/// Hands over every task that is due, all at once where several are.
async fn let_through(desk: Arc<Desk>, inner: Arc<dyn Hub>) {
    loop {
        let next = desk.server().waiting.front().map(|due| due.at);
        match next {
            Some(at) => tokio::time::sleep_until(at).await,
            None => desk.bell.notified().await,
        }
        let due = desk.server().let_go(Instant::now());
        // A hub that was closed needs no more tasks; its owner knows.
        if !due.is_empty() && inner.submit(due).await.is_err() {
            desk.server().is_closed = true;
            return;
        }
    }
}

#[async_trait]
impl HubBefore for SlowMaster {
    fn inner(&self) -> &dyn Hub {
        self.inner.as_ref()
    }

    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        let now = Instant::now();
        {
            let mut server = self.desk.server();
            if server.is_closed {
                return Err(TransportError::Closed);
            }
            for task in tasks {
                server.take_in(task, now);
            }
        }
        self.desk.bell.notify_one();
        Ok(())
    }

    async fn purge(&self) -> Result<usize> {
        // Neither is a task leased that waits here. These first: nothing passes in between.
        let n_waiting = self.desk.server().purge();
        Ok(n_waiting + self.inner.purge().await?)
    }
}

#[cfg(test)]
mod tests;
