//! Frames that no hub or process of ours has written.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{LinkIncoming, Transport, TransportError, backend::checksum};
use skyscan_transport_conformance::Seen;
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::time::timeout;

use crate::{
    address, block_on,
    scan::{frame, hub_config, link_config},
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";

/// An announcement of a hub with this scan, epoch and major, in this version of the wire.
fn announcement(wire: u8, scan: u64, epoch: u64, major: u16) -> Vec<u8> {
    let mut rest = vec![1];
    rest.extend(scan.to_le_bytes());
    rest.extend(epoch.to_le_bytes());
    rest.extend(major.to_le_bytes());
    rest.extend(0_u16.to_le_bytes());
    for micros in [10_000_000_u64, 600_000_000] {
        rest.extend(micros.to_le_bytes());
    }
    let mut frame = b"SKY".to_vec();
    frame.push(wire);
    frame.extend(checksum(&[&rest]).to_le_bytes());
    frame.extend(rest);
    frame
}

async fn say(node: &Node, exchange: &str, frames: Vec<Vec<u8>>) -> Result<()> {
    let connection = Connection::connect(&node.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    for body in frames {
        let (options, plain) = (BasicPublishOptions::default(), BasicProperties::default());
        let confirm = channel.basic_publish(exchange.into(), "".into(), options, &body, plain);
        confirm.await?.await?;
    }
    Ok(())
}

/// A hub that takes another one's name, one of another major, and damaged announcements are counted;
/// the link goes on with the good one.
pub(crate) fn hubs(node: &mut Node) -> Result<()> {
    let address = address(node, "forged", "");
    block_on(async {
        let (seen, _here) = Seen::record();
        let process = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = process
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        let other = RabbitmqTransport::new(&address)?;
        let (_link, mut leases) = other.open_link(link_config(1)).await?;
        let up = leases.next().await.context("the inbox ended")??;
        ensure!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
        let mut damaged = announcement(3, 1, 66, 1);
        damaged[20] ^= 4;
        let forged = vec![
            announcement(3, 1, 66, 1),
            announcement(3, 9, 66, 8),
            damaged,
            announcement(7, 9, 66, 1),
        ];
        let before = seen.sum(REJECTED, "shared")?;
        say(node, "forged.hubs", forged).await?;
        seen.wait_above(REJECTED, "shared", before + 3).await?;
        hub.submit(vec![frame(1)]).await?;
        let next = timeout(Duration::from_secs(5), leases.next());
        let next = next.await?.context("the inbox ended")??;
        ensure!(matches!(next, LinkIncoming::Leased(_)), "{next:?}");
        Ok(())
    })
}

/// Where nobody speaks this version of the wire, a link is told so.
pub(crate) fn another_wire(node: &mut Node) -> Result<()> {
    let address = address(node, "older", "");
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (_link, mut leases) = process.open_link(link_config(1)).await?;
        // Until the link's queue stands nobody hears it.
        let error = loop {
            say(node, "older.hubs", vec![announcement(7, 1, 66, 1); 3])
                .await
                .ok();
            if let Ok(next) = timeout(Duration::from_millis(300), leases.next()).await {
                break next
                    .context("the inbox ended")?
                    .err()
                    .context("a hub came up")?;
            }
        };
        ensure!(
            matches!(
                error,
                TransportError::WireMismatch {
                    beside_others: true,
                    ..
                }
            ),
            "{error:?}"
        );
        // A hub that is understood may come all the same, and is served.
        let scanner = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = scanner
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        say(node, "older.hubs", vec![announcement(7, 1, 66, 1); 9]).await?;
        hub.submit(vec![frame(1)]).await?;
        loop {
            let next = timeout(Duration::from_secs(10), leases.next());
            match next.await?.context("the inbox ended")?? {
                LinkIncoming::Leased(_) => break,
                LinkIncoming::HubUp { .. } => {}
                other => bail!("{other:?}"),
            }
        }
        Ok(())
    })
}
