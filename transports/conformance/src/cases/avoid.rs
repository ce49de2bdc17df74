//! Who has failed at a task does not get it again while somebody else could.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{Conclusion, MAX_AVOID, TaskFrame, TransportError, WorkerId};

use super::Case;
use crate::{
    Site,
    hub_end::{HubEnd, frame},
    link_end::LinkEnd,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "avoid::goes_to_another_worker_while_one_is_up",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(goes_to_another_worker_while_one_is_up(site)),
        },
        Case {
            name: "avoid::goes_to_anyone_when_all_are_avoided",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(goes_to_anyone_when_all_are_avoided(site)),
        },
        Case {
            name: "avoid::stops_no_task_behind_it",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(stops_no_task_behind_it(site)),
        },
        Case {
            name: "avoid::goes_to_the_avoided_when_the_other_link_is_down",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(goes_to_the_avoided_when_the_other_link_is_down(site)),
        },
        Case {
            name: "avoid::goes_to_the_avoided_when_the_other_link_drains",
            clause: "C14, C9",
            alone: false,
            run: |site| Box::pin(goes_to_the_avoided_when_the_other_link_drains(site)),
        },
        Case {
            name: "avoid::an_outcome_names_its_worker",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(an_outcome_names_its_worker(site)),
        },
        Case {
            name: "avoid::a_lease_tells_whom_it_avoids_within_bounds",
            clause: "C14",
            alone: false,
            run: |site| Box::pin(a_lease_tells_whom_it_avoids_within_bounds(site)),
        },
    ]
}

const BAD: WorkerId = WorkerId([0xbd; 16]);
const GOOD: WorkerId = WorkerId([0x90; 16]);

/// A hub, and a link each of two workers that it knows.
struct Fleet {
    hub: HubEnd,
    bad: LinkEnd,
    good: LinkEnd,
}

async fn fleet(site: &dyn Site, credit: u16) -> Result<Fleet> {
    let mut hub = HubEnd::open(site).await?;
    let bad = link(site, BAD, 4).await?;
    let good = link(site, GOOD, credit).await?;
    while hub.workers != BTreeSet::from([BAD, GOOD]) {
        hub.link_up().await?;
    }
    Ok(Fleet { hub, bad, good })
}

async fn link(site: &dyn Site, worker: WorkerId, credit: u16) -> Result<LinkEnd> {
    let process = site.link_process().await?;
    LinkEnd::open_with(process, credit, |config| config.worker = worker).await
}

fn avoiding(number: u64, workers: &[WorkerId]) -> TaskFrame {
    TaskFrame {
        avoid: workers.to_vec(),
        ..frame(number)
    }
}

async fn goes_to_another_worker_while_one_is_up(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 2).await?;
    let frames = (0..6).map(|number| avoiding(number, &[BAD])).collect();
    fleet.hub.hub.submit(frames).await?;
    for _ in 0..6 {
        // Given back once, each comes again, and to nobody else.
        fleet.good.lease().await?.release().await?;
    }
    for _ in 0..6 {
        fleet.good.lease().await?.complete(Bytes::new()).await?;
    }
    fleet.hub.outcomes(6).await?;
    let stray = fleet.bad.leases_within(site.liveness() / 5).await?;
    ensure!(stray.is_empty(), "{} leases of avoided tasks", stray.len());
    Ok(())
}

