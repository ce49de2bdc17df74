//! What the broker refuses for good, and what it is told by.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{HubIncoming, Transport, TransportError};
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::time::timeout;

use crate::{
    address, block_on,
    scan::{frame, hub_config, link_config},
};

/// Longest time until a refusal is told that is looked for in vain.
const PATIENCE: Duration = Duration::from_secs(40);

/// A permission that is missing, the write to the default exchange, is told to hub and link with what
/// the broker says and what to grant.
pub(crate) fn missing_permission(node: &mut Node) -> Result<()> {
    node.control(&["add_user", "limited", "limited"])?;
    let own = "^limited.*";
    node.control(&["set_permissions", "-p", "/", "limited", own, own, own])?;
    let port = node.port();
    let address = format!("amqp://limited:limited@127.0.0.1:{port}/%2f?namespace=limited");
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (hub, mut inbox) = process
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        let other = RabbitmqTransport::new(&address)?;
        let (_link, mut leases) = other.open_link(link_config(1)).await?;
        hub.submit(vec![frame(1)]).await?;
        let told = timeout(PATIENCE, async {
            loop {
                if let Err(error) = leases.next().await.context("the link ended")? {
                    return anyhow::Ok(error);
                }
            }
        });
        granted_by(
            "set_permissions",
            &told.await.context("the link hears nothing")??,
        )?;
        let told = timeout(PATIENCE, hub_error(&mut inbox));
        granted_by(
            "set_permissions",
            &told.await.context("the hub hears nothing")??,
        )
    })
}

/// A limit of queues is told at once to whoever opens a hub.
pub(crate) fn queue_limit(node: &mut Node) -> Result<()> {
    node.control(&["add_vhost", "narrow"])?;
    node.control(&["set_permissions", "-p", "narrow", "guest", ".*", ".*", ".*"])?;
    node.control(&["set_vhost_limits", "-p", "narrow", r#"{"max-queues": 2}"#])?;
    let address = format!("amqp://guest:guest@127.0.0.1:{}/narrow", node.port());
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let since = Instant::now();
        let opened = process.open_hub(hub_config(Duration::from_secs(10))).await;
        let error = opened.err().context("a hub stands without its queues")?;
        ensure!(since.elapsed() < Duration::from_secs(10), "told late");
        granted_by("max-queues", &error)
    })
}

/// A policy by which the broker refuses every task ends the scan with its name.
pub(crate) fn refused_frames(node: &mut Node) -> Result<()> {
    let policy = r#"{"max-length-bytes": 10, "overflow": "reject-publish"}"#;
    node.control(&[
        "set_policy",
        "full",
        r"^full\.",
        policy,
        "--apply-to",
        "queues",
    ])?;
    let address = address(node, "full", "");
    let told = block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let liveness = Duration::from_secs(60);
        let (_hub, mut inbox) = process.open_hub(hub_config(liveness)).await?;
        let other = RabbitmqTransport::new(&address)?;
        let (_link, mut leases) = other.open_link(link_config(1)).await?;
        let told = timeout(PATIENCE, async {
            tokio::select! {
                error = hub_error(&mut inbox) => error,
                error = async {
                    loop {
                        if let Err(error) = leases.next().await.context("the link ended")? {
                            return anyhow::Ok(error);
                        }
                    }
                } => error,
            }
        });
        told.await.context("nobody hears anything")?
    });
    node.control(&["clear_policy", "full"])?;
    granted_by("reject-publish", &told?)
}

/// A goodbye does not wait for a broker that takes nothing.
pub(crate) fn blocked_goodbye(node: &mut Node) -> Result<()> {
    let address = address(node, "goodbye", "");
    let ended = block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = process
            .open_hub(hub_config(Duration::from_secs(15)))
            .await?;
        tokio::task::block_in_place(|| {
            node.control(&["set_vm_memory_high_watermark", "absolute", "1MB"])
        })?;
        // A broadcast shows whether the broker blocks: it takes it, or does not.
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let since = Instant::now();
            hub.broadcast(bytes::Bytes::from_static(b"notice")).await?;
            if since.elapsed() > Duration::from_millis(500) {
                break;
            }
        }
        let since = Instant::now();
        hub.close().await?;
        Ok(since.elapsed())
    });
    node.control(&["set_vm_memory_high_watermark", "absolute", "4GB"])?;
    let ended = ended?;
    ensure!(ended < Duration::from_secs(2), "the goodbye took {ended:?}");
    Ok(())
}

async fn hub_error(inbox: &mut skyscan_transport::HubInbox) -> Result<TransportError> {
    loop {
        match inbox.next().await.context("the hub ended without a word")? {
            Err(error) => return Ok(error),
            Ok(HubIncoming::Settled(_)) => bail!("a task was done"),
            Ok(HubIncoming::LinkUp { .. } | HubIncoming::LinkDown { .. }) => {}
        }
    }
}

fn granted_by(remedy: &str, error: &TransportError) -> Result<()> {
    ensure!(!error.is_transient(), "{error:?}");
    let TransportError::Backend { source, .. } = error else {
        bail!("{error:?}");
    };
    let told = source.to_string();
    ensure!(
        told.contains("the broker refuses") && told.contains(remedy),
        "{told}"
    );
    Ok(())
}
