//! Tasks reach links, outcomes reach the hub.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{
    Conclusion, LinkId, MAX_BODY_BYTES, ScanId, TaskFrame, TaskId, TransportError,
};

use super::Case;
use crate::{
    Site,
    hub_end::HubEnd,
    link_end::{LinkEnd, expect_lease},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "delivery::completes_a_task",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(completes_a_task(site)),
        },
        Case {
            name: "delivery::tells_each_side_who_the_other_is",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(tells_each_side_who_the_other_is(site)),
        },
        Case {
            name: "delivery::the_hub_knows_a_link_by_its_id",
            clause: "C13",
            alone: false,
            run: |site| Box::pin(the_hub_knows_a_link_by_its_id(site)),
        },
        Case {
            name: "delivery::each_task_reaches_one_link",
            clause: "C2",
            alone: false,
            run: |site| Box::pin(each_task_reaches_one_link(site)),
        },
        Case {
            name: "delivery::spreads_tasks_over_links",
            clause: "C5",
            alone: false,
            run: |site| Box::pin(spreads_tasks_over_links(site)),
        },
        Case {
            name: "delivery::carries_empty_and_largest_bodies",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(carries_empty_and_largest_bodies(site)),
        },
        Case {
            name: "delivery::refuses_an_oversized_frame",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(refuses_an_oversized_frame(site)),
        },
        Case {
            name: "delivery::keeps_tasks_submitted_before_any_link",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(keeps_tasks_submitted_before_any_link(site)),
        },
        Case {
            name: "delivery::two_scans_share_one_link",
            clause: "C5, C13",
            alone: false,
            run: |site| Box::pin(two_scans_share_one_link(site)),
        },
        Case {
            name: "delivery::settles_many_at_once",
            clause: "C6",
            alone: false,
            run: |site| Box::pin(settles_many_at_once(site)),
        },
    ]
}

async fn completes_a_task(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([7]).await?;
    let lease = link.lease().await?;
    expect_lease(&lease, 7, 1)?;
    ensure!(lease.key().scan == ScanId(1) && lease.body()[..] == 7_u64.to_le_bytes());
    ensure!(
        lease.term() == site.lease_term(),
        "the lease term is {:?}",
        lease.term()
    );
    lease.complete(Bytes::from_static(b"done")).await?;
    let outcome = hub.outcomes(1).await?.remove(0);
    let (id, _) = hub.link_up().await?;
    ensure!(outcome.task == TaskId(7) && outcome.attempt == 1 && outcome.link == id);
    ensure!(outcome.conclusion == Conclusion::Completed(Bytes::from_static(b"done")));
    Ok(())
}

async fn tells_each_side_who_the_other_is(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    let (_, hello) = hub.link_up().await?;
    ensure!(hello == Bytes::from_static(b"hello"));
    ensure!(link.hub_up().await? == (ScanId(1), Bytes::from_static(b"welcome")));
    Ok(())
}

async fn the_hub_knows_a_link_by_its_id(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let link = LinkEnd::open(site, 1).await?;
    let (id, _) = hub.link_up().await?;
    ensure!(id == link.link.id());
    Ok(())
}

async fn each_task_reaches_one_link(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut links = Vec::new();
    for _ in 0..4 {
        links.push(LinkEnd::open(site, 100).await?);
    }
    hub.submit(0..100).await?;
    let (mut held, mut tasks) = (Vec::new(), BTreeSet::new());
    while held.len() < 100 {
        for link in &mut links {
            held.extend(link.leases_within(site.liveness() / 10).await?);
        }
    }
    for lease in &held {
        ensure!(
            tasks.insert(lease.key()),
            "{:?} has two holders",
            lease.key()
        );
    }
    ensure!(tasks.len() == 100);
    Ok(())
}

async fn spreads_tasks_over_links(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut links = Vec::new();
    for _ in 0..4 {
        links.push(LinkEnd::open(site, 2).await?);
        hub.link_up().await?;
    }
    hub.submit(0..8).await?;
    let mut counts: BTreeMap<LinkId, usize> = BTreeMap::new();
    for link in &mut links {
        let leases = link.leases(2).await?;
        counts.insert(link.link.id(), leases.len());
    }
    ensure!(
        counts.len() == 4 && counts.values().all(|&count| count == 2),
        "{counts:?}"
    );
    Ok(())
}

