//! The thread that keeps this process connected to its broker.
//!
//! Connections are made anew as a pair, never repaired in part: whatever was on its way is sent
//! again by the lanes, and no channel, consumer or delivery tag outlives its pair.

mod connection;
mod consume;
mod names;
mod publish;
mod refusal;
mod topology;

use std::{convert::Infallible, io, sync::Arc, thread};

use skyscan_transport::backend::{Meters, random};
use tokio::{
    runtime::{Builder, Handle},
    sync::mpsc,
    time::{Duration, Instant, sleep, sleep_until, timeout},
};

use self::connection::Connections;
pub(crate) use self::refusal::Trouble;
use crate::{door::HubSide, process::Process};

/// Shortest and longest wait before the next attempt to connect.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long a connection lasts that ends a row of failures.
const GOOD_CONNECTION: Duration = Duration::from_secs(5);

/// After so many refusals in a row the broker is believed: links, and hubs that wait for it, are told.
const PROOF: u32 = 3;

/// When refusals go on for this long, hubs that were served before end, too. What is granted again a
/// moment later is no reason to end a scan.
const LASTING: Duration = Duration::from_secs(5);

/// How long an attempt to connect may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);

/// How long goodbyes may take when the process ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// The thread that drives the connections of all processes that one transport stands for.
#[derive(Debug)]
pub(crate) struct Driver {
    runtime: Handle,
    /// Held by whatever is driven: the thread outlives it.
    hold: mpsc::Sender<Infallible>,
}

impl Driver {
    /// Starts the thread; it ends with the last handle of the process, and of those driven beside.
    pub(crate) fn start(process: Arc<Process>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (hold, mut released) = mpsc::channel(1);
        let driver = Self {
            runtime: runtime.handle().clone(),
            hold,
        };
        thread::Builder::new()
            .name("skyscan-rabbitmq".into())
            .spawn(move || {
                runtime.block_on(async {
                    drive(&process).await;
                    let _all_done = released.recv().await;
                });
                runtime.shutdown_background();
            })?;
        Ok(driver)
    }

    /// Looks who is let in, for as long as there is something to drive.
    pub(crate) fn watch(&self, side: &Arc<HubSide>, process: &Arc<Process>) {
        if side.is_watched() {
            return;
        }
        let process = Arc::downgrade(process);
        let tell = move || {
            if let Some(process) = process.upgrade() {
                process.deadlines.notify_one();
            }
        };
        self.runtime.spawn(HubSide::watch(Arc::clone(side), tell));
    }

    /// Drives one more process.
    pub(crate) fn drive(&self, process: Arc<Process>) {
        let hold = self.hold.clone();
        self.runtime.spawn(async move {
            drive(&process).await;
            drop(hold);
        });
    }
}

async fn drive(process: &Arc<Process>) {
    tokio::select! {
        () = keep_connected(process) => {}
        () = keep_time(process) => {}
    }
    process.with(|state, now| state.sessions.end(now));
}

