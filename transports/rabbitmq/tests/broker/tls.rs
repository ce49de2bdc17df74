//! A broker with certificates of a CA of its own: who is believed, and what is told when the two ends do not agree.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{LinkIncoming, Transport};
use skyscan_transport_rabbitmq::RabbitmqTransport;

use crate::{
    authority::Authority,
    block_on,
    scan::{frame, hub_config, link_config},
};

/// All of it at one broker, which has to be told again what its certificate is.
pub(crate) fn certificates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ours = Authority::new(&folder.path().join("ours"))?;
    let theirs = Authority::new(&folder.path().join("theirs"))?;
    ours.sign("broker", &["127.0.0.1", "broker.example"], 2100)?;
    ours.sign("worker", &[], 2100)?;
    theirs.sign("worker", &[], 2100)?;
    let node = Node::start_with_tls(ours.of_broker())?;
    let port = node.tls_port().context("it was asked for")?;
    let address = |host: &str, port: u16, ca: Option<&Authority>, own: Option<&Authority>| {
        let file = |option: &str, authority: Option<&Authority>, name: &str| {
            let path = authority.map(|authority| authority.file(name));
            path.map_or(String::new(), |path| {
                format!("&{option}={}", path.display())
            })
        };
        format!(
            "amqps://guest:guest@{host}:{port}/%2f?patience=20{}{}{}",
            file("ca", ca, "ca.pem"),
            file("certificate", own, "worker.pem"),
            file("key", own, "worker.key")
        )
    };
    let right = address("127.0.0.1", port, Some(&ours), Some(&ours));
    block_on(a_task_goes_through(&right))?;
    let cases = [
        (
            "127.0.0.1",
            Some(&theirs),
            Some(&ours),
            "nobody who is believed here has signed",
        ),
        (
            "127.0.0.1",
            None,
            Some(&ours),
            "nobody who is believed here has signed",
        ),
        (
            "localhost",
            Some(&ours),
            Some(&ours),
            "is not for localhost",
        ),
        (
            "127.0.0.1",
            Some(&ours),
            None,
            "wants to be shown a certificate",
        ),
        (
            "127.0.0.1",
            Some(&ours),
            Some(&theirs),
            "does not believe the certificate",
        ),
    ];
    for (host, ca, own, words) in cases {
        block_on(is_refused(&address(host, port, ca, own), words))?;
    }
    let plain = address("127.0.0.1", node.port(), Some(&ours), Some(&ours));
    block_on(is_refused(&plain, "speaks no TLS"))?;
    ours.sign("broker", &["127.0.0.1"], 2021)?;
    node.forget_certificates()?;
    block_on(is_refused(&right, "has expired"))?;
    // A key that others can read is none.
    fs::set_permissions(ours.file("worker.key"), fs::Permissions::from_mode(0o644))?;
    let exposed = RabbitmqTransport::new(&right)
        .err()
        .context("it was taken")?;
    let told = format!("{exposed:?}");
    ensure!(told.contains("Exposed"), "{told}");
    Ok(())
}

async fn a_task_goes_through(address: &str) -> Result<()> {
    let process = RabbitmqTransport::new(address)?;
    let (hub, _inbox) = process
        .open_hub(hub_config(Duration::from_secs(10)))
        .await?;
    let other = RabbitmqTransport::new(address)?;
    let (_link, mut leases) = other.open_link(link_config(1)).await?;
    hub.submit(vec![frame(1)]).await?;
    while !matches!(leases.next().await, Some(Ok(LinkIncoming::Leased(_)))) {}
    Ok(hub.close().await?)
}

/// Refused for good, in words that say what to do, and soon.
async fn is_refused(address: &str, words: &str) -> Result<()> {
    let process = RabbitmqTransport::new(address)?;
    let opened = process.open_hub(hub_config(Duration::from_secs(10))).await;
    let error = opened
        .err()
        .with_context(|| format!("{words:?}: a hub was opened"))?;
    let told = format!("{error}: {error:?}");
    ensure!(told.contains(words), "{words:?} is not in {told}");
    ensure!(!error.is_transient(), "it is tried again: {told}");
    Ok(())
}
