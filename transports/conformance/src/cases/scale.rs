//! Many links, many tasks, many losses.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use skyscan_transport::{DownCause, HubConfig, LinkId, Transport, backend::Dice};
use tokio::{task::JoinHandle, time::sleep};

use super::Case;
use crate::{Site, dice_from_environment, hub_end::HubEnd, link_end::LinkEnd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "scale::a_thousand_links_one_process",
            clause: "C2, C5",
            alone: false,
            run: |site| Box::pin(a_thousand_links_one_process(site)),
        },
        Case {
            name: "scale::ten_thousand_tasks_none_lost_none_doubled_under_churn",
            clause: "C1, C2, C3, C4, C6",
            alone: false,
            run: |site| Box::pin(ten_thousand_tasks_none_lost_none_doubled_under_churn(site)),
        },
    ]
}

async fn a_thousand_links_one_process(site: &dyn Site) -> Result<()> {
    const N_LINKS: usize = 1000;
    // A machine that is busy with other things must not make a link seem lost: the others would do its
    // work.
    let unhurried = |config: &mut HubConfig| config.liveness = Duration::from_secs(60);
    let mut hub = HubEnd::open_with(site, unhurried).await?;
    let process = site.link_process().await?;
    let mut servers: Vec<JoinHandle<Result<usize>>> = Vec::new();
    for _ in 0..N_LINKS {
        let mut link = LinkEnd::open_at(process.clone(), 2).await?;
        servers.push(tokio::spawn(async move { link.serve().await }));
    }
    for _ in 0..N_LINKS {
        hub.link_up().await?;
    }
    hub.submit(0..5000).await?;
    let mut tasks: BTreeSet<u64> = BTreeSet::new();
    while tasks.len() < 5000 {
        let outcomes = hub.batch().await?.confirm();
        tasks.extend(outcomes.iter().map(|outcome| outcome.task.0));
    }
    ensure!(
        tasks.into_iter().eq(0..5000),
        "other tasks came back than were submitted"
    );
    hub.hub.close().await?;
    let served = try_join_all(servers).await.context("a server panicked")?;
    let served = served.into_iter().collect::<Result<Vec<_>>>()?;
    let n_busy = served.iter().filter(|&&n_taken| n_taken > 0).count();
    ensure!(
        n_busy > N_LINKS / 2,
        "only {n_busy} of {N_LINKS} links had work"
    );
    Ok(())
}

/// Workers in several processes come, hold, drop, reject nothing, get cut off and vanish at
/// random, until everything is done.
async fn ten_thousand_tasks_none_lost_none_doubled_under_churn(site: &dyn Site) -> Result<()> {
    const N_TASKS: u64 = 10_000;
    const N_PROCESSES: usize = 4;
    let mut dice = dice_from_environment(20_170_922);
    let mut hub = HubEnd::open(site).await?;
    let submitter = hub.hub.clone();
    let submit: JoinHandle<skyscan_transport::Result<()>> = tokio::spawn(async move {
        for first in (0..N_TASKS).step_by(500) {
            submitter
                .submit((first..first + 500).map(crate::hub_end::frame).collect())
                .await?;
        }
        Ok(())
    });
    let mut processes: Vec<Arc<dyn Transport>> = Vec::new();
    for _ in 0..N_PROCESSES {
        processes.push(site.link_process().await?);
    }
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    let mut outcomes: BTreeMap<u64, usize> = BTreeMap::new();
    let mut n_doubled = 0;
    let mut links = LinksSeen::default();
    let mut cut: Option<usize> = None;
    while outcomes.len() < N_TASKS as usize {
        workers.retain(|worker| !worker.is_finished());
        while workers.len() < 12 {
            let process = processes[dice.below(N_PROCESSES as u64) as usize].clone();
            let draws = Dice::seeded(dice.draw());
            workers.push(tokio::spawn(async move {
                // A worker that fails is a lost worker: the tasks must survive it.
                let _lost = churn(process, draws).await;
            }));
        }
        match (dice.below(20), cut) {
            (0, None) => {
                let number = dice.below(N_PROCESSES as u64) as usize;
                site.sever(&processes[number])?;
                cut = Some(number);
            }
            (0..=3, Some(number)) => {
                site.heal(&processes[number])?;
                cut = None;
            }
            _ => {}
        }
        for outcome in hub.outcomes_within(site.liveness() / 10).await? {
            let count = outcomes.entry(outcome.task.0).or_default();
            *count += 1;
            n_doubled += usize::from(*count > 1);
        }
        links.take_in(&mut hub).await?;
    }
    submit.await.context("the submitter panicked")??;
    workers.iter().for_each(JoinHandle::abort);
    ensure!(
        outcomes.keys().copied().eq(0..N_TASKS),
        "other tasks came back than were submitted"
    );
    // Nothing was dropped unconfirmed here, so that nothing may come again (C6).
    ensure!(
        n_doubled <= site.n_repeated(),
        "{n_doubled} outcomes came twice"
    );
    if let Some(number) = cut {
        site.heal(&processes[number])?;
    }
    drop(processes);
    links.wait_for_the_end(&mut hub).await
}

