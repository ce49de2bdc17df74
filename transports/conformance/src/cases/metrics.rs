//! What a backend tells of itself while tasks are held, released and lost.

use std::sync::Arc;

use anyhow::{Result, bail};
use bytes::Bytes;
use skyscan_transport::{Traffic, Transport};

use super::Case;
use crate::{Seen, Site, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn case() -> Case {
    Case {
        name: "metrics::tell_what_happens",
        clause: "the list of metrics",
        alone: false,
        run: |site| Box::pin(tell_what_happens(site)),
    }
}

async fn tell_what_happens(site: &dyn Site) -> Result<()> {
    let (seen, _here) = Seen::record();

    let mut hub = HubEnd::open(site).await?;
    let steady = site.link_process().await?;
    let shaky = site.link_process().await?;
    let mut first = LinkEnd::open_at(steady.clone(), 2).await?;
    hub.link_up().await?;
    seen.wait("skyscan_transport_links", "hub", 1).await?;
    seen.wait("skyscan_credit_limit", "hub", 2).await?;

    // Three tasks, two of them held: one waits.
    hub.submit(0..3).await?;
    let mut held = first.leases(2).await?;
    seen.wait("skyscan_credit_outstanding", "hub", 2).await?;
    seen.wait("skyscan_transport_queue_messages", "hub", 1)
        .await?;
    seen.is("skyscan_transport_redelivered_total", "hub", 0)?;

    // One comes back, and is leased again to whoever has credit.
    let given_back = held.remove(0);
    given_back.release().await?;
    held.extend(first.leases(1).await?);
    for lease in held.drain(..) {
        lease.complete(Bytes::new()).await?;
    }
    for lease in first.leases(1).await? {
        lease.complete(Bytes::new()).await?;
    }
    hub.outcomes(3).await?;
    seen.wait("skyscan_transport_redelivered_total", "hub", 1)
        .await?;
    seen.wait("skyscan_credit_outstanding", "hub", 0).await?;
    seen.wait("skyscan_transport_queue_messages", "hub", 0)
        .await?;
    seen.wait("skyscan_transport_unconfirmed_messages", "", 0)
        .await?;

    // Another process, whose wire is cut while it settles.
    first.link.drain().await?;
    let mut second = LinkEnd::open_at(shaky.clone(), 3).await?;
    hub.link_up().await?;
    seen.wait("skyscan_transport_links", "hub", 2).await?;
    seen.wait("skyscan_transport_links", "link", 2).await?;
    seen.wait("skyscan_credit_limit", "hub", 5).await?;
    hub.submit([3]).await?;
    let lease = second.lease().await?;
    seen.wait("skyscan_credit_outstanding", "hub", 1).await?;
    site.sever(&shaky)?;
    let settling = tokio::spawn(lease.complete(Bytes::new()));
    seen.wait_above("skyscan_transport_unconfirmed_messages", "", 0)
        .await?;
    seen.is("skyscan_transport_links_lost_total", "hub", 0)?;
    hub.link_down().await?;
    seen.wait("skyscan_transport_links_lost_total", "hub", 1)
        .await?;
    seen.wait("skyscan_transport_links", "hub", 1).await?;

    // It comes up anew and gets its task once more.
    site.heal(&shaky)?;
    hub.link_up().await?;
    // What became of it is for other cases to judge.
    let _lost = settling.await?;
    second.lease().await?.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    seen.wait("skyscan_transport_redelivered_total", "hub", 2)
        .await?;
    seen.wait("skyscan_transport_unconfirmed_messages", "", 0)
        .await?;

    moved(&seen, &[&hub.process, &steady, &shaky])?;
    first.link.close().await?;
    second.link.close().await?;
    hub.hub.close().await?;
    seen.wait("skyscan_transport_links", "", 0).await?;
    drop((hub, steady, shaky, first, second));
    for level in [
        "skyscan_transport_connections",
        "skyscan_credit_limit",
        "skyscan_credit_outstanding",
        "skyscan_transport_unconfirmed_messages",
    ] {
        seen.wait(level, "", 0).await?;
    }
    let opened = seen.sum("skyscan_transport_connections_opened_total", "")?;
    let closed = seen.sum("skyscan_transport_connections_closed_total", "")?;
    if opened < 3 || closed != opened {
        bail!("{opened} connections were opened, {closed} closed");
    }
    Ok(())
}

/// Messages and bytes are those of the transports' own books. Beats go on meanwhile, so the books
/// are read before and after.
fn moved(seen: &Seen, processes: &[&Arc<dyn Transport>]) -> Result<()> {
    let books = || processes.iter().map(|process| process.traffic());
    type Entry = fn(Traffic) -> u64;
    let entries: [(&str, Entry); 2] = [
        ("skyscan_transport_messages_total", |t| {
            t.messages_sent + t.messages_received
        }),
        ("skyscan_transport_bytes_total", |t| {
            t.bytes_sent + t.bytes_received
        }),
    ];
    for (name, entry) in entries {
        let before: u64 = books().map(entry).sum();
        let told = seen.sum(name, "")?;
        let after: u64 = books().map(entry).sum();
        // Books and metrics are written one after the other, by several threads.
        let slack = after / 10;
        if told + slack < before || told > after + slack || told == 0 {
            bail!("{name} is {told}, between {before} and {after} by the books");
        }
    }
    Ok(())
}