async fn goes_to_anyone_when_all_are_avoided(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut bad = link(site, BAD, 1).await?;
    hub.hub.submit(vec![avoiding(1, &[BAD])]).await?;
    bad.lease().await?.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;

    let mut good = link(site, GOOD, 1).await?;
    while !hub.workers.contains(&GOOD) {
        hub.link_up().await?;
    }
    hub.hub.submit(vec![avoiding(2, &[GOOD, BAD])]).await?;
    let lease = tokio::select! {
        lease = bad.lease() => lease?,
        lease = good.lease() => lease?,
    };
    lease.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn stops_no_task_behind_it(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 1).await?;
    let frames = (0..4).map(|number| avoiding(number, &[BAD]));
    fleet.hub.hub.submit(frames.collect()).await?;
    let first = fleet.good.lease().await?;
    fleet.hub.submit(10..20).await?;
    for _ in 10..20 {
        let lease = fleet.bad.lease().await?;
        ensure!(lease.avoid().is_empty(), "an avoided worker got a task");
        lease.complete(Bytes::new()).await?;
    }
    fleet.hub.outcomes(10).await?;
    first.complete(Bytes::new()).await?;
    for _ in 1..4 {
        fleet.good.lease().await?.complete(Bytes::new()).await?;
    }
    fleet.hub.outcomes(4).await?;
    Ok(())
}

async fn goes_to_the_avoided_when_the_other_link_is_down(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 1).await?;
    let frames = vec![avoiding(1, &[BAD]), avoiding(2, &[BAD])];
    fleet.hub.hub.submit(frames).await?;
    let held = fleet.good.lease().await?;
    let early = fleet.bad.leases_within(site.liveness() / 5).await?;
    ensure!(early.is_empty(), "an avoided worker got a task");
    fleet.good.link.close().await?;
    for lease in fleet.bad.leases(2).await? {
        lease.complete(Bytes::new()).await?;
    }
    fleet.hub.outcomes(2).await?;
    drop(held);
    Ok(())
}

async fn goes_to_the_avoided_when_the_other_link_drains(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 1).await?;
    let frames = vec![avoiding(1, &[BAD]), avoiding(2, &[BAD])];
    fleet.hub.hub.submit(frames).await?;
    let held = fleet.good.lease().await?;
    fleet.good.link.drain().await?;
    // Once it holds nothing, a hub behind which a relay stands knows better, too.
    held.complete(Bytes::new()).await?;
    fleet.bad.lease().await?.complete(Bytes::new()).await?;
    fleet.hub.outcomes(2).await?;
    Ok(())
}

async fn an_outcome_names_its_worker(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 4).await?;
    fleet.hub.submit(0..40).await?;
    let mut n_of_good = 0;
    for _ in 0..40 {
        let (lease, worker) = tokio::select! {
            lease = fleet.bad.lease() => (lease?, BAD),
            lease = fleet.good.lease() => (lease?, GOOD),
        };
        let name = worker.to_string();
        match lease.key().task.0 % 2 {
            0 => lease.complete(name.into()).await?,
            _ => lease.reject(name).await?,
        }
        n_of_good += usize::from(worker == GOOD);
    }
    let outcomes = fleet.hub.outcomes(40).await?;
    for outcome in &outcomes {
        let name = match &outcome.conclusion {
            Conclusion::Completed(name) => &name[..],
            Conclusion::Rejected(name) => name.as_bytes(),
        };
        ensure!(outcome.worker.to_string().as_bytes() == name, "{outcome:?}");
    }
    let told = outcomes.iter().filter(|outcome| outcome.worker == GOOD);
    ensure!(told.count() == n_of_good);
    Ok(())
}

async fn a_lease_tells_whom_it_avoids_within_bounds(site: &dyn Site) -> Result<()> {
    let mut fleet = fleet(site, 1).await?;
    let workers: Vec<_> = (0..=MAX_AVOID as u8).map(|n| WorkerId([n; 16])).collect();
    let refused = fleet.hub.hub.submit(vec![avoiding(1, &workers)]).await;
    ensure!(
        matches!(refused, Err(TransportError::FrameTooLarge { .. })),
        "{refused:?}"
    );
    let mut workers = workers[2..].to_vec();
    workers.push(BAD);
    fleet.hub.hub.submit(vec![avoiding(2, &workers)]).await?;
    let lease = fleet.good.lease().await?;
    ensure!(lease.avoid() == workers, "{:?}", lease.avoid());
    lease.complete(Bytes::new()).await?;
    Ok(())
}
