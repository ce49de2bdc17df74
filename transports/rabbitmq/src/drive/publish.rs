//! Publishes what waits, and hands the broker's confirms to those who wait for them.

use std::{future::Future, pin::Pin, task::Poll};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use lapin::{BasicProperties, Channel, Confirmation, Error, options::BasicPublishOptions};

use super::{connection::Connections, names::Names};
use crate::{
    outbox::Receipt,
    process::{Outgoing, Process},
};

/// Most frames that the broker has not confirmed.
const MAX_UNCONFIRMED: usize = 256;

type Publishing = Pin<Box<dyn Future<Output = Result<(Confirmation, Receipt), Error>> + Send>>;

/// Publishes until the connection breaks, or until everything is said and nobody is left.
pub(super) async fn publish(process: &Process, connections: &Connections) -> Result<(), Error> {
    let mut publishing: FuturesUnordered<Publishing> = FuturesUnordered::new();
    loop {
        let room = MAX_UNCONFIRMED.saturating_sub(publishing.len());
        let outgoing = match room {
            0 => Vec::new(),
            room => process.outgoing(room),
        };
        for outgoing in outgoing {
            let mut frame = send(process, connections.publisher.clone(), outgoing);
            // The first poll puts it in line behind the one before.
            match futures::poll!(&mut frame) {
                Poll::Ready(done) => settle(process, vec![done?]),
                Poll::Pending => publishing.push(frame),
            }
        }
        process.told.shared.unconfirmed.set(publishing.len());
        if publishing.is_empty() && process.with(|state, now| state.is_over(now)) {
            return Ok(());
        }
        let full = publishing.len() >= MAX_UNCONFIRMED;
        tokio::select! {
            () = process.outgoing.notified(), if !full => {}
            Some(done) = publishing.next(), if !publishing.is_empty() => {
                let mut all = vec![done?];
                while let Some(Some(done)) = publishing.next().now_or_never() {
                    all.push(done?);
                }
                settle(process, all);
            }
        }
    }
}

/// Hands on confirms. What the broker refused is sent again by its lane.
fn settle(process: &Process, done: Vec<(Confirmation, Receipt)>) {
    let receipts = done.into_iter().map(|(confirmation, receipt)| {
        if confirmation.is_nack() {
            tracing::warn!(?receipt, "the broker refused a frame");
            process.told.shared.nacks.increment(1);
        }
        receipt
    });
    process.confirmed(receipts.collect());
}

fn send(process: &Process, channel: Channel, outgoing: Outgoing) -> Publishing {
    let Outgoing {
        route,
        frame,
        receipt,
    } = outgoing;
    let (exchange, key) = Names(&process.place).route(route);
    let bytes = frame.encode();
    process.told.sent(&frame, bytes.len());
    let mode = if process.place.persistent { 2 } else { 1 };
    let properties = BasicProperties::default().with_delivery_mode(mode);
    Box::pin(async move {
        let options = BasicPublishOptions::default();
        let confirm = channel.basic_publish(exchange, key, options, &bytes, properties);
        Ok((confirm.await?.await?, receipt))
    })
}
