//! Urgent scans come first, and nobody loses anything by it.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{Lease, Priority, ScanId, renew};

use super::Case;
use crate::{Site, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "priority::what_becomes_free_is_for_the_urgent_hub",
            clause: "C16",
            alone: false,
            run: |site| Box::pin(what_becomes_free_is_for_the_urgent_hub(site)),
        },
        Case {
            name: "priority::what_is_given_back_makes_room",
            clause: "C16, C3",
            alone: false,
            run: |site| Box::pin(what_is_given_back_makes_room(site)),
        },
        Case {
            name: "priority::lower_hubs_get_half_of_a_link",
            clause: "C16, C5",
            alone: false,
            run: |site| Box::pin(lower_hubs_get_half_of_a_link(site)),
        },
        Case {
            name: "priority::equals_share_in_turns",
            clause: "C16",
            alone: false,
            run: |site| Box::pin(equals_share_in_turns(site)),
        },
        Case {
            name: "priority::the_others_go_on_afterwards",
            clause: "C16, C1, C3",
            alone: false,
            run: |site| Box::pin(the_others_go_on_afterwards(site)),
        },
    ]
}

const NORMAL: ScanId = ScanId(1);
const URGENT: ScanId = ScanId(2);
const ALSO_URGENT: ScanId = ScanId(3);

/// Opens one more hub in the process of another one.
async fn open(site: &dyn Site, beside: &HubEnd, scan: ScanId, rank: Priority) -> Result<HubEnd> {
    HubEnd::open_at(beside.process.clone(), site, |config| {
        (config.scan, config.priority) = (scan, rank);
    })
    .await
}

fn ensure_of(lease: &Lease, scan: ScanId) -> Result<()> {
    ensure!(lease.key().scan == scan, "{lease:?}, not one of {scan:?}");
    Ok(())
}

/// Hundreds of tasks of the other one wait; none of it is taken away.
async fn what_becomes_free_is_for_the_urgent_hub(site: &dyn Site) -> Result<()> {
    let mut normal = HubEnd::open(site).await?;
    normal.submit(0..400).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    link.hub_up().await?;
    let held = link.leases(4).await?;
    let mut urgent = open(site, &normal, URGENT, Priority::URGENT).await?;
    link.hub_up().await?;
    let told = link.priorities.get(&URGENT);
    ensure!(told == Some(&Priority::URGENT), "told {told:?}");
    urgent.submit(0..20).await?;
    let mut next = Vec::new();
    for lease in held {
        lease.complete(Bytes::new()).await?;
        let lease = link.lease().await?;
        ensure_of(&lease, URGENT)?;
        next.push(lease);
    }
    normal.outcomes(4).await?;
    for _ in 4..20 {
        next.remove(0).complete(Bytes::new()).await?;
        let lease = link.lease().await?;
        ensure_of(&lease, URGENT)?;
        next.push(lease);
    }
    for lease in next {
        lease.complete(Bytes::new()).await?;
    }
    urgent.outcomes(20).await?;
    ensure_of(&link.lease().await?, NORMAL)
}

async fn what_is_given_back_makes_room(site: &dyn Site) -> Result<()> {
    let normal = HubEnd::open(site).await?;
    normal.submit(0..400).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    link.hub_up().await?;
    let mut held = link.leases(4).await?;
    let urgent = open(site, &normal, URGENT, Priority::URGENT).await?;
    link.hub_up().await?;
    urgent.submit(0..20).await?;
    let early = link.leases_within(site.liveness() / 5).await?;
    ensure!(early.is_empty(), "{early:?} over the credit");
    let unbegun = held.split_off(2).into_iter().map(Lease::released);
    let settled = link.link.settle(unbegun.collect()).await?;
    ensure!(settled.lost.is_empty(), "lost {:?}", settled.lost);
    for lease in link.leases(2).await? {
        ensure_of(&lease, URGENT)?;
        held.push(lease);
    }
    let more = link.leases_within(site.liveness() / 5).await?;
    ensure!(more.is_empty(), "{more:?} over the credit");
    Ok(())
}

async fn lower_hubs_get_half_of_a_link(site: &dyn Site) -> Result<()> {
    let mut normal = HubEnd::open(site).await?;
    let mut urgent = open(site, &normal, URGENT, Priority::URGENT).await?;
    let mut link = LinkEnd::open(site, 5).await?;
    for _ in 0..2 {
        link.hub_up().await?;
    }
    normal.link_up().await?;
    urgent.link_up().await?;
    // Where a broker carries, the link itself may hear of it later.
    ensure!(link.leases_within(site.liveness() / 5).await?.is_empty());
    normal.submit(0..50).await?;
    let mut held = link.leases(3).await?;
    let more = link.leases_within(site.liveness() / 5).await?;
    ensure!(more.is_empty(), "{} more than three of five", more.len());
    urgent.submit(0..50).await?;
    for lease in link.leases(2).await? {
        ensure_of(&lease, URGENT)?;
        held.push(lease);
    }
    urgent.hub.close().await?;
    ensure!(link.hub_down().await? == URGENT);
    for lease in link.leases(2).await? {
        ensure_of(&lease, NORMAL)?;
        held.push(lease);
    }
    Ok(())
}

