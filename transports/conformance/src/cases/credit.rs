//! Nobody holds or queues more than was agreed.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use tokio::time::timeout;

use super::Case;
use crate::{
    Site,
    hub_end::{HubEnd, frame},
    link_end::LinkEnd,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "credit::never_exceeds_credit",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(never_exceeds_credit(site)),
        },
        Case {
            name: "credit::a_link_without_credit_listens",
            clause: "C5, C7, C8",
            alone: false,
            run: |site| Box::pin(a_link_without_credit_listens(site)),
        },
        Case {
            name: "credit::settling_returns_credit",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(settling_returns_credit(site)),
        },
        Case {
            name: "credit::submit_waits_at_the_backlog",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(submit_waits_at_the_backlog(site)),
        },
        Case {
            name: "credit::a_slow_hub_stalls_links_not_memory",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(a_slow_hub_stalls_links_not_memory(site)),
        },
        Case {
            name: "credit::credit_spans_the_scans",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(credit_spans_the_scans(site)),
        },
    ]
}

async fn never_exceeds_credit(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 3).await?;
    hub.submit(0..50).await?;
    let mut held = link.leases(3).await?;
    for round in 0..5 {
        let more = link.leases_within(site.liveness() / 5).await?;
        ensure!(
            more.is_empty(),
            "{} leases too many in round {round}",
            more.len()
        );
        let first = held.remove(0);
        match round % 3 {
            0 => first.complete(Bytes::new()).await?,
            1 => first.reject("no".into()).await?,
            _ => first.release().await?,
        }
        held.push(link.lease().await?);
    }
    Ok(())
}

async fn a_link_without_credit_listens(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let payload = Bytes::from_static(b"for every link");
    let id = hub.hub.publish(payload.clone()).await?;
    hub.submit(0..3).await?;
    let mut listener = LinkEnd::open(site, 0).await?;
    let (scan, _) = listener.hub_up().await?;
    ensure!(listener.link.fetch(scan, id).await? == payload);
    let mut link = LinkEnd::open(site, 1).await?;
    for _ in 0..3 {
        link.lease().await?.complete(Bytes::new()).await?;
    }
    let stray = listener.leases_within(site.liveness() / 5).await?;
    ensure!(stray.is_empty(), "{} leases without credit", stray.len());
    hub.hub.broadcast(Bytes::from_static(b"pause")).await?;
    ensure!(listener.notice().await? == (scan, Bytes::from_static(b"pause")));
    Ok(())
}

async fn settling_returns_credit(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit(0..30).await?;
    for _ in 0..30 {
        link.lease().await?.complete(Bytes::new()).await?;
    }
    hub.outcomes(30).await?;
    Ok(())
}

async fn submit_waits_at_the_backlog(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open_with(site, |config| config.backlog = 10).await?;
    hub.submit(0..10).await?;
    let handle = hub.hub.clone();
    let mut waiting =
        tokio::spawn(async move { handle.submit((10..25).map(frame).collect()).await });
    let early = timeout(site.liveness() / 2, &mut waiting).await;
    ensure!(early.is_err(), "submitted over the backlog");
    let mut link = LinkEnd::open(site, 5).await?;
    for _ in 0..20 {
        link.lease().await?.complete(Bytes::new()).await?;
    }
    waiting.await??;
    for _ in 0..5 {
        link.lease().await?.complete(Bytes::new()).await?;
    }
    Ok(())
}

async fn a_slow_hub_stalls_links_not_memory(site: &dyn Site) -> Result<()> {
    const N_TASKS: u64 = 60_000;
    let mut hub = HubEnd::open_with(site, |config| config.backlog = N_TASKS as usize).await?;
    hub.submit(0..N_TASKS).await?;
    let mut link = LinkEnd::open(site, 64).await?;
    let mut n_done = 0;
    // The hub's owner reads nothing meanwhile.
    while let Ok(served) = timeout(site.liveness(), link.leases(1)).await {
        let leases = served?
            .into_iter()
            .chain(link.leases_within(Duration::ZERO).await?);
        let settlements: Vec<_> = leases.map(|lease| lease.completed(Bytes::new())).collect();
        n_done += settlements.len();
        link.link.settle(settlements).await?;
        ensure!(
            n_done < N_TASKS as usize / 2,
            "{n_done} outcomes wait in memory"
        );
    }
    let mut n_read = 0;
    while n_read < N_TASKS as usize {
        tokio::select! {
            batch = hub.batch() => n_read += batch?.confirm().len(),
            lease = link.lease() => {
                let first = lease?;
                let more = link.leases_within(Duration::ZERO).await?;
                let leases = std::iter::once(first).chain(more);
                let settlements = leases.map(|lease| lease.completed(Bytes::new())).collect();
                link.link.settle(settlements).await?;
            }
        }
    }
    ensure!(n_read == N_TASKS as usize, "{n_read} outcomes");
    Ok(())
}

async fn credit_spans_the_scans(site: &dyn Site) -> Result<()> {
    let first = HubEnd::open(site).await?;
    let other = skyscan_transport::ScanId(2);
    let second = HubEnd::open_at(first.process.clone(), site, |config| config.scan = other).await?;
    first.submit(0..10).await?;
    second.submit(0..10).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    let held = link.leases(4).await?;
    let more = link.leases_within(site.liveness() / 2).await?;
    ensure!(
        more.is_empty(),
        "{} leases over {} of credit",
        held.len() + more.len(),
        4
    );
    Ok(())
}
