//! A hub says who holds what.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use skyscan_transport::{Holder, LinkId, TaskId, TransportError};

use super::Case;
use crate::{Site, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "holders::a_leased_task_is_named_with_its_link_and_its_time",
            clause: "C15",
            alone: false,
            run: |site| Box::pin(a_leased_task_is_named_with_its_link_and_its_time(site)),
        },
        Case {
            name: "holders::a_lost_task_is_named_with_its_next_link",
            clause: "C15, C3",
            alone: false,
            run: |site| Box::pin(a_lost_task_is_named_with_its_next_link(site)),
        },
        Case {
            name: "holders::what_ends_first_comes_first",
            clause: "C15",
            alone: false,
            run: |site| Box::pin(what_ends_first_comes_first(site)),
        },
        Case {
            name: "holders::what_waits_is_held_by_nobody",
            clause: "C15",
            alone: false,
            run: |site| Box::pin(what_waits_is_held_by_nobody(site)),
        },
    ]
}

/// Opens a link, and waits until the hub knows it; returns what the hub calls it.
async fn link(site: &dyn Site, hub: &mut HubEnd, credit: u16) -> Result<(LinkEnd, LinkId)> {
    let name = format!("{credit} leases");
    let hello = Bytes::from(name.clone());
    let process = site.link_process().await?;
    let end = LinkEnd::open_with(process, credit, |config| config.hello = hello).await?;
    loop {
        // Behind a relay others come up, too.
        let (id, hello) = hub.link_up().await?;
        if *hello == *name.as_bytes() {
            return Ok((end, id));
        }
    }
}

async fn holders(hub: &HubEnd, tasks: &[u64]) -> Result<Vec<Holder>> {
    let tasks = tasks.iter().copied().map(TaskId).collect();
    Ok(hub.hub.holders(tasks).await?)
}

async fn a_leased_task_is_named_with_its_link_and_its_time(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let (mut first, id) = link(site, &mut hub, 2).await?;
    hub.submit([1, 2]).await?;
    let mut leases = first.leases(2).await?;
    let held = holders(&hub, &[2, 77, 1]).await?;
    let mut tasks: Vec<u64> = held.iter().map(|holder| holder.task.0).collect();
    tasks.sort_unstable();
    ensure!(tasks == [1, 2], "{held:?}");
    for holder in held {
        ensure!(holder.link == id && holder.attempt == 1, "{holder:?}");
        let is_within_term = !holder.left.is_zero() && holder.left <= site.lease_term();
        ensure!(is_within_term, "{holder:?}");
    }
    let done = leases.pop().context("there are two")?;
    let left = leases.pop().context("there are two")?;
    done.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    let held = holders(&hub, &[1, 2]).await?;
    let is_other = held.len() == 1 && held[0].task == left.key().task;
    ensure!(is_other, "{held:?} while {left:?} is held");
    left.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    ensure!(holders(&hub, &[1, 2]).await?.is_empty());
    Ok(())
}

async fn a_lost_task_is_named_with_its_next_link(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let (mut first, _) = link(site, &mut hub, 1).await?;
    hub.submit([1]).await?;
    let kept = first.lease().await?;
    let (mut second, id) = link(site, &mut hub, 3).await?;
    drop(first);
    let again = second.lease().await?;
    drop(kept);
    let held = holders(&hub, &[1]).await?;
    let is_next = held.len() == 1 && held[0].link == id && held[0].attempt == 2;
    ensure!(is_next, "{held:?} while {id:?} holds {again:?}");
    Ok(())
}

async fn what_ends_first_comes_first(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let (mut link, _) = link(site, &mut hub, 2).await?;
    hub.submit([1, 2]).await?;
    let leases = link.leases(2).await?;
    link.read_for(site.lease_term() / 3).await?;
    let (early, late) = (leases[1].key().task, leases[0].key().task);
    leases[0].renew().await?;
    let held = holders(&hub, &[1, 2]).await?;
    let order: Vec<TaskId> = held.iter().map(|holder| holder.task).collect();
    ensure!(order == [early, late], "{held:?}");
    ensure!(held[0].left < held[1].left, "{held:?}");
    Ok(())
}

async fn what_waits_is_held_by_nobody(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    ensure!(holders(&hub, &[1]).await?.is_empty());
    hub.hub.close().await?;
    let closed = hub.hub.holders(vec![TaskId(1)]).await;
    ensure!(matches!(closed, Err(TransportError::Closed)), "{closed:?}");
    Ok(())
}
