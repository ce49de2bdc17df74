//! What is granted is enough, and a worker's rights are no more than it needs.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{HubIncoming, LinkIncoming, Transport};
use skyscan_transport_rabbitmq::{Grants, RabbitmqTransport, Rights};
use tokio::time::timeout;

use crate::{
    block_on,
    scan::{frame, hub_config, link_config},
};

const PATIENCE: Duration = Duration::from_secs(40);

fn grant(node: &Node, user: &str, rights: &Rights) -> Result<()> {
    node.control(&["add_user", user, "secret"])?;
    let Rights {
        configure,
        write,
        read,
    } = rights;
    node.control(&["set_permissions", "-p", "/", user, configure, write, read])?;
    Ok(())
}

/// A hub of the scanner's user and a link of the workers' do a task, with a payload and refused frames
/// at hand; then the same user asks to be a hub.
pub(crate) fn enough_and_no_more(node: &mut Node) -> Result<()> {
    let address = |user: &str| {
        let port = node.port();
        format!("amqp://{user}:secret@127.0.0.1:{port}/%2f?namespace=granted")
    };
    let grants = Grants::at(&address("master"))?;
    ensure!(grants.user == "master" && grants.vhost == "/");
    grant(node, "master", &grants.scanner)?;
    grant(node, "helper", &grants.worker)?;
    block_on(async {
        let scanner = RabbitmqTransport::new(&address("master"))?;
        let (hub, mut inbox) = scanner
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        let payload = hub.publish(Bytes::from_static(b"an event")).await?;
        let worker = RabbitmqTransport::new(&address("helper"))?;
        let (link, mut leases) = worker.open_link(link_config(1)).await?;
        hub.submit(vec![frame(1)]).await?;
        let done = async {
            loop {
                match leases.next().await.context("the link ended")?? {
                    LinkIncoming::HubUp { scan, .. } => {
                        let fetched = link.fetch(scan, payload).await?;
                        ensure!(fetched == b"an event"[..]);
                    }
                    LinkIncoming::Leased(held) => {
                        for lease in held {
                            lease.complete(Bytes::from_static(b"done")).await?;
                        }
                        return anyhow::Ok(());
                    }
                    LinkIncoming::HubDown { .. } | LinkIncoming::Notice { .. } => {}
                }
            }
        };
        let collected = async {
            loop {
                if let HubIncoming::Settled(batch) =
                    inbox.next().await.context("the hub ended")??
                {
                    return anyhow::Ok(batch.confirm());
                }
            }
        };
        let (done, collected) = timeout(PATIENCE, async { tokio::join!(done, collected) }).await?;
        done?;
        ensure!(collected?.len() == 1);
        link.close().await?;
        hub.close().await?;

        let refused = worker.open_hub(hub_config(Duration::from_secs(10))).await;
        match refused {
            Ok(_) => bail!("a worker's user became a hub"),
            Err(error) => {
                let words = format!("{:#}", anyhow::Error::from(error));
                ensure!(words.contains("owner"), "{words}");
                ensure!(words.contains("set_permissions"), "{words}");
                Ok(())
            }
        }
    })
}
