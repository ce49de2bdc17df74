//! Leases end in exactly one way.

use anyhow::{Result, ensure};
use bytes::Bytes;
use skyscan_transport::{Conclusion, MAX_REASON_BYTES, TransportError};
use tokio::time::{Instant, sleep};

use super::Case;
use crate::{
    Site,
    hub_end::HubEnd,
    link_end::{LinkEnd, expect_lease},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "lease::expires_unless_renewed",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(expires_unless_renewed(site)),
        },
        Case {
            name: "lease::renewal_keeps_it",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(renewal_keeps_it(site)),
        },
        Case {
            name: "lease::a_dropped_lease_is_released",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(a_dropped_lease_is_released(site)),
        },
        Case {
            name: "lease::a_panicking_holder_releases",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(a_panicking_holder_releases(site)),
        },
        Case {
            name: "lease::settling_a_lost_lease_fails",
            clause: "C4",
            alone: false,
            run: |site| Box::pin(settling_a_lost_lease_fails(site)),
        },
        Case {
            name: "lease::rejection_is_final",
            clause: "C1",
            alone: false,
            run: |site| Box::pin(rejection_is_final(site)),
        },
        Case {
            name: "lease::what_is_lost_counts_as_an_attempt",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(what_is_lost_counts_as_an_attempt(site)),
        },
        Case {
            name: "lease::what_is_given_back_keeps_its_attempt",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(what_is_given_back_keeps_its_attempt(site)),
        },
        Case {
            name: "lease::an_outcome_tells_its_attempt",
            clause: "C3",
            alone: false,
            run: |site| Box::pin(an_outcome_tells_its_attempt(site)),
        },
        Case {
            name: "lease::redelivers_a_task_forty_times",
            clause: "C1, C3",
            alone: false,
            run: |site| Box::pin(redelivers_a_task_forty_times(site)),
        },
        Case {
            name: "lease::yields_the_result_before_forgetting_the_task",
            clause: "C6",
            alone: false,
            run: |site| Box::pin(yields_the_result_before_forgetting_the_task(site)),
        },
        Case {
            name: "lease::an_unconfirmed_result_comes_again",
            clause: "C6",
            alone: false,
            run: |site| Box::pin(an_unconfirmed_result_comes_again(site)),
        },
    ]
}

async fn expires_unless_renewed(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let kept = link.lease().await?;
    let since = Instant::now();
    let mut other = LinkEnd::open(site, 1).await?;
    let again = other.lease().await?;
    let waited = since.elapsed();
    expect_lease(&again, 1, 2)?;
    ensure!(
        waited > site.lease_term() / 2 && waited < site.lease_term() * 2,
        "expired after {waited:?}"
    );
    drop(kept);
    Ok(())
}

async fn renewal_keeps_it(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 2).await?;
    hub.submit([1, 2]).await?;
    let leases = link.leases(2).await?;
    let mut other = LinkEnd::open(site, 1).await?;
    for _ in 0..6 {
        let stray = other.leases_within(site.lease_term() / 3).await?;
        ensure!(stray.is_empty(), "a renewed lease was given away");
        ensure!(link.link.renew(leases.iter().collect()).await?.is_empty());
    }
    for lease in leases {
        lease.renew().await?;
        lease.complete(Bytes::new()).await?;
    }
    hub.outcomes(2).await?;
    Ok(())
}

