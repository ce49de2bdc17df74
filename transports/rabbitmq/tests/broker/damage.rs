//! A wire to the broker that flips bits.

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{Conclusion, HubIncoming, LinkIncoming, TaskFrame, TaskId, Transport};
use skyscan_transport_conformance::Seen;
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    time::timeout,
};

use crate::{
    block_on,
    scan::{hub_config, link_config},
};

const N_TASKS: u64 = 200;

/// Flips one bit in the middle of some pieces, long ones only: where the body of a message is. A
/// damaged AMQP frame would end the connection, and AMQP has no checksum of bodies.
async fn flip(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf) {
    let mut bytes = vec![0; 64 << 10];
    let mut n_long = 0;
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if (800..4000).contains(&length) {
            n_long += 1;
            if n_long % 4 == 0 {
                bytes[length / 2] ^= 1 << (n_long / 4 % 8);
            }
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

async fn flipping_wire(broker: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, broker)).await else {
                return;
            };
            let _unset = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::spawn(flip(near_in, far_out));
            tokio::spawn(flip(far_in, near_out));
        }
    });
    Ok(port)
}

/// What any worker makes of a task.
fn answer(body: &Bytes) -> Bytes {
    body.iter().rev().copied().collect()
}

/// Every result that a hub yields is the one that the worker gave, and the damaged frames are counted.
pub(crate) fn results(node: &mut Node) -> Result<()> {
    let address = |port: u16| format!("amqp://guest:guest@127.0.0.1:{port}/%2f?namespace=damaged");
    block_on(async {
        let (seen, _here) = Seen::record();
        let process = RabbitmqTransport::new(&address(node.port()))?;
        // Short, because a lane sends again what has not arrived for half of it.
        let (hub, mut inbox) = process.open_hub(hub_config(Duration::from_secs(2))).await?;
        let wire = flipping_wire(node.port()).await?;
        let other = RabbitmqTransport::new(&address(wire))?;
        let (link, mut leases) = other.open_link(link_config(1)).await?;
        let body = |task: u64| Bytes::from(vec![task as u8; 900]);
        let tasks = (0..N_TASKS).map(|task| TaskFrame {
            task: TaskId(task),
            body: body(task),
            lost_above: 0,
            avoid: Vec::new(),
        });
        hub.submit(tasks.collect()).await?;
        let work = tokio::spawn(async move {
            while let Some(Ok(incoming)) = leases.next().await {
                if let LinkIncoming::Leased(leased) = incoming {
                    let done = leased.into_iter().map(|lease| {
                        let result = answer(lease.body());
                        lease.completed(result)
                    });
                    if link.settle(done.collect()).await.is_err() {
                        return;
                    }
                }
            }
        });
        let mut done = BTreeSet::new();
        let refused = "skyscan_transport_rejected_messages_total";
        let enough = async {
            while done.len() < N_TASKS as usize && seen.sum(refused, "shared")? < 3 {
                let next = inbox.next().await.context("the inbox ended")??;
                if let HubIncoming::Settled(batch) = next {
                    for outcome in batch.confirm() {
                        let expected = answer(&body(outcome.task.0));
                        ensure!(
                            outcome.conclusion == Conclusion::Completed(expected),
                            "{outcome:?}"
                        );
                        done.insert(outcome.task.0);
                    }
                }
            }
            Ok(())
        };
        timeout(Duration::from_secs(60), enough).await??;
        work.abort();
        ensure!(seen.sum(refused, "shared")? > 0, "nothing was damaged");
        Ok(())
    })
}
