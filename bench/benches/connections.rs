//! Links with a connection each, as many workers on many machines would have: how long until all
//! are up, and what they cost while each works on tasks of a second. See the crate's README.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{StreamExt, future::join_all};
use skyscan_bench::{
    ends,
    place::Place,
    process::{self, Worker},
};
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{HubInbox, HubIncoming};
use tokio::{runtime::Builder, time::timeout};

/// How long a task takes.
const TASK: Duration = Duration::from_secs(1);

/// How long tasks are done before they count, and how long they count.
const WARM_UP: Duration = Duration::from_secs(5);
const WINDOW: Duration = Duration::from_secs(20);

/// How long all links may take to come up.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> Result<()> {
    rlimit::increase_nofile_limit(rlimit::INFINITY).context("failed to raise `ulimit -n`")?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if env::var("SKYSCAN_BENCH_ROLE").is_ok() {
        let n_links = env::var("SKYSCAN_BENCH_LINKS").context("no links")?;
        return runtime.block_on(work(&Place::of_worker()?, n_links.parse()?));
    }
    let numbers: Vec<usize> = env::args().filter_map(|text| text.parse().ok()).collect();
    let n_links = numbers.first().copied().unwrap_or(1000);
    let n_processes = numbers.get(1).copied().unwrap_or(1);
    println!("{n_links} links in {n_processes} processes, a connection each, tasks of {TASK:?}");
    if env::args().any(|text| text == "rabbitmq") {
        let node = Node::start()?;
        let broker = node.pid()?;
        let url = format!("{}?connections=own", node.url());
        let place = Place::open_to_all(&url);
        return runtime.block_on(measure(&place, n_links, n_processes, Some(broker)));
    }
    if env::args().any(|text| text == "sealed") {
        let keys = tempfile::tempdir()?;
        let place = Place::sealed(keys.path(), "?connections=own")?;
        return runtime.block_on(measure(&place, n_links, n_processes, None));
    }
    let port = skyscan_free_ports::free_port()?;
    let url = format!("zmq://127.0.0.1:{port}?connections=own");
    let place = Place::open_to_all(&url);
    runtime.block_on(measure(&place, n_links, n_processes, None))
}

/// What the hub has heard so far.
#[derive(Default)]
struct Heard {
    n_up: usize,
    n_down: usize,
    n_tasks: usize,
}

impl Heard {
    async fn next(&mut self, inbox: &mut HubInbox) -> Result<()> {
        match inbox.next().await.context("the hub ended")?? {
            HubIncoming::LinkUp { .. } => self.n_up += 1,
            HubIncoming::LinkDown { .. } => self.n_down += 1,
            HubIncoming::Settled(batch) => self.n_tasks += batch.confirm().len(),
        }
        Ok(())
    }
}

async fn measure(
    place: &Place,
    n_links: usize,
    n_processes: usize,
    broker: Option<u32>,
) -> Result<()> {
    let transport = place.transport()?;
    let (hub, mut inbox) = ends::open_hub(&*transport, 2 * n_links).await?;
    let start = Instant::now();
    let workers = (0..n_processes)
        .map(|_| Worker::start("own", place, n_links / n_processes, 0))
        .collect::<Result<Vec<Worker>>>()?;
    let n_expected = n_links / n_processes * n_processes;
    let mut heard = Heard::default();
    let all_up = timeout(PATIENCE, async {
        while heard.n_up - heard.n_down < n_expected {
            heard.next(&mut inbox).await?;
        }
        anyhow::Ok(())
    });
    let up = all_up.await.map_err(|_| {
        let (n_up, n_down) = (heard.n_up, heard.n_down);
        anyhow::anyhow!("after {PATIENCE:?} {n_up} links were up and {n_down} down again")
    });
    up??;
    println!(
        "all up after {:.2} s, {} lost on the way",
        start.elapsed().as_secs_f64(),
        heard.n_down
    );
    let submit = ends::submit_on(&hub, 1);
    let used = || -> Result<[Duration; 3]> {
        Ok([
            process::used()?,
            workers.iter().map(Worker::used).sum::<Result<_>>()?,
            broker.map_or(Ok(Duration::ZERO), process::used_by)?,
        ])
    };
    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        heard.next(&mut inbox).await?;
    }
    let (counted, before) = (Instant::now(), used()?);
    heard.n_tasks = 0;
    while counted.elapsed() < WINDOW {
        heard.next(&mut inbox).await?;
    }
    let seconds = counted.elapsed().as_secs_f64();
    let after = used()?;
    let resident = [
        process::resident()?,
        workers.iter().map(Worker::resident).sum::<Result<_>>()?,
        broker.map_or(Ok(0), process::resident_of)?,
    ];
    println!(
        "{:.0} tasks/s, {} links lost",
        heard.n_tasks as f64 / seconds,
        heard.n_down
    );
    for (at, name) in ["hub", "fleet", "broker"].iter().enumerate() {
        println!(
            "{name:<7} {:.2} cores, {:>5} MiB",
            (after[at] - before[at]).as_secs_f64() / seconds,
            resident[at] >> 20
        );
    }
    submit.abort();
    hub.close().await?;
    Ok(())
}

/// Works on each lease for a second of doing nothing.
async fn work(place: &Place, n_links: usize) -> Result<()> {
    let transport = place.transport()?;
    let mut links = Vec::new();
    for _ in 0..n_links {
        links.push(ends::work_on(&*transport, 1, Some(TASK)).await?);
    }
    join_all(links).await;
    Ok(())
}
