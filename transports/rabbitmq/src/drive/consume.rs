//! Reads one queue on a channel of its own.
//!
//! Delivery tags belong to the channel and never leave this file, so none can outlive it.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use lapin::{
    Channel, Connection, Consumer, Error,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::{FieldTable, ShortString},
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::connection::broken;
use crate::process::{Process, Source};

/// Most messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 128;

/// Most messages that are acted on and acknowledged at once.
const MAX_BATCH: usize = 64;

/// A queue that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    reader: JoinHandle<()>,
    channel: Channel,
}

impl Reading {
    /// Starts to read a queue; what goes wrong later is told to `breaks`.
    pub(super) async fn start(
        process: &Arc<Process>,
        connection: &Connection,
        queue: ShortString,
        source: Source,
        breaks: mpsc::Sender<Error>,
    ) -> Result<Self, Error> {
        let channel = connection.create_channel().await?;
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel
            .basic_consume(queue, "".into(), options, FieldTable::default())
            .await?;
        let (process, acking) = (Arc::clone(process), channel.clone());
        let reader = tokio::spawn(async move {
            let error = match read(&process, consumer, &acking, source).await {
                Ok(()) => broken(),
                Err(error) => error,
            };
            // One break is enough.
            let _known = breaks.try_send(error);
        });
        Ok(Self { reader, channel })
    }

    /// Stops reading; what was not acknowledged goes back to its queue.
    pub(super) async fn stop(self) {
        self.reader.abort();
        if let Err(error) = self.channel.close(200, "done".into()).await {
            tracing::debug!(%error, "a channel was not closed in good order");
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(
    process: &Process,
    mut consumer: Consumer,
    channel: &Channel,
    source: Source,
) -> Result<(), Error> {
    let mut tags = Vec::with_capacity(MAX_BATCH);
    while let Some(first) = consumer.next().await {
        let mut frames = Vec::with_capacity(tags.len().max(1));
        tags.clear();
        take(first?, &mut tags, &mut frames);
        while tags.len() < MAX_BATCH
            && let Some(Some(next)) = consumer.next().now_or_never()
        {
            take(next?, &mut tags, &mut frames);
        }
        let mut refused = process.receive(source, frames);
        for &number in &refused {
            let options = BasicRejectOptions { requeue: false };
            channel.basic_reject(tags[number], options).await?;
        }
        while refused
            .last()
            .is_some_and(|&number| number + 1 == tags.len())
        {
            refused.pop();
            tags.pop();
        }
        if let Some(&last) = tags.last() {
            let options = BasicAckOptions { multiple: true };
            channel.basic_ack(last, options).await?;
        }
        while matches!(source, Source::Hub(_)) && process.is_crowded() {
            process.letters.notified().await;
        }
    }
    Ok(())
}

fn take(delivery: Delivery, tags: &mut Vec<u64>, frames: &mut Vec<Bytes>) {
    tags.push(delivery.delivery_tag);
    frames.push(delivery.data.into());
}