async fn carries_empty_and_largest_bodies(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    for size in [0, 1, MAX_BODY_BYTES] {
        let body = Bytes::from(vec![0xa5; size]);
        hub.hub
            .submit(vec![TaskFrame {
                task: TaskId(1),
                body: body.clone(),
                lost_above: 0,
                avoid: vec![],
            }])
            .await?;
        let lease = link.lease().await?;
        ensure!(
            lease.body() == &body,
            "a task of {size} bytes arrived changed"
        );
        lease.complete(body.clone()).await?;
        let outcome = hub.outcomes(1).await?.remove(0);
        ensure!(
            outcome.conclusion == Conclusion::Completed(body),
            "a result changed"
        );
    }
    Ok(())
}

async fn refuses_an_oversized_frame(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    let body = Bytes::from(vec![0; MAX_BODY_BYTES + 1]);
    let frame = TaskFrame {
        task: TaskId(1),
        body: body.clone(),
        lost_above: 0,
        avoid: vec![],
    };
    let refused = hub.hub.submit(vec![frame]).await;
    ensure!(
        matches!(refused, Err(TransportError::FrameTooLarge { .. })),
        "{refused:?}"
    );
    let refused = hub.hub.broadcast(body.clone()).await;
    ensure!(
        matches!(refused, Err(TransportError::FrameTooLarge { .. })),
        "{refused:?}"
    );
    hub.submit([2]).await?;
    let refused = link.lease().await?.complete(body).await;
    ensure!(
        matches!(refused, Err(TransportError::FrameTooLarge { .. })),
        "{refused:?}"
    );
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(
        matches!(outcome.conclusion, Conclusion::Rejected(_)),
        "{outcome:?}"
    );
    hub.submit([3]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    Ok(())
}

async fn keeps_tasks_submitted_before_any_link(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    hub.submit(0..20).await?;
    tokio::time::sleep(site.liveness()).await;
    let mut link = LinkEnd::open(site, 20).await?;
    for lease in link.leases(20).await? {
        lease.complete(Bytes::new()).await?;
    }
    let tasks: BTreeSet<_> = hub
        .outcomes(20)
        .await?
        .iter()
        .map(|outcome| outcome.task)
        .collect();
    ensure!(tasks == (0..20).map(TaskId).collect());
    Ok(())
}

async fn two_scans_share_one_link(site: &dyn Site) -> Result<()> {
    let mut first = HubEnd::open(site).await?;
    let mut second = HubEnd::open_at(first.process.clone(), site, |config| {
        config.scan = ScanId(2)
    })
    .await?;
    let twice = HubEnd::open_at(first.process.clone(), site, |_| {}).await;
    ensure!(twice.is_err(), "one scan has two hubs");
    let mut link = LinkEnd::open(site, 2).await?;
    first.submit(0..10).await?;
    second.submit(10..20).await?;
    for _ in 0..10 {
        for lease in link.leases(2).await? {
            let body = Bytes::copy_from_slice(&lease.key().scan.0.to_le_bytes());
            lease.complete(body).await?;
        }
    }
    for (end, scan, tasks) in [(&mut first, 1_u64, 0..10), (&mut second, 2, 10..20)] {
        let outcomes = end.outcomes(10).await?;
        let seen: BTreeSet<_> = outcomes.iter().map(|outcome| outcome.task.0).collect();
        ensure!(seen == tasks.collect(), "scan {scan} got {seen:?}");
        let result = Conclusion::Completed(Bytes::copy_from_slice(&scan.to_le_bytes()));
        ensure!(outcomes.iter().all(|outcome| outcome.conclusion == result));
    }
    second.hub.close().await?;
    ensure!(link.hub_down().await? == ScanId(2));
    first.submit([1]).await?;
    link.lease().await?.complete(Bytes::new()).await?;
    first.outcomes(1).await?;
    Ok(())
}

async fn settles_many_at_once(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut link = LinkEnd::open_at(process.clone(), 50).await?;
    let mut other = LinkEnd::open_at(process, 50).await?;
    hub.submit(0..90).await?;
    let mut leases = link.leases(40).await?;
    leases.extend(other.leases(40).await?);
    let settlements = leases
        .into_iter()
        .map(|lease| match lease.key().task.0 % 3 {
            0 => lease.rejected("no such pixel".into()),
            _ => lease.completed(Bytes::new()),
        });
    let settled = link.link.settle(settlements.collect()).await?;
    ensure!(
        settled.lost.is_empty() && settled.oversized.is_empty(),
        "{settled:?}"
    );
    for outcome in hub.outcomes(80).await? {
        let rejected = matches!(&outcome.conclusion, Conclusion::Rejected(reason) if reason == "no such pixel");
        ensure!(rejected == outcome.task.0.is_multiple_of(3), "{outcome:?}");
    }
    Ok(())
}
