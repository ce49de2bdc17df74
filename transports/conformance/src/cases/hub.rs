//! Hubs come and go, links stay.

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{ScanId, TransportError};
use tokio::time::Instant;

use super::Case;
use crate::{
    Site,
    hub_end::HubEnd,
    link_end::{LinkEnd, expect_lease},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "hub::a_link_waits_for_the_first_hub",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(a_link_waits_for_the_first_hub(site)),
        },
        Case {
            name: "hub::links_learn_that_the_hub_is_lost",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(links_learn_that_the_hub_is_lost(site)),
        },
        Case {
            name: "hub::a_reopened_hub_is_empty",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(a_reopened_hub_is_empty(site)),
        },
        Case {
            name: "hub::links_serve_a_reopened_hub",
            clause: "C13, C4",
            alone: false,
            run: |site| Box::pin(links_serve_a_reopened_hub(site)),
        },
        Case {
            name: "hub::links_serve_a_hub_in_another_process",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(links_serve_a_hub_in_another_process(site)),
        },
    ]
}

async fn a_link_waits_for_the_first_hub(site: &dyn Site) -> Result<()> {
    let mut link = LinkEnd::open(site, 1).await?;
    link.read_for(site.liveness() * 2).await?;
    let mut hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn links_learn_that_the_hub_is_lost(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let held = link.lease().await?;
    let since = Instant::now();
    drop(hub);
    ensure!(link.hub_down().await? == ScanId(1));
    ensure!(
        since.elapsed() < site.liveness() * 2,
        "noticed after {:?}",
        since.elapsed()
    );
    let settled = held.complete(Bytes::new()).await;
    ensure!(
        matches!(settled, Err(TransportError::LeaseLost)),
        "{settled:?}"
    );
    Ok(())
}

async fn a_reopened_hub_is_empty(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    hub.submit(0..20).await?;
    let held = link.leases(4).await?;
    let payload = hub
        .hub
        .publish(Bytes::from_static(b"of the old hub"))
        .await?;
    hub.hub.close().await?;
    link.hub_down().await?;
    let mut hub = HubEnd::open_at(hub.process.clone(), site, |_| {}).await?;
    link.hub_up().await?;
    link.hub_up().await?;
    let stray = link.leases_within(site.liveness()).await?;
    ensure!(stray.is_empty(), "a task of the old hub came back");
    let fetched = link.link.fetch(ScanId(1), payload).await;
    ensure!(
        matches!(fetched, Err(TransportError::UnknownPayload(_))),
        "{fetched:?}"
    );
    drop(held);
    hub.submit([7]).await?;
    expect_lease(&link.lease().await?, 7, 1)?;
    ensure!(hub.outcomes_within(site.liveness() / 4).await?.is_empty());
    Ok(())
}

async fn links_serve_a_reopened_hub(site: &dyn Site) -> Result<()> {
    let process = site.hub_process().await?;
    let mut link = LinkEnd::open(site, 2).await?;
    let mut stale = Vec::new();
    for round in 0..3_u64 {
        let mut hub = HubEnd::open_at(process.clone(), site, |_| {}).await?;
        hub.submit([round * 2, round * 2 + 1]).await?;
        link.hub_up().await?;
        let leases = link.leases(2).await?;
        for lease in stale.drain(..) {
            let settled = skyscan_transport::Lease::complete(lease, Bytes::new()).await;
            ensure!(
                matches!(settled, Err(TransportError::LeaseLost)),
                "{settled:?}"
            );
        }
        for (lease, keep) in leases.into_iter().zip([false, true]) {
            ensure!(
                lease.key().task.0 / 2 == round && lease.attempt() == 1,
                "{lease:?}"
            );
            match keep {
                true => stale.push(lease),
                false => lease.complete(Bytes::new()).await?,
            }
        }
        hub.outcomes(1).await?;
        hub.hub.close().await?;
        hub.end().await?;
        link.hub_down().await?;
    }
    Ok(())
}

async fn links_serve_a_hub_in_another_process(site: &dyn Site) -> Result<()> {
    let mut link = LinkEnd::open(site, 1).await?;
    let hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    let stale = link.lease().await?;
    link.hub_up().await?;
    drop(hub);
    link.hub_down().await?;
    let mut hub = HubEnd::open(site).await?;
    link.hub_up().await?;
    hub.submit([2]).await?;
    let fresh = link.lease().await?;
    expect_lease(&fresh, 2, 1)?;
    let settled = stale.complete(Bytes::from_static(b"stale")).await;
    ensure!(
        matches!(settled, Err(TransportError::LeaseLost)),
        "{settled:?}"
    );
    fresh.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}