async fn a_dropped_lease_is_released(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    drop(link.lease().await?);
    let since = Instant::now();
    let again = link.lease().await?;
    ensure!(
        since.elapsed() < site.liveness(),
        "released after {:?}",
        since.elapsed()
    );
    expect_lease(&again, 1, 1)?;
    drop(again.completed(Bytes::new()));
    let again = link.lease().await?;
    expect_lease(&again, 1, 1)?;
    again.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn a_panicking_holder_releases(site: &dyn Site) -> Result<()> {
    let hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let lease = link.lease().await?;
    let holder = tokio::spawn(async move {
        let _held = lease;
        // Not `panic!`: its hook would write a backtrace into the output of a passing test.
        std::panic::resume_unwind(Box::new("a kernel panics"));
    });
    ensure!(holder.await.is_err_and(|error| error.is_panic()));
    expect_lease(&link.lease().await?, 1, 1)
}

async fn settling_a_lost_lease_fails(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let late = link.lease().await?;
    sleep(site.lease_term() * 3 / 2).await;
    let renewed = late.renew().await;
    ensure!(
        matches!(renewed, Err(TransportError::LeaseLost)),
        "{renewed:?}"
    );
    let settled = late.complete(Bytes::from_static(b"late")).await;
    ensure!(
        matches!(settled, Err(TransportError::LeaseLost)),
        "{settled:?}"
    );
    let again = link.lease().await?;
    again.complete(Bytes::from_static(b"in time")).await?;
    let outcomes = hub.outcomes_within(site.liveness()).await?;
    ensure!(outcomes.len() == 1, "{outcomes:?}");
    ensure!(outcomes[0].conclusion == Conclusion::Completed(Bytes::from_static(b"in time")));
    Ok(())
}

async fn rejection_is_final(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    link.lease().await?.reject("bad".into()).await?;
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(outcome.conclusion == Conclusion::Rejected("bad".into()));
    hub.submit([2]).await?;
    link.lease().await?.reject("ä".repeat(1 << 20)).await?;
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(
        matches!(&outcome.conclusion, Conclusion::Rejected(reason)
            if reason.len() <= MAX_REASON_BYTES && reason.ends_with("ä [...]")),
        "a long reason came as {:?}",
        outcome.conclusion
    );
    let stray = link.leases_within(site.liveness()).await?;
    ensure!(stray.is_empty(), "a rejected task came again");
    Ok(())
}

async fn what_is_lost_counts_as_an_attempt(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    hub.submit([1]).await?;
    for attempt in 1..4 {
        let mut link = LinkEnd::open(site, 1).await?;
        let lease = link.lease().await?;
        expect_lease(&lease, 1, attempt)?;
        drop(link);
        hub.link_down().await?;
        drop(lease);
    }
    let mut link = LinkEnd::open(site, 1).await?;
    let last = link.lease().await?;
    expect_lease(&last, 1, 4)?;
    last.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn what_is_given_back_keeps_its_attempt(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    for _ in 0..3 {
        let lease = link.lease().await?;
        expect_lease(&lease, 1, 1)?;
        lease.release().await?;
    }
    let held = link.lease().await?;
    link.link.close().await?;
    let mut other = LinkEnd::open(site, 1).await?;
    let last = other.lease().await?;
    expect_lease(&last, 1, 1)?;
    drop(held);
    last.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn an_outcome_tells_its_attempt(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut lost = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    let held = lost.lease().await?;
    drop(lost);
    let mut link = LinkEnd::open(site, 1).await?;
    link.lease().await?.release().await?;
    link.lease().await?.complete(Bytes::new()).await?;
    drop(held);
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(outcome.attempt == 2, "{outcome:?}");
    Ok(())
}

async fn redelivers_a_task_forty_times(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 1).await?;
    hub.submit([1]).await?;
    for _ in 0..40 {
        let lease = link.lease().await?;
        expect_lease(&lease, 1, 1)?;
        lease.release().await?;
    }
    link.lease().await?.complete(Bytes::new()).await?;
    hub.outcomes(1).await?;
    Ok(())
}

async fn yields_the_result_before_forgetting_the_task(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let mut link = LinkEnd::open_at(process.clone(), 1).await?;
    hub.submit([1]).await?;
    link.lease()
        .await?
        .complete(Bytes::from_static(b"kept"))
        .await?;
    site.sever(&process)?;
    drop(link);
    drop(process);
    let outcome = hub.outcomes(1).await?.remove(0);
    ensure!(outcome.conclusion == Conclusion::Completed(Bytes::from_static(b"kept")));
    Ok(())
}

async fn an_unconfirmed_result_comes_again(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let mut link = LinkEnd::open(site, 4).await?;
    hub.submit(0..4).await?;
    for lease in link.leases(4).await? {
        lease.complete(Bytes::from_static(b"once")).await?;
    }
    let mut n_dropped = 0;
    while n_dropped < 2 {
        let batch = hub.batch().await?;
        n_dropped += batch.outcomes().len();
        drop(batch);
    }
    let again = hub.outcomes(4).await?;
    ensure!(again.iter().all(|outcome| {
        outcome.conclusion == Conclusion::Completed(Bytes::from_static(b"once"))
    }));
    let more = hub.outcomes_within(site.liveness()).await?;
    ensure!(more.is_empty(), "a confirmed result came again: {more:?}");
    Ok(())
}
