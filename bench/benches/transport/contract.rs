//! The same through contract and backend: submit, lease, settle, confirm.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::{StreamExt, future::join_all};
use skyscan_transport::{
    HubConfig, HubIncoming, LinkConfig, LinkIncoming, ScanId, TaskFrame, TaskId, Transport, Version,
};
use skyscan_transport_rabbitmq::RabbitmqTransport;
use skyscan_transport_zeromq::ZeromqTransport;

use skyscan_bench::process::{self, Worker};

use crate::{BATCH, BODY_BYTES, CREDIT, LINKS_PER_CONNECTION, Measured, WARM_UP, WINDOW, runtime};

const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// Above this all links share one connection, as in one worker process.
const MAX_SPLIT: usize = 1000;

/// Tasks handed over in one call.
const SUBMIT: u64 = 256;

fn open(url: &str) -> Result<Arc<dyn Transport>> {
    Ok(match url.starts_with("amqp") {
        true => Arc::new(RabbitmqTransport::new(url)?),
        false => Arc::new(ZeromqTransport::new(url)?),
    })
}

/// Measures a hub with `n_links` links in one other process.
pub(crate) fn measure(url: &str, n_links: usize) -> Result<Measured> {
    runtime()?.block_on(async {
        let transport = open(url)?;
        let config = HubConfig {
            scan: ScanId(1),
            protocol: PROTOCOL,
            welcome: Bytes::new(),
            backlog: 16 * 1024,
            liveness: std::time::Duration::from_secs(30),
            lease_term: std::time::Duration::from_secs(60),
            payloads: None,
        };
        let (hub, mut inbox) = transport.open_hub(config).await?;
        let start = Instant::now();
        let worker = Worker::start("contract", url, n_links, 1)?;
        let mut n_up = 0;
        while n_up < n_links {
            if let HubIncoming::LinkUp { .. } = inbox.next().await.context("the hub ended")?? {
                n_up += 1;
            }
        }
        let ready_s = start.elapsed().as_secs_f64();
        let submitter = Arc::clone(&hub);
        let submit = tokio::spawn(async move {
            let body = Bytes::from(vec![0x5a; BODY_BYTES]);
            let mut first = 0;
            loop {
                let tasks = (first..first + SUBMIT)
                    .map(|task| TaskFrame {
                        task: TaskId(task),
                        body: body.clone(),
                        lost_above: 0,
                        avoid: vec![],
                    })
                    .collect();
                if submitter.submit(tasks).await.is_err() {
                    return;
                }
                first += SUBMIT;
            }
        });
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

/// Completes every lease with a result of the task's size.
pub(crate) fn work(url: &str, n_links: usize) -> Result<()> {
    let credit = u16::try_from(CREDIT * BATCH).ok();
    let credit = credit.context("credit out of range")?;
    runtime()?.block_on(async {
        let mut transport = open(url)?;
        let result = Bytes::from(vec![0xa5; BODY_BYTES]);
        let mut links = Vec::new();
        for number in 0..n_links {
            // As many processes would; ZeroMQ's links share one connection whatever their number.
            let crowded = number > 0 && number % LINKS_PER_CONNECTION == 0;
            if crowded && url.starts_with("amqp") && n_links <= MAX_SPLIT {
                transport = open(url)?;
            }
            let config = LinkConfig {
                protocol: PROTOCOL,
                worker: skyscan_transport::WorkerId::random(),
                credit,
                hello: Bytes::new(),
            };
            let (link, mut inbox) = transport.open_link(config).await?;
            let result = result.clone();
            links.push(tokio::spawn(async move {
                while let Some(Ok(incoming)) = inbox.next().await {
                    let LinkIncoming::Leased(leases) = incoming else {
                        continue;
                    };
                    let settlements = leases
                        .into_iter()
                        .map(|lease| lease.completed(result.clone()))
                        .collect();
                    if link.settle(settlements).await.is_err() {
                        return;
                    }
                }
            }));
        }
        join_all(links).await;
        Ok(())
    })
}
