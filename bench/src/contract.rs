//! Tasks through contract and backend: submit, lease, settle, confirm. The hub is here, its links are in one
//! other process.

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{StreamExt, future::join_all};
use skyscan_transport::HubIncoming;
use tokio::runtime::{Builder, Runtime};

use crate::{
    ends,
    place::Place,
    process::{self, Worker},
};

/// Tasks in one raw message, and leases that a worker settles together.
pub const BATCH: usize = 16;

/// Raw messages on loan to one link; the contract's links have a credit of `CREDIT * BATCH`.
pub const CREDIT: usize = 2;

/// From the first link's coming up to the first task that counts.
pub const WARM_UP: Duration = Duration::from_millis(1500);

/// How long tasks count.
pub const WINDOW: Duration = Duration::from_secs(4);

/// Links that share the connections of one process to a broker.
pub const LINKS_PER_CONNECTION: usize = 64;

/// Above this all links share one connection, as in one worker process.
const MAX_SPLIT: usize = 1000;

/// Tasks handed over in one call.
const SUBMIT: u64 = 256;

/// What one run measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Tasks whose outcomes the hub's owner has confirmed.
    pub tasks_per_s: f64,
    /// Processor time of the hub's process.
    pub hub_us_per_task: f64,
    /// Processor time of the links' process.
    pub worker_us_per_task: f64,
    /// From the start of the links' process until the hub knows them all.
    pub ready_s: f64,
    /// How many tasks went into one message on average.
    pub tasks_per_message: f64,
}

/// The run in the middle, by rate.
#[must_use]
pub fn median(mut runs: Vec<Measured>) -> Option<Measured> {
    runs.sort_by(|one, other| one.tasks_per_s.total_cmp(&other.tasks_per_s));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

/// What drives one end.
///
/// # Errors
/// If the system gives none.
pub fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to build a runtime")
}

/// Measures a hub with `n_links` links in one other process, of which each needs so long for a task; without a
/// time they take many tasks at once.
///
/// # Errors
/// If an end fails.
pub fn measure(place: &Place, n_links: usize, task: Option<Duration>) -> Result<Measured> {
    runtime()?.block_on(async {
        let transport = place.transport()?;
        let (hub, mut inbox) = ends::open_hub(&*transport, 16 * 1024).await?;
        let start = Instant::now();
        let worker = Worker::start(role(task), place, n_links, 1)?;
        let mut n_up = 0;
        while n_up < n_links {
            if let HubIncoming::LinkUp { .. } = inbox.next().await.context("the hub ended")?? {
                n_up += 1;
            }
        }
        let ready_s = start.elapsed().as_secs_f64();
        let submit = ends::submit_on(&hub, SUBMIT);
        let mut outcomes = async || -> Result<usize> {
            match inbox.next().await.context("the hub ended")?? {
                HubIncoming::Settled(batch) => Ok(batch.confirm().len()),
                HubIncoming::LinkUp { .. } | HubIncoming::LinkDown { .. } => Ok(0),
            }
        };
        let warm = Instant::now();
        while warm.elapsed() < WARM_UP {
            outcomes().await?;
        }
        let (counted, used, mut n_tasks) = (Instant::now(), process::used()?, 0);
        let theirs = worker.used()?;
        let sent = transport.traffic().messages_sent;
        while counted.elapsed() < WINDOW {
            n_tasks += outcomes().await?;
        }
        let seconds = counted.elapsed().as_secs_f64();
        let cpu_us = (process::used()? - used).as_secs_f64() * 1e6;
        hub.close().await?;
        submit.abort();
        Ok(Measured {
            tasks_per_s: n_tasks as f64 / seconds,
            hub_us_per_task: cpu_us / n_tasks as f64,
            worker_us_per_task: (worker.used()? - theirs).as_secs_f64() * 1e6 / n_tasks as f64,
            ready_s,
            tasks_per_message: n_tasks as f64 / (transport.traffic().messages_sent - sent) as f64,
        })
    })
}

/// The links' end of [`measure`], if this process was started as that.
///
/// # Errors
/// If it was not told where to go, or its end fails.
pub fn work_if_asked() -> Result<bool> {
    let Ok(asked) = env::var("SKYSCAN_BENCH_ROLE") else {
        return Ok(false);
    };
    let task = match asked.strip_prefix(TIMED) {
        Some(us) => Some(Duration::from_micros(us.parse()?)),
        None if asked == NO_OP => None,
        None => return Ok(false),
    };
    let n_links = env::var("SKYSCAN_BENCH_LINKS").context("no links")?;
    work(&Place::of_worker()?, n_links.parse()?, task)?;
    Ok(true)
}

const NO_OP: &str = "contract";
const TIMED: &str = "contract-us-";

fn role(task: Option<Duration>) -> String {
    task.map_or(NO_OP.to_owned(), |task| {
        format!("{TIMED}{}", task.as_micros())
    })
}

/// Completes every lease with a result of the task's size.
fn work(place: &Place, n_links: usize, task: Option<Duration>) -> Result<()> {
    let credit = task.map_or(CREDIT * BATCH, |_| CREDIT);
    let credit = u16::try_from(credit).context("credit out of range")?;
    runtime()?.block_on(async {
        let mut transport = place.transport()?;
        let mut links = Vec::new();
        for number in 0..n_links {
            // As many processes would; ZeroMQ's links share one connection whatever their number.
            let crowded = number > 0 && number % LINKS_PER_CONNECTION == 0;
            if crowded && place.url().starts_with("amqp") && n_links <= MAX_SPLIT {
                transport = place.transport()?;
            }
            links.push(ends::work_on(&*transport, credit, task).await?);
        }
        join_all(links).await;
        Ok(())
    })
}
