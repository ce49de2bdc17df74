//! Links and hubs end in good order.

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::TransportError;

use super::Case;
use crate::{
    Site,
    hub_end::{HubEnd, frame},
    link_end::LinkEnd,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "drain::leases_nothing_after_drain",
            clause: "C9",
            alone: false,
            run: |site| Box::pin(leases_nothing_after_drain(site)),
        },
        Case {
            name: "drain::settles_what_it_holds",
            clause: "C9",
            alone: false,
            run: |site| Box::pin(settles_what_it_holds(site)),
        },
        Case {
            name: "drain::a_dropped_inbox_drains",
            clause: "C9",
            alone: false,
            run: |site| Box::pin(a_dropped_inbox_drains(site)),
        },
        Case {
            name: "drain::close_ends_both_inboxes",
            clause: "C9, C13",
            alone: false,
            run: |site| Box::pin(close_ends_both_inboxes(site)),
        },
        Case {
            name: "drain::purge_leaves_leased_tasks",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(purge_leaves_leased_tasks(site)),
        },
    ]
}

async fn leases_nothing_after_drain(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 2).await?;
    hub.submit(0..2).await?;
    let held = link.leases(2).await?;
    link.link.drain().await?;
    hub.submit(2..9).await?;
    for lease in held {
        lease.complete(Bytes::new()).await?;
    }
    let more = link.leases_within(site.liveness() / 2).await?;
    ensure!(more.is_empty(), "{} leases after drain", more.len());
    let mut other = LinkEnd::open(site, 9).await?;
    other.leases(7).await?;
    Ok(())
}

async fn settles_what_it_holds(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    hub.submit(0..4).await?;
    let held = link.leases(4).await?;
    link.link.drain().await?;
    tokio::time::sleep(site.liveness() * 3 / 2).await;
    for lease in held {
        lease.renew().await?;
        lease.complete(Bytes::new()).await?;
    }
    hub.outcomes(4).await?;
    Ok(())
}

async fn a_dropped_inbox_drains(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    hub.submit(0..4).await?;
    let mut held = link.leases(3).await?;
    let (link, inbox) = link.split();
    // The fourth lease is in the inbox, or on its way.
    drop(inbox);
    hub.submit(4..8).await?;
    let mut other = LinkEnd::open(site, 8).await?;
    let mut elsewhere = other.leases(5).await?;
    held.pop();
    elsewhere.push(other.lease().await?);
    for lease in held {
        lease.complete(Bytes::new()).await?;
    }
    hub.outcomes(2).await?;
    link.close().await?;
    Ok(())
}

async fn close_ends_both_inboxes(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    link.hub_up().await?;
    hub.submit([1]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    // Taken and not confirmed: it is in the inbox when the hub closes.
    drop(hub.batch().await?);
    hub.hub.close().await?;
    hub.hub.close().await?;
    hub.outcomes(1).await?;
    hub.end().await?;
    let late = hub.hub.submit(vec![frame(2)]).await;
    ensure!(matches!(late, Err(TransportError::Closed)), "{late:?}");
    link.hub_down().await?;
    link.link.close().await?;
    link.link.close().await?;
    link.end().await?;
    let late = link.link.drain().await;
    ensure!(matches!(late, Err(TransportError::Closed)), "{late:?}");
    Ok(())
}

async fn purge_leaves_leased_tasks(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 3).await?;
    hub.submit(0..10).await?;
    let held = link.leases(3).await?;
    let n_purged = hub.hub.purge().await?;
    ensure!(n_purged == 7, "purged {n_purged}");
    for lease in held {
        lease.complete(Bytes::new()).await?;
    }
    hub.outcomes(3).await?;
    let stray = link.leases_within(site.liveness() / 2).await?;
    ensure!(stray.is_empty(), "a purged task was leased");
    hub.submit([77]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    Ok(())
}
