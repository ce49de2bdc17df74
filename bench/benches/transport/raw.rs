//! The ceiling: plain ROUTER and DEALER, messages of so many tasks, credit returned with results.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use skyscan_bench::{
    contract::{BATCH, CREDIT, Measured, WARM_UP, WINDOW},
    ends::BODY_BYTES,
    place::Place,
    process::{self, Worker},
};

use crate::{MAX_DEALERS, MOST_TOGETHER};

/// Measures a ROUTER with `n_links` links over `n_dealers` connections, and so many tasks in a message. As many tasks
/// are on loan whatever that number is.
pub(crate) fn measure(n_links: usize, n_dealers: usize, n_together: usize) -> Result<Measured> {
    let address = format!("tcp://127.0.0.1:{}", skyscan_free_ports::free_port()?);
    let context = zmq::Context::new();
    let router = context.socket(zmq::ROUTER)?;
    router.set_backlog(4096)?;
    router.set_linger(0)?;
    router.set_sndhwm(0)?;
    router.set_rcvhwm(0)?;
    router.bind(&address)?;
    let mut workers = Vec::new();
    let mut left = n_dealers;
    while left > 0 {
        let here = left.min(MAX_DEALERS);
        workers.push(Worker::start(
            "raw",
            &Place::open_to_all(&address),
            n_links * here / n_dealers,
            here,
        )?);
        left -= here;
    }
    let start = Instant::now();
    let body = vec![0x5a; n_together * (BODY_BYTES + 8)];
    // A link says hello with an empty message, and gets its credit.
    let mut identities = Vec::with_capacity(n_links);
    while identities.len() < n_links {
        let identity = router.recv_bytes(0)?;
        ensure!(router.recv_bytes(0)?.is_empty(), "a result before its task");
        identities.push(identity);
    }
    let ready_s = start.elapsed().as_secs_f64();
    let n_messages = (n_links * CREDIT * BATCH).div_ceil(n_together);
    for identity in identities.iter().cycle().take(n_messages) {
        router.send(identity.as_slice(), zmq::SNDMORE)?;
        router.send(body.as_slice(), 0)?;
    }
    let exchange = || -> Result<usize> {
        let identity = router.recv_msg(0)?;
        let n_tasks = router.recv_msg(0)?.len() / (BODY_BYTES + 8);
        router.send(identity, zmq::SNDMORE)?;
        router.send(body.as_slice(), 0)?;
        Ok(n_tasks)
    };
    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        exchange()?;
    }
    let (counted, used, mut n_tasks) = (Instant::now(), process::used()?, 0);
    let theirs = used_by(&workers)?;
    while counted.elapsed() < WINDOW {
        n_tasks += exchange()?;
    }
    let seconds = counted.elapsed().as_secs_f64();
    let cpu_us = (process::used()? - used).as_secs_f64() * 1e6;
    Ok(Measured {
        tasks_per_s: n_tasks as f64 / seconds,
        hub_us_per_task: cpu_us / n_tasks as f64,
        worker_us_per_task: (used_by(&workers)? - theirs).as_secs_f64() * 1e6 / n_tasks as f64,
        ready_s,
        tasks_per_message: n_together as f64,
    })
}

fn used_by(workers: &[Worker]) -> Result<Duration> {
    workers.iter().map(Worker::used).sum()
}

/// Answers every message with one of the same size.
pub(crate) fn work(address: &str, n_links: usize, n_dealers: usize) -> Result<()> {
    let context = zmq::Context::new();
    let mut dealers = Vec::new();
    for _ in 0..n_dealers {
        let dealer = context.socket(zmq::DEALER)?;
        dealer.set_linger(0)?;
        dealer.set_sndhwm(0)?;
        dealer.set_rcvhwm(0)?;
        dealer.connect(address)?;
        for _ in 0..n_links / n_dealers {
            dealer.send("", 0)?;
        }
        dealers.push(dealer);
    }
    let result = vec![0xa5; MOST_TOGETHER * (BODY_BYTES + 8)];
    loop {
        let readable: Vec<bool> = match dealers.as_slice() {
            [_] => vec![true],
            many => {
                let mut items: Vec<_> = many
                    .iter()
                    .map(|dealer| dealer.as_poll_item(zmq::POLLIN))
                    .collect();
                zmq::poll(&mut items, -1)?;
                items.iter().map(zmq::PollItem::is_readable).collect()
            }
        };
        let wait = if dealers.len() == 1 { 0 } else { zmq::DONTWAIT };
        for (dealer, _) in dealers
            .iter()
            .zip(readable)
            .filter(|(_, readable)| *readable)
        {
            let mut flags = wait;
            while let Ok(tasks) = dealer.recv_msg(flags) {
                dealer.send(&result[..tasks.len()], 0)?;
                flags = zmq::DONTWAIT;
            }
        }
    }
}
