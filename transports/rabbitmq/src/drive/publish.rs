//! Publishes what waits, and hands the broker's confirms and refusals to those who wait for them.

use std::{future::Future, pin::Pin, task::Poll};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use lapin::{BasicProperties, Channel, Confirmation, Error, options::BasicPublishOptions};
use tokio::time::{Duration, Instant};

use super::{connection::Connections, names::Names, refusal::Trouble};
use crate::{
    outbox::Receipt,
    process::{Outgoing, Process},
};

/// How long the broker may refuse every frame that carries something before that is told.
const NACK_PATIENCE: Duration = Duration::from_secs(10);

/// Most frames that the broker has not confirmed.
const MAX_UNCONFIRMED: usize = 256;

type Publishing = Pin<Box<dyn Future<Output = Result<(Confirmation, Receipt), Error>> + Send>>;

/// Publishes until the connection breaks, or until everything is said and nobody is left.
pub(super) async fn publish(process: &Process, connections: &Connections) -> Result<(), Error> {
    let mut publishing: FuturesUnordered<Publishing> = FuturesUnordered::new();
    let mut nacked_since = None;
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
                Poll::Ready(done) => settle(process, vec![done?], &mut nacked_since),
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
                settle(process, all, &mut nacked_since);
            }
        }
    }
}

/// Hands on confirms. What the broker refused is sent again by its lane, unless it refuses all there
/// is to say for long: then a policy is in the way, and that is told.
fn settle(
    process: &Process,
    done: Vec<(Confirmation, Receipt)>,
    nacked_since: &mut Option<Instant>,
) {
    let (refused, taken): (Vec<_>, Vec<_>) = done
        .into_iter()
        .partition(|(confirmation, _)| confirmation.is_nack());
    let receipts = |some: Vec<(Confirmation, Receipt)>| -> Vec<Receipt> {
        some.into_iter().map(|(_, receipt)| receipt).collect()
    };
    let (refused, taken) = (receipts(refused), receipts(taken));
    if taken.iter().any(Receipt::is_of_a_task) {
        *nacked_since = None;
    }
    if !refused.is_empty() {
        tracing::warn!(n_frames = refused.len(), "the broker refused frames");
        process.told.shared.nacks.increment(refused.len() as u64);
        let since = *nacked_since.get_or_insert_with(Instant::now);
        if since.elapsed() > NACK_PATIENCE {
            let trouble = Trouble::nacked(&process.place);
            process.with(|state, _| state.refused(&trouble, true, &process.place));
        }
    }
    process.settled(taken, refused);
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