/// Sees to deadlines, whether connected or not; ends a while after the last handle has gone.
async fn keep_time(process: &Process) {
    let mut ends_at = None;
    loop {
        let next = process.tick();
        let now = tokio::time::Instant::now();
        if process.with(|state, _| state.ended) {
            let ends_at = *ends_at.get_or_insert(now + GOODBYE);
            if now >= ends_at {
                return;
            }
        }
        let next = next.max(now + Duration::from_millis(1));
        tokio::select! {
            () = process.deadlines.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn keep_connected(process: &Arc<Process>) {
    let mut wait = FIRST_WAIT;
    let told = &process.told.shared;
    let mut was_connected = false;
    let mut refusals = Refusals::default();
    let mut outage = Outage::default();
    loop {
        let turn = process.common.dialling.acquire().await;
        let connected = timeout(CONNECT_PATIENCE, Connections::open(process)).await;
        drop(turn);
        match connected {
            Ok(Ok(connections)) => {
                let began = Instant::now();
                outage.ends(process);
                told.reconnects
                    .increment(u64::from(std::mem::replace(&mut was_connected, true)));
                let mut pair = Pair::up(told, connections.n_open());
                let ended = serve(process, &connections).await;
                process.with(|state, _| state.disconnected());
                pair.is_done = ended.is_ok();
                drop(pair);
                let closed = timeout(GOODBYE, connections.close()).await;
                drop(closed);
                // One that broke at once is no reason to hurry.
                if began.elapsed() > GOOD_CONNECTION {
                    wait = FIRST_WAIT;
                    refusals = Refusals::default();
                }
                match ended {
                    Ok(()) => return,
                    // Nobody is left who would miss it.
                    Err(_) if process.with(|state, _| state.ended) => return,
                    Err(error) => {
                        outage.goes_on(process, "lost the broker", &error);
                        refusals.tell(process, process.place.trouble(error));
                    }
                }
            }
            Ok(Err(error)) => {
                outage.goes_on(process, "failed to reach the broker", &error);
                trouble(process, &mut refusals, error);
            }
            Err(elapsed) => outage.goes_on(process, "the broker does not answer", &elapsed),
        }
        if process.with(|state, _| state.ended) {
            return;
        }
        let jitter = random::number() % (wait.as_millis() as u64).max(1);
        sleep(wait / 2 + Duration::from_millis(jitter / 2)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Counts connections in the metrics while they are open, and when dropped how they ended: the pair of
/// a process, or the one that a link has of its own.
struct Pair<'a> {
    told: &'a Meters,
    n_connections: u32,
    /// Everything was said, so they were closed; else they were lost.
    is_done: bool,
}

impl<'a> Pair<'a> {
    fn up(told: &'a Meters, n_connections: u32) -> Self {
        told.opened.increment(n_connections.into());
        told.connections.set(n_connections as usize);
        Self {
            told,
            n_connections,
            is_done: false,
        }
    }
}

impl Drop for Pair<'_> {
    fn drop(&mut self) {
        let ended = match self.is_done {
            true => &self.told.closed,
            false => &self.told.lost,
        };
        ended.increment(self.n_connections.into());
        self.told.connections.set(0);
        self.told.unconfirmed.set(0);
        self.told.blocked.set(0);
    }
}

fn trouble(process: &Process, refusals: &mut Refusals, error: lapin::Error) {
    let trouble = process.place.trouble(error);
    if trouble.is_refusal() {
        process.told.shared.auth_failures.increment(1);
        // A login, or what the whole place shares, is refused: there is nothing to try.
        refusals.n_in_a_row = refusals.n_in_a_row.max(PROOF - 1);
    }
    refusals.tell(process, trouble);
}

/// A time without the broker. Told when it begins, more and more seldom while it lasts, and when it ends.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    told_again_after: Duration,
}

/// How long an outage lasts before it is told again; then twice as long, and so on.
const TOLD_AGAIN: Duration = Duration::from_secs(30);

impl Outage {
    fn goes_on(&mut self, process: &Process, what: &str, error: &dyn std::error::Error) {
        let place = &process.place;
        let Some(since) = self.since else {
            tracing::warn!(
                %place, %error,
                "{what}; trying on: see whether it runs, and whether --transport names its host and port"
            );
            self.since = Some(Instant::now());
            self.told_again_after = TOLD_AGAIN;
            return;
        };
        let lasts = since.elapsed();
        if lasts >= self.told_again_after {
            tracing::warn!(%place, %error, "{what}, for {} s now; trying on", lasts.as_secs());
            self.told_again_after = 2 * lasts;
        } else {
            tracing::debug!(%place, %error, "{what}");
        }
    }

    fn ends(&mut self, process: &Process) {
        if let Some(since) = self.since.take() {
            // As loud as what it ends.
            tracing::warn!(
                place = %process.place,
                "connected to the broker, after {:.1} s without it", since.elapsed().as_secs_f64()
            );
        }
    }
}

/// Refusals without a good connection in between.
#[derive(Default)]
struct Refusals {
    n_in_a_row: u32,
    since: Option<Instant>,
}

impl Refusals {
    /// Tells what the trouble is. One that may pass is only noted, for those who give up waiting; of a
    /// refusal those who wait hear after [`PROOF`] of them, and all hubs when it is [`LASTING`].
    fn tell(&mut self, process: &Process, trouble: Trouble) {
        if !trouble.is_refusal() {
            *self = Self::default();
            return process.with(|state, _| state.unreachable(trouble));
        }
        self.n_in_a_row += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.n_in_a_row < PROOF {
            return;
        }
        let lasts = since.elapsed() > LASTING;
        process.with(|state, _| state.refused(&trouble, lasts, &process.place));
    }
}

/// Serves one pair of connections until it breaks or everything is said.
async fn serve(process: &Arc<Process>, connections: &Connections) -> Result<(), lapin::Error> {
    let (broken, mut breaks) = mpsc::channel(1);
    process.with(|state, _| state.connected());
    process.deadlines.notify_one();
    let mut topology = topology::Topology::new(process, connections, broken);
    tokio::select! {
        error = topology.keep() => error,
        ended = publish::publish(process, connections) => ended,
        error = connections.watch(process) => Err(error),
        Some(error) = breaks.recv() => Err(error),
    }
}
