//! Links vanish, wires are cut; tasks are not lost.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{Conclusion, DownCause, TransportError};
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
            name: "loss::redelivers_after_link_loss",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(redelivers_after_link_loss(site)),
        },
        Case {
            name: "loss::redelivers_after_a_severed_wire",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(redelivers_after_a_severed_wire(site)),
        },
        Case {
            name: "loss::survives_a_healed_wire",
            clause: "C3, C4",
            alone: false,
            run: |site| Box::pin(survives_a_healed_wire(site)),
        },
        Case {
            name: "loss::outlives_a_wire_that_was_cut_for_long",
            clause: "C3, C4, C13",
            alone: false,
            run: |site| Box::pin(outlives_a_wire_that_was_cut_for_long(site)),
        },
        Case {
            name: "loss::a_closed_link_redelivers_at_once",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(a_closed_link_redelivers_at_once(site)),
        },
        Case {
            name: "loss::reports_link_down_once",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(reports_link_down_once(site)),
        },
        Case {
            name: "loss::settling_over_a_cut_wire_ends",
            clause: "C4",
            alone: false,
            run: |site| Box::pin(settling_over_a_cut_wire_ends(site)),
        },
    ]
}

/// How late a loss may be noticed: the clause says `liveness`, a loaded machine adds some.
fn late(site: &dyn Site) -> Duration {
    site.liveness() * 2
}

async fn redelivers_after_link_loss(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut lost = LinkEnd::open(site, 2).await?;
    hub.submit([1, 2]).await?;
    let leases = lost.leases(2).await?;
    let (id, _) = hub.link_up().await?;
    let mut other = LinkEnd::open(site, 2).await?;
    let since = Instant::now();
    drop(lost);
    for lease in other.leases(2).await? {
        ensure!(lease.attempt() == 2, "{lease:?}");
        lease.complete(Bytes::new()).await?;
    }
    ensure!(
        since.elapsed() < late(site),
        "redelivered after {:?}",
        since.elapsed()
    );
    ensure!(hub.link_down().await? == (id, DownCause::Lost));
    for lease in leases {
        let settled = lease.complete(Bytes::new()).await;
        ensure!(
            matches!(
                settled,
                Err(TransportError::LeaseLost | TransportError::Closed)
            ),
            "{settled:?}"
        );
    }
    hub.outcomes(2).await?;
    Ok(())
}

async fn redelivers_after_a_severed_wire(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut lost = LinkEnd::open_at(process.clone(), 1).await?;
    hub.submit([1]).await?;
    let held = lost.lease().await?;
    let (id, _) = hub.link_up().await?;
    let mut other = LinkEnd::open(site, 1).await?;
    site.sever(&process)?;
    let since = Instant::now();
    expect_lease(&other.lease().await?, 1, 2)?;
    ensure!(
        since.elapsed() < late(site),
        "redelivered after {:?}",
        since.elapsed()
    );
    ensure!(hub.link_down().await? == (id, DownCause::Lost));
    lost.hub_down().await?;
    ensure!(
        since.elapsed() < late(site),
        "the link noticed after {:?}",
        since.elapsed()
    );
    drop(held);
    Ok(())
}

/// Whether the leases outlive a short cut is up to the backend; that they are settled once or
/// given to another is not.
async fn survives_a_healed_wire(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut link = LinkEnd::open_at(process.clone(), 8).await?;
    hub.submit(0..8).await?;
    let held = link.leases(8).await?;
    site.sever(&process)?;
    link.read_for(site.liveness() / 4).await?;
    site.heal(&process)?;
    let settled = held
        .into_iter()
        .map(|lease| lease.completed(Bytes::new()))
        .collect();
    let settled = link.link.settle(settled).await?;
    let mut n_done = 0;
    for lease in link.leases(settled.lost.len()).await? {
        ensure!(lease.attempt() == 2, "{lease:?}");
        lease.complete(Bytes::new()).await?;
        n_done += 1;
    }
    ensure!(n_done == settled.lost.len());
    let mut tasks: Vec<_> = Vec::new();
    while tasks.len() < 8 {
        tasks.extend(
            hub.batch()
                .await?
                .confirm()
                .into_iter()
                .map(|outcome| outcome.task),
        );
        tasks.sort_unstable();
        tasks.dedup();
    }
    Ok(())
}

async fn outlives_a_wire_that_was_cut_for_long(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut link = LinkEnd::open_at(process.clone(), 1).await?;
    hub.submit([1]).await?;
    let stale = link.lease().await?;
    hub.link_up().await?;
    site.sever(&process)?;
    hub.link_down().await?;
    link.hub_down().await?;
    site.heal(&process)?;
    hub.link_up().await?;
    link.hub_up().await?;
    link.hub_up().await?;
    let again = link.lease().await?;
    expect_lease(&again, 1, 2)?;
    let settled = stale.complete(Bytes::from_static(b"stale")).await;
    ensure!(
        matches!(settled, Err(TransportError::LeaseLost)),
        "{settled:?}"
    );
    again.complete(Bytes::from_static(b"fresh")).await?;
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(outcome.conclusion == Conclusion::Completed(Bytes::from_static(b"fresh")));
    Ok(())
}

async fn a_closed_link_redelivers_at_once(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let held = link.lease().await?;
    let (id, _) = hub.link_up().await?;
    let mut other = LinkEnd::open(site, 1).await?;
    hub.link_up().await?;
    let since = Instant::now();
    link.link.close().await?;
    expect_lease(&other.lease().await?, 1, 1)?;
    ensure!(
        since.elapsed() < site.liveness() / 2,
        "redelivered after {:?}",
        since.elapsed()
    );
    ensure!(hub.link_down().await? == (id, DownCause::Closed));
    drop(held);
    Ok(())
}

async fn reports_link_down_once(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let _lost = LinkEnd::open_at(process.clone(), 1).await?;
    let (lost_id, _) = hub.link_up().await?;
    let closed = LinkEnd::open(site, 1).await?;
    let (closed_id, _) = hub.link_up().await?;
    site.sever(&process)?;
    closed.link.close().await?;
    closed.link.close().await?;
    let mut downs = hub.downs_within(site.liveness() * 3).await?;
    downs.sort_by_key(|&(_, cause)| cause == DownCause::Lost);
    ensure!(
        downs == [(closed_id, DownCause::Closed), (lost_id, DownCause::Lost)],
        "{downs:?}"
    );
    Ok(())
}

async fn settling_over_a_cut_wire_ends(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut link = LinkEnd::open_at(process.clone(), 1).await?;
    hub.submit([1]).await?;
    let lease = link.lease().await?;
    site.sever(&process)?;
    let since = Instant::now();
    let settled = lease.complete(Bytes::new()).await;
    ensure!(
        matches!(settled, Err(TransportError::LeaseLost)),
        "{settled:?}"
    );
    ensure!(
        since.elapsed() < late(site),
        "ended after {:?}",
        since.elapsed()
    );
    Ok(())
}
