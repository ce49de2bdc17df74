//! The ceiling of RabbitMQ: plain lapin, publish, confirm, consume, acknowledge, messages of
//! so many tasks.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{
    FutureExt, StreamExt,
    future::join_all,
    stream::{FuturesOrdered, FuturesUnordered},
};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};

use skyscan_bench::{
    contract::{BATCH, CREDIT, LINKS_PER_CONNECTION, Measured, WARM_UP, WINDOW, runtime},
    ends::BODY_BYTES,
    place::Place,
    process::{self, Worker},
};

use crate::MOST_TOGETHER;

const TASKS: &str = "raw.tasks";
const RESULTS: &str = "raw.results";

/// Most messages that are acknowledged at once.
const ACKS: usize = 64;

type Publishing = Pin<Box<dyn Future<Output = Result<u64, lapin::Error>> + Send>>;

/// A pair of connections, with a publisher and a consumer.
struct Ends {
    _connections: [Connection; 2],
    publisher: Channel,
    acks: Channel,
    consumer: Consumer,
}

impl Ends {
    async fn open(url: &str, from: &str, prefetch: u16) -> Result<Self> {
        let connect = || Connection::connect(url, ConnectionProperties::default());
        let connections = [connect().await?, connect().await?];
        let publisher = connections[0].create_channel().await?;
        publisher
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        for queue in [TASKS, RESULTS] {
            publisher
                .queue_declare(queue.into(), durable, FieldTable::default())
                .await?;
        }
        let acks = connections[1].create_channel().await?;
        acks.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let consumer = acks
            .basic_consume(from.into(), "".into(), options, FieldTable::default())
            .await?;
        Ok(Self {
            _connections: connections,
            publisher,
            acks,
            consumer,
        })
    }

    /// Waits for messages; returns the tags and sizes of those that are there.
    async fn take(consumer: &mut Consumer) -> Result<Vec<(u64, usize)>> {
        let first = consumer.next().await.context("the consumer ended")??;
        let mut taken = vec![(first.delivery_tag, first.data.len())];
        while taken.len() < ACKS
            && let Some(next) = consumer.next().now_or_never()
        {
            let next = next.context("the consumer ended")??;
            taken.push((next.delivery_tag, next.data.len()));
        }
        Ok(taken)
    }

    async fn ack(&self, last: u64) -> Result<()> {
        let options = BasicAckOptions { multiple: true };
        Ok(self.acks.basic_ack(last, options).await?)
    }
}

/// Publishes; the future is the confirm. Its first poll puts the message in line.
fn publish(channel: &Channel, queue: &'static str, body: &'static [u8], tag: u64) -> Publishing {
    let channel = channel.clone();
    Box::pin(async move {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let properties = properties.with_delivery_mode(1);
        let confirm = channel.basic_publish("".into(), queue.into(), options, body, properties);
        confirm.await?.await?;
        Ok(tag)
    })
}

/// Measures a hub with the credit of `n_links` links over connections of one other process, and so many tasks in a
/// message. As many tasks are on loan whatever that number is.
pub(crate) fn measure(url: &str, n_links: usize, n_together: usize) -> Result<Measured> {
    runtime()?.block_on(async {
        let start = Instant::now();
        let mut ends = Ends::open(url, RESULTS, 1000).await?;
        let worker = Worker::start("raw-amqp", &Place::open_to_all(url), n_links, 1)?;
        let body: &'static [u8] = vec![0x5a; n_together * (BODY_BYTES + 8)].leak();
        let mut confirms: FuturesUnordered<Publishing> = FuturesUnordered::new();
        let n_messages = (n_links * CREDIT * BATCH).div_ceil(n_together);
        let (mut n_tasks, mut n_owed, mut ready_s) = (0, n_messages, 0.0);
        let mut counted: Option<(Instant, Duration, Duration)> = None;
        loop {
            for _ in 0..std::mem::take(&mut n_owed) {
                let mut confirm = publish(&ends.publisher, TASKS, body, 0);
                let _in_line = futures::poll!(&mut confirm);
                confirms.push(confirm);
            }
            let taken = tokio::select! {
                taken = Ends::take(&mut ends.consumer) => taken?,
                Some(confirmed) = confirms.next() => {
                    confirmed?;
                    while let Some(Some(confirmed)) = confirms.next().now_or_never() {
                        confirmed?;
                    }
                    continue;
                }
            };
            let n_bytes: usize = taken.iter().map(|(_, n_bytes)| n_bytes).sum();
            n_tasks += n_bytes / (BODY_BYTES + 8);
            n_owed = taken.len();
            let (last, _) = taken.last().context("there is one")?;
            ends.ack(*last).await?;
            if ready_s == 0.0 {
                ready_s = start.elapsed().as_secs_f64();
            }
            match counted {
                None if start.elapsed().as_secs_f64() > ready_s + WARM_UP.as_secs_f64() => {
                    counted = Some((Instant::now(), process::used()?, worker.used()?));
                    n_tasks = 0;
                }
                Some((since, used, theirs)) if since.elapsed() >= WINDOW => {
                    let us = |used: Duration| used.as_secs_f64() * 1e6 / n_tasks as f64;
                    return Ok(Measured {
                        tasks_per_s: n_tasks as f64 / since.elapsed().as_secs_f64(),
                        hub_us_per_task: us(process::used()? - used),
                        worker_us_per_task: us(worker.used()? - theirs),
                        ready_s,
                        tasks_per_message: n_together as f64,
                    });
                }
                _ => {}
            }
        }
    })
}

/// Answers every message with one of the same size, acknowledged once the answer is confirmed.
pub(crate) fn work(url: &str, n_links: usize) -> Result<()> {
    runtime()?.block_on(async {
        let n_connections = n_links.div_ceil(LINKS_PER_CONNECTION);
        let works = (0..n_connections).map(|_| work_on_one(url, n_links / n_connections));
        join_all(works).await.into_iter().collect()
    })
}

async fn work_on_one(url: &str, n_links: usize) -> Result<()> {
    let prefetch = u16::try_from(n_links * CREDIT).context("prefetch out of range")?;
    let mut ends = Ends::open(url, TASKS, prefetch).await?;
    let result: &'static [u8] = vec![0xa5; MOST_TOGETHER * (BODY_BYTES + 8)].leak();
    let mut confirms: FuturesOrdered<Publishing> = FuturesOrdered::new();
    loop {
        tokio::select! {
            taken = Ends::take(&mut ends.consumer) => {
                for (tag, n_bytes) in taken? {
                    let mut confirm = publish(&ends.publisher, RESULTS, &result[..n_bytes], tag);
                    let _in_line = futures::poll!(&mut confirm);
                    confirms.push_back(confirm);
                }
            }
            Some(confirmed) = confirms.next() => {
                let mut last = confirmed?;
                while let Some(Some(confirmed)) = confirms.next().now_or_never() {
                    last = confirmed?;
                }
                ends.ack(last).await?;
            }
        }
    }
}