/// A third one waits behind both.
async fn equals_share_in_turns(site: &dyn Site) -> Result<()> {
    let normal = HubEnd::open(site).await?;
    let first = open(site, &normal, URGENT, Priority::URGENT).await?;
    let second = open(site, &normal, ALSO_URGENT, Priority::URGENT).await?;
    for hub in [&normal, &first, &second] {
        hub.submit(0..100).await?;
    }
    let mut link = LinkEnd::open(site, 4).await?;
    for _ in 0..3 {
        link.hub_up().await?;
    }
    let mut n_of = [0_u32; 3];
    for _ in 0..80 {
        let lease = link.lease().await?;
        n_of[lease.key().scan.0 as usize - 1] += 1;
        lease.complete(Bytes::new()).await?;
    }
    // The link may have been full of the normal one before it heard of the others.
    let [n_normal, n_first, n_second] = n_of;
    ensure!(n_normal <= 12, "{n_normal} of 80 to the lowest");
    ensure!(n_first.abs_diff(n_second) <= 16, "{n_of:?}");
    Ok(())
}

/// Renews leases as a Worker does whose tasks run on.
async fn keep(running: &[Vec<Lease>], term: Duration) -> Result<()> {
    loop {
        tokio::time::sleep(term / 3).await;
        let lost = renew(running.iter().flatten().collect()).await?;
        ensure!(lost.is_empty(), "lost {lost:?}");
    }
}

/// Two links do what two Workers do: give back what waits, then do what comes.
async fn the_others_go_on_afterwards(site: &dyn Site) -> Result<()> {
    const N_TASKS: u64 = 60;
    let mut normal = HubEnd::open(site).await?;
    normal.submit(0..N_TASKS).await?;
    let mut links = vec![LinkEnd::open(site, 4).await?, LinkEnd::open(site, 4).await?];
    let mut running = Vec::new();
    for link in &mut links {
        link.hub_up().await?;
        running.push(link.leases(4).await?);
    }
    let mut urgent = open(site, &normal, URGENT, Priority::URGENT).await?;
    urgent.submit(0..20).await?;
    for (link, held) in links.iter_mut().zip(&mut running) {
        link.hub_up().await?;
        let unbegun = held.split_off(2).into_iter().map(Lease::released);
        let settled = link.link.settle(unbegun.collect()).await?;
        ensure!(settled.lost.is_empty(), "lost {:?}", settled.lost);
    }
    let [first, second] = &mut links[..] else {
        unreachable!("there are two");
    };
    let n_done = |outcomes: Vec<skyscan_transport::Outcome>| {
        let attempts = outcomes.iter().map(|outcome| outcome.attempt);
        let n_again = attempts.filter(|&attempt| attempt != 1).count();
        ensure!(n_again == 0, "{n_again} of {} lost", outcomes.len());
        let mut tasks: Vec<u64> = outcomes.iter().map(|outcome| outcome.task.0).collect();
        tasks.sort_unstable();
        tasks.dedup();
        Ok(tasks.len() as u64)
    };
    let n_urgent = tokio::select! {
        served = first.serve() => anyhow::bail!("the first link ended: {served:?}"),
        served = second.serve() => anyhow::bail!("the second link ended: {served:?}"),
        kept = keep(&running, site.lease_term()) => anyhow::bail!("what runs ended: {kept:?}"),
        outcomes = urgent.outcomes(20) => n_done(outcomes?)?,
    };
    ensure!(n_urgent == 20, "{n_urgent} urgent tasks done");
    urgent.hub.close().await?;
    // What ran all the while ends now.
    for lease in running.into_iter().flatten() {
        lease.complete(Bytes::new()).await?;
    }
    for link in [&mut *first, &mut *second] {
        ensure!(link.hub_down().await? == URGENT);
    }
    let n_normal = tokio::select! {
        served = first.serve() => anyhow::bail!("the first link ended: {served:?}"),
        served = second.serve() => anyhow::bail!("the second link ended: {served:?}"),
        outcomes = normal.outcomes(N_TASKS as usize) => n_done(outcomes?)?,
    };
    ensure!(n_normal == N_TASKS, "{n_normal} tasks done");
    Ok(())
}