/// How often each link was told to be up and down.
#[derive(Default)]
struct LinksSeen {
    n_ups: BTreeMap<LinkId, usize>,
    n_downs: BTreeMap<LinkId, usize>,
    causes: HashSet<DownCause>,
}

impl LinksSeen {
    /// Takes in what the hub has told by now.
    async fn take_in(&mut self, hub: &mut HubEnd) -> Result<()> {
        for (link, _) in hub.ups_within(Duration::ZERO).await? {
            *self.n_ups.entry(link).or_default() += 1;
        }
        for (link, cause) in hub.downs_within(Duration::ZERO).await? {
            *self.n_downs.entry(link).or_default() += 1;
            self.causes.insert(cause);
        }
        // A link that came up after the first reading may be down by the second.
        for (link, _) in hub.ups_within(Duration::ZERO).await? {
            *self.n_ups.entry(link).or_default() += 1;
        }
        for (link, &n_downs) in &self.n_downs {
            let n_ups = self.n_ups.get(link).copied().unwrap_or(0);
            ensure!(
                n_downs <= n_ups,
                "{link:?}: {n_ups} times up, {n_downs} down"
            );
        }
        Ok(())
    }

    /// Waits until every link that was up is told to be down, as often as it was up.
    async fn wait_for_the_end(&mut self, hub: &mut HubEnd) -> Result<()> {
        while self.n_ups != self.n_downs {
            let (link, cause) = hub.link_down().await?;
            *self.n_downs.entry(link).or_default() += 1;
            self.causes.insert(cause);
            self.take_in(hub).await?;
        }
        ensure!(
            self.causes.len() == 2,
            "all links went down alike: {:?}",
            self.causes
        );
        Ok(())
    }
}

async fn churn(process: Arc<dyn Transport>, mut dice: Dice) -> Result<()> {
    let credit = 1 + dice.below(16) as u16;
    let mut link = LinkEnd::open_at(process, credit).await?;
    for _ in 0..dice.below(200) {
        let mut settlements = Vec::new();
        for lease in
            std::iter::once(link.lease().await?).chain(link.leases_within(Duration::ZERO).await?)
        {
            match dice.below(40) {
                0 => drop(lease),
                1 => settlements.push(lease.released()),
                _ => {
                    let body = lease.body().clone();
                    settlements.push(lease.completed(body));
                }
            }
        }
        if dice.below(10) == 0 {
            sleep(Duration::from_millis(dice.below(30))).await;
        }
        link.link.settle(settlements).await?;
    }
    match dice.below(3) {
        0 => drop(link),
        1 => link.link.close().await?,
        _ => {
            link.link.drain().await?;
            for lease in link.leases_within(Duration::from_millis(20)).await? {
                lease.complete(Bytes::new()).await?;
            }
            link.link.close().await?;
        }
    }
    Ok(())
}
